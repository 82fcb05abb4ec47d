// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/file_io.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "wasi/host/socket.h"

namespace wherry::wasi {
namespace {

using Kind = Descriptor::Kind;

// A single buffer takes the plain call: the kernel is faster at it.
ssize_t read_some(int fd, std::span<const iovec> buffers) {
  if (buffers.size() == 1) return ::read(fd, buffers[0].iov_base, buffers[0].iov_len);
  return ::readv(fd, buffers.data(), static_cast<int>(buffers.size()));
}

ssize_t write_some(int fd, std::span<const iovec> buffers) {
  if (buffers.size() == 1) return ::write(fd, buffers[0].iov_base, buffers[0].iov_len);
  return ::writev(fd, buffers.data(), static_cast<int>(buffers.size()));
}

// The description of stdio is shared with other processes and stays as it is, so
// that what may block there is waited for beforehand.
Io<void> await_stdio(const Descriptor& descriptor, short events, const Wake& wake) {
  if (descriptor.nonblocking()) {
    pollfd fd{descriptor.fd.get(), events, 0};
    if (::poll(&fd, 1, 0) == 0) return Errno::again;
    return {};
  }
  TRY(wait_for(descriptor.fd.get(), events, 0, wake));
  return {};
}

// Repeats `transfer` over interruptions that are not meant for the guest, and
// over the waits of a blocking descriptor.
template <class Transfer>
Io<size_t> transfer(const Descriptor& descriptor, short events, const Wake& wake, Transfer some) {
  for (;;) {
    const ssize_t n = some();
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EINTR) {
      if (wake.interrupted()) return Errno::intr;
    } else if (errno == EAGAIN && !descriptor.nonblocking()) {
      TRY(wait_for(descriptor.fd.get(), events, 0, wake));
    } else {
      return last_errno();
    }
  }
}

}  // namespace

Io<size_t> read(Descriptor& descriptor, std::span<const iovec> buffers, const Wake& wake) {
  if (descriptor.kind == Kind::socket) return socket_receive(descriptor, buffers, 0, wake);
  if (descriptor.kind == Kind::directory || !(descriptor.base & right::fd_read)) return Errno::badf;
  if (descriptor.may_wait) TRY(await_stdio(descriptor, POLLIN, wake));
  return transfer(descriptor, POLLIN, wake, [&] { return read_some(descriptor.fd.get(), buffers); });
}

// Blocking output to stdio is not waited for beforehand, which would make it two
// system calls: the signal that interrupts also ends the write, and is repeated
// until the guest has stopped.
Io<size_t> write(Descriptor& descriptor, std::span<const iovec> buffers, const Wake& wake) {
  if (descriptor.kind == Kind::socket) return socket_send(descriptor, buffers, wake);
  if (descriptor.kind == Kind::directory || !(descriptor.base & right::fd_write)) return Errno::badf;
  if (descriptor.may_wait && descriptor.nonblocking()) TRY(await_stdio(descriptor, POLLOUT, wake));
  return transfer(descriptor, POLLOUT, wake, [&] { return write_some(descriptor.fd.get(), buffers); });
}

Io<size_t> pread(Descriptor& descriptor, std::span<const iovec> buffers, uint64_t offset) {
  if (descriptor.kind == Kind::directory || !(descriptor.base & right::fd_read)) return Errno::badf;
  if (descriptor.kind != Kind::file) return Errno::spipe;
  if (static_cast<int64_t>(offset) < 0) return Errno::inval;
  const ssize_t n = ::preadv(descriptor.fd.get(), buffers.data(), static_cast<int>(buffers.size()), static_cast<off_t>(offset));
  if (n < 0) return last_errno();
  return static_cast<size_t>(n);
}

Io<size_t> pwrite(Descriptor& descriptor, std::span<const iovec> buffers, uint64_t offset) {
  if (descriptor.kind == Kind::directory || !(descriptor.base & right::fd_write)) return Errno::badf;
  if (descriptor.kind != Kind::file) return Errno::spipe;
  if (static_cast<int64_t>(offset) < 0) return Errno::inval;
  const ssize_t n = ::pwritev(descriptor.fd.get(), buffers.data(), static_cast<int>(buffers.size()), static_cast<off_t>(offset));
  if (n < 0) return last_errno();
  return static_cast<size_t>(n);
}

Io<uint64_t> seek(Descriptor& descriptor, int64_t offset, Whence whence) {
  constexpr int kWhence[] = {SEEK_SET, SEEK_CUR, SEEK_END};
  if (descriptor.kind == Kind::stdio || descriptor.kind == Kind::socket) return Errno::spipe;
  if (descriptor.kind != Kind::file) return Errno::badf;
  const off_t position = ::lseek(descriptor.fd.get(), offset, kWhence[static_cast<size_t>(whence)]);
  if (position < 0) return last_errno();
  return static_cast<uint64_t>(position);
}

Io<void> set_flags(Descriptor& descriptor, Fdflags flags) {
  if (descriptor.kind == Kind::directory) return Errno::badf;
  constexpr Fdflags kChangeable = fdflag::append | fdflag::nonblock;
  if (flags & ~kChangeable & ~descriptor.flags) return Errno::inval;
  if (descriptor.kind == Kind::file && ((flags ^ descriptor.flags) & fdflag::append)) {
    const int old = ::fcntl(descriptor.fd.get(), F_GETFL);
    const int now = flags & fdflag::append ? old | O_APPEND : old & ~O_APPEND;
    if (old < 0 || ::fcntl(descriptor.fd.get(), F_SETFL, now) != 0) return last_errno();
  }
  descriptor.flags = static_cast<Fdflags>((descriptor.flags & ~kChangeable) | (flags & kChangeable));
  return {};
}

}  // namespace wherry::wasi
