// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "wasi/host/descriptor.h"
#include "wasi/host/errno.h"
#include "wasi/host/wait.h"

// Reading and writing: one system call each where nothing has to be waited for.
// A call that blocks ends with intr after an interruption. What the kernel would
// transfer only partly is transferred partly.
namespace wherry::wasi {

inline constexpr size_t kMaxBuffers = 1024;  // IOV_MAX

Io<size_t> read(Descriptor& descriptor, std::span<const iovec> buffers, const Wake& wake);
Io<size_t> write(Descriptor& descriptor, std::span<const iovec> buffers, const Wake& wake);
Io<size_t> pread(Descriptor& descriptor, std::span<const iovec> buffers, uint64_t offset);
Io<size_t> pwrite(Descriptor& descriptor, std::span<const iovec> buffers, uint64_t offset);
Io<uint64_t> seek(Descriptor& descriptor, int64_t offset, Whence whence);

// Only append and nonblock can be changed; inval for the others.
Io<void> set_flags(Descriptor& descriptor, Fdflags flags);

}  // namespace wherry::wasi
