// SPDX-License-Identifier: Apache-2.0
#include "node/config_change.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "node/containerd_config.h"
#include "node/durable_file.h"
#include "node/program.h"

namespace wherry::node {
namespace {

struct Free {
  void operator()(char* text) const { std::free(text); }
};

// Where the file is. A link into nothing is nobody's to replace.
Result<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  if (real) return std::string(real.get());
  struct stat link;
  if (errno == ENOENT && ::lstat(path.c_str(), &link) != 0) return path;
  return os_error(errno ? errno : ENOENT, path);
}

}  // namespace

Result<void> write_config(const std::string& path, const std::optional<std::string>& content) {
  if (!content) return remove_durably(path);
  const std::string real = TRY(real_path(path));
  struct stat info;
  FileOwner owner{.mode = 0644};
  if (::stat(real.c_str(), &info) == 0) owner = {info.st_mode & 07777, info.st_uid, info.st_gid};
  return replace_durably(real, *content, owner);
}

Result<void> clean_config(const std::string& path) {
  remove_unfinished(TRY(real_path(path)));
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
