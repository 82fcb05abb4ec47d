// SPDX-License-Identifier: Apache-2.0
#include "node/config_change.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "base/fd.h"
#include "node/containerd_config.h"
#include "node/program.h"

namespace wherry::node {
namespace {

struct Free {
  void operator()(char* text) const { std::free(text); }
};

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  return real ? std::string(real.get()) : path;
}

}  // namespace

Result<void> write_config(const std::string& path, const std::optional<std::string>& content) {
  if (!content) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return os_error(errno, path);
    return {};
  }
  const std::string real = real_path(path);
  struct stat info;
  const bool exists = ::stat(real.c_str(), &info) == 0;
  TRY(replace_file(real, *content, exists ? info.st_mode & 07777 : 0644));
  if (exists && ::chown(real.c_str(), info.st_uid, info.st_gid) != 0) return os_error(errno, real);
  const UniqueFd file(::open(real.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file || ::fsync(file.get()) != 0) return os_error(errno, real);
  return {};
}

Result<std::vector<std::string>> effective_handlers(const Daemon& daemon, const std::string& config) {
  constexpr std::chrono::seconds kPatience{20};
  std::vector<std::string> names;
  if (daemon.program.empty()) return names;
  const std::vector<std::string> dump = {daemon.program, "--config", config, "config", "dump"};
  const Ended ended = TRY(run_program(dump, kPatience, Stderr::discarded));
  if (ended.code != 0) {
    const auto why = run_program(dump, kPatience, Stderr::with_stdout);
    return error(ErrorKind::failed_precondition,
                 "containerd can not read " + config + (why ? ": " + why->output.substr(0, why->output.find('\n')) : ""));
  }
  for (const ContainerdConfig::Runtime& runtime : TRY(parse_containerd_config(ended.output)).all_runtimes)
    names.push_back(runtime.name);
  return names;
}

}  // namespace wherry::node
