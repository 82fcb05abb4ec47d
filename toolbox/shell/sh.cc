// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "core/options.h"
#include "shell/shell.h"

namespace toolbox {
namespace {

// The environment as it was: the shell's exports are its own.
void import_environment(sh::Shell& shell) {
  for (char** entry = environ; entry && *entry; entry++) {
    const char* const equals = std::strchr(*entry, '=');
    const std::string name(*entry, equals ? static_cast<size_t>(equals - *entry) : 0);
    if (sh::is_name(name)) shell.set(name, equals + 1, true);
  }
}

}  // namespace

int sh_applet(Context& context, Arguments arguments) {
  Options options(context, arguments, "+ceuxilsf");
  if (!options.ok()) return usage_error(context);
  sh::Shell shell({&context.in, &context.out, &context.err});
  import_environment(shell);
  shell.state.exit_on_error = options.has('e');
  shell.state.refuse_unset = options.has('u');
  shell.state.trace = options.has('x');
  shell.state.no_globs = options.has('f');
  Arguments& rest = options.operands;
  const auto arguments_from = [&](size_t at) {
    if (rest.size() > at) shell.state.arguments.assign(rest.begin() + static_cast<ptrdiff_t>(at), rest.end());
  };
  if (options.has('c')) {
    if (rest.empty()) return usage_error(context, "-c needs a script");
    if (rest.size() > 1) shell.state.name = rest[1];
    arguments_from(2);
    shell.run_text(rest[0]);
  } else if (!rest.empty() && !options.has('s')) {
    const int fd = ::open(rest[0].c_str(), O_RDONLY);
    if (fd < 0) return context.fail_errno("can't open '" + rest[0] + "'"), 2;
    Input file(fd, true);
    shell.state.name = rest[0];
    arguments_from(1);
    shell.run_input(file, false);
  } else {
    arguments_from(0);
    shell.run_input(context.in, options.has('i') || context.in.is_terminal());
  }
  shell.finish();
  return shell.state.status;
}

}  // namespace toolbox
