// SPDX-License-Identifier: Apache-2.0
#include "shim/task/exec_program.h"

namespace wherry::shim {
namespace {

Result<sandbox::Entrypoint> find_program(const sandbox::Process& process, int root, const config::Settings& settings, const Toolbox& toolbox) {
  auto found = sandbox::open_program(process, root);
  if (found || found.error().kind != ErrorKind::not_found || !settings.allow_toolbox) return found;
  const std::string_view name = process.args[0];
  auto applet = toolbox(name.substr(name.rfind('/') + 1));
  if (applet) return std::move(*applet);
  return found;
}

}  // namespace

Result<sandbox::Entrypoint> find_exec_program(const sandbox::Process& process, int init_pid, int init_pidfd, const config::Settings& settings,
                                              const Toolbox& toolbox) {
  const UniqueFd root = TRY(sandbox::open_container_root(init_pid, init_pidfd));
  sandbox::Entrypoint program = TRY(find_program(process, root.get(), settings, toolbox));
  if (sandbox::is_native(program.kind)) {
    TRY(sandbox::check_native(program, settings.allow_native));
  } else {
    TRY(sandbox::check_is_module(program));
  }
  return program;
}

}  // namespace wherry::shim
