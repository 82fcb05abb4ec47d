// SPDX-License-Identifier: Apache-2.0
#include "sandbox/mapped_files.h"

#include <fcntl.h>

#include <cerrno>

namespace wherry::sandbox {
namespace {

constexpr size_t kMaxMaps = 4 << 20;

}  // namespace

Result<MappedFiles> MappedFiles::of(int pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  const std::string maps = TRY(read_file(process + "/maps", kMaxMaps));
  return MappedFiles(process, maps);
}

Result<UniqueFd> MappedFiles::open(std::string_view name, int flags) const {
  const size_t found = maps_.find("/memfd:" + std::string(name) + " ");
  if (found == maps_.npos) return error(ErrorKind::not_found, process_ + " maps no " + std::string(name));
  const size_t line = maps_.rfind('\n', found) + 1;
  const std::string path = process_ + "/map_files/" + maps_.substr(line, maps_.find(' ', line) - line);
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return os_error(errno, path);
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW;
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) return error(ErrorKind::denied, path + ": not a sealed memory file");
  return fd;
}

}  // namespace wherry::sandbox
