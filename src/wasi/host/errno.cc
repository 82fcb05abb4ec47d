// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/errno.h"

#include <array>
#include <cerrno>

namespace wherry::wasi {
namespace {

constexpr size_t kLinuxErrnos = 134;

constexpr auto kFromLinux = [] {
  std::array<Errno, kLinuxErrnos> table{};
  for (Errno& entry : table) entry = Errno::io;
#define ERRNO(name, number, linux) \
  if ((linux) >= 0) table[static_cast<size_t>((linux) >= 0 ? (linux) : 0)] = Errno::name;
#include "wasi/host/errno.def"
#undef ERRNO
  return table;
}();

}  // namespace

Errno from_linux(int code) {
  return code >= 0 && static_cast<size_t>(code) < kLinuxErrnos ? kFromLinux[static_cast<size_t>(code)] : Errno::io;
}

std::string_view name_of(Errno code) {
  switch (code) {
#define ERRNO(name, number, linux) \
  case Errno::name:                \
    return #name;
#include "wasi/host/errno.def"
#undef ERRNO
  }
  return "unknown";
}

Errno last_errno() { return from_linux(errno); }

}  // namespace wherry::wasi
