// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace wherry::wasi {

// What a host call tells the guest when it fails: preview 1's errno, which the
// other interfaces translate.
enum class Errno : uint16_t {
#define ERRNO(name, number, linux) name = number,
#include "wasi/host/errno.def"
#undef ERRNO
};

// The guest's word for Linux's errno; io for one that it does not know.
Errno from_linux(int code);

// from_linux(errno).
Errno last_errno();

// "acces" for Errno::acces.
std::string_view name_of(Errno code);

// The result of a host call.
template <class T>
using Io = Result<T, Errno>;

}  // namespace wherry::wasi
