// SPDX-License-Identifier: Apache-2.0
#include "cli/beside.h"

#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace wherry::cli {

Error execute_beside(const std::string& program, std::span<char* const> words) {
  char self[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self);
  if (length <= 0) return os_error(errno, "/proc/self/exe");
  const std::string here(self, static_cast<size_t>(length));
  const std::string directory = here.substr(0, here.rfind('/') + 1);
  std::vector<char*> argv(words.begin(), words.end());
  argv.insert(argv.begin(), const_cast<char*>(program.c_str()));
  argv.push_back(nullptr);
  for (const char* where : {"", "../libexec/wherry/"}) {
    ::execv((directory + where + program).c_str(), argv.data());
    if (errno != ENOENT) return os_error(errno, program);
  }
  return error(ErrorKind::not_found, program + " is not beside wherry in " + directory + ": install it too");
}

}  // namespace wherry::cli
