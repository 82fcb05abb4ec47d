// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/delegate.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ociruntime/store.h"
#include "shim/task/bundle.h"

namespace wherry::ociruntime {
namespace {

std::string root_of(const GlobalOptions& global) { return global.root + "-native"; }

}  // namespace

bool is_delegated(const GlobalOptions& global, const std::string& id) {
  struct stat info;
  return shim::check_id(id) && ::stat((root_of(global) + "/" + id).c_str(), &info) == 0;
}

std::vector<std::string> delegated_ids(const GlobalOptions& global) { return ids(root_of(global)); }

Error delegate(const GlobalOptions& global, const std::vector<std::string>& words) {
  std::vector<std::string> all = {"--root", root_of(global)};
  if (!global.log.empty()) all.insert(all.end(), {"--log", global.log, "--log-format", global.log_format});
  if (global.debug) all.push_back("--debug");
  if (global.systemd_cgroup) all.push_back("--systemd-cgroup");
  all.insert(all.end(), words.begin(), words.end());
  for (const char* name : {"runc", "crun"}) {
    std::vector<char*> argv = {const_cast<char*>(name)};
    for (std::string& word : all) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execvp(name, argv.data());
    if (errno != ENOENT) return os_error(errno, name);
  }
  return error(ErrorKind::unavailable, "a native program needs runc or crun, and neither is in PATH");
}

}  // namespace wherry::ociruntime
