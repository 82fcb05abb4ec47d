// SPDX-License-Identifier: Apache-2.0
#include "node/config_change.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

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

Result<std::optional<ContainerdConfig>> effective_config(const Daemon& daemon, const std::string& config) {
  constexpr std::chrono::seconds kPatience{20};
  if (daemon.program.empty()) return std::optional<ContainerdConfig>();
  const std::vector<std::string> dump = {daemon.program, "--config", config, "config", "dump"};
  const Ended ended = TRY(run_program(dump, kPatience, Stderr::discarded));
  if (ended.code == 0) return std::optional<ContainerdConfig>(TRY(parse_containerd_config(ended.output)));
  const auto why = run_program(dump, kPatience, Stderr::with_stdout);
  return error(ErrorKind::failed_precondition,
               "containerd can not read " + config + (why ? ": " + why->output.substr(0, why->output.find('\n')) : ""));
}

Result<std::vector<std::string>> effective_handlers(const Daemon& daemon, const std::string& config) {
  std::vector<std::string> names;
  const auto effective = TRY(effective_config(daemon, config));
  if (!effective) return names;
  for (const ContainerdConfig::Runtime& runtime : effective->all_runtimes) names.push_back(runtime.name);
  return names;
}

}  // namespace wherry::node
