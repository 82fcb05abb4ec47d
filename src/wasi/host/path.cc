// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "wasi/host/policy.h"
#include "wasi/host/special_file.h"
#include "wasi/host/utf8.h"

namespace wherry::wasi {
namespace {

uint64_t resolve_flags(Descriptor::Scope scope) {
  switch (scope) {
    case Descriptor::Scope::beneath:
    case Descriptor::Scope::processes:
      return RESOLVE_BENEATH;
    case Descriptor::Scope::in_root:
      return RESOLVE_IN_ROOT;
    case Descriptor::Scope::in_process_root:
      return 0;  // the kernel keeps every walk inside this process's root
  }
  return RESOLVE_BENEATH;
}

}  // namespace

Io<std::string> checked_path(std::span<const uint8_t> bytes) {
  if (bytes.empty()) return Errno::noent;
  if (bytes.size() >= PATH_MAX) return Errno::nametoolong;
  if (std::memchr(bytes.data(), 0, bytes.size()) != nullptr) return Errno::inval;
  if (!is_utf8(bytes)) return Errno::ilseq;
  if (bytes[0] == '/') return Errno::perm;
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Io<UniqueFd> open_within(const Descriptor& directory, const char* path, int flags, mode_t mode) {
  // The kernel answers EAGAIN when a rename anywhere made ".." unsafe to judge.
  constexpr int kTries = 128;

  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_NO_MAGICLINKS | resolve_flags(directory.scope);
  for (int i = 0; i < kTries; i++) {
    const long fd = ::syscall(SYS_openat2, directory.fd.get(), path, &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    if (errno == EXDEV) return directory.policy ? directory.policy->denied(Denial::path, path, Errno::perm) : Errno::perm;
    if (errno != EAGAIN && errno != EINTR) return last_errno();
  }
  return Errno::again;
}

Errno denied_read_only(const Descriptor& descriptor) {
  return descriptor.policy ? descriptor.policy->denied(Denial::read_only, "", Errno::rofs) : Errno::rofs;
}

bool Place::trailing_slash() const { return std::strchr(name, '/') != nullptr; }

Io<Place> locate(const Descriptor& directory, const std::string& path) {
  const size_t end = path.find_last_not_of('/') + 1;
  const size_t slash = path.rfind('/', end - 1);
  const size_t start = slash == std::string::npos ? 0 : slash + 1;
  const std::string_view last(path.data() + start, end - start);

  Place place;
  place.parent = directory.fd.get();
  place.name = path.c_str() + start;
  std::string above = path.substr(0, start);
  if (last == "." || last == "..") {
    above = path;
    place.name = ".";
  }
  if (above.empty() || above == ".") return place;
  place.owned = TRY(open_within(directory, above.c_str(), O_PATH | O_DIRECTORY));
  TRY(check_filesystem(place.owned.get()));
  place.parent = place.owned.get();
  return place;
}

}  // namespace wherry::wasi
