// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "wasi/host/file_io.h"
#include "wasi/host/socket.h"
#include "wasi/p1/p1.h"

namespace wherry::wasi {

Outcome P1::fd_read(uint32_t fd, Array<Iovec> iovs, Ptr<uint32_t> nread) {
  Buffers buffers;
  TRY(memory_.gather(iovs, buffers));
  Descriptor* descriptor = TRY(host_.files.get(fd));
  TRY(memory_.store(nread, static_cast<uint32_t>(TRY(read(*descriptor, buffers.span(), host_.wake)))));
  return Errno::success;
}

// A guest whose output nobody reads any more ends as any program does.
Outcome P1::fd_write(uint32_t fd, Array<Iovec> iovs, Ptr<uint32_t> nwritten) {
  Buffers buffers;
  TRY(memory_.gather(iovs, buffers));
  Descriptor* descriptor = TRY(host_.files.get(fd));
  Io<size_t> written = write(*descriptor, buffers.span(), host_.wake);
  if (!written && written.error() == Errno::pipe && descriptor->kind == Descriptor::Kind::stdio) {
    return Ending{Ending::Kind::signalled, SIGPIPE};
  }
  TRY(memory_.store(nwritten, static_cast<uint32_t>(TRY(written))));
  return Errno::success;
}

Outcome P1::fd_pread(uint32_t fd, Array<Iovec> iovs, uint64_t offset, Ptr<uint32_t> nread) {
  Buffers buffers;
  TRY(memory_.gather(iovs, buffers));
  Descriptor* descriptor = TRY(host_.files.get(fd));
  TRY(memory_.store(nread, static_cast<uint32_t>(TRY(pread(*descriptor, buffers.span(), offset)))));
  return Errno::success;
}

Outcome P1::fd_pwrite(uint32_t fd, Array<Iovec> iovs, uint64_t offset, Ptr<uint32_t> nwritten) {
  Buffers buffers;
  TRY(memory_.gather(iovs, buffers));
  Descriptor* descriptor = TRY(host_.files.get(fd));
  TRY(memory_.store(nwritten, static_cast<uint32_t>(TRY(pwrite(*descriptor, buffers.span(), offset)))));
  return Errno::success;
}

Outcome P1::seek_to(uint32_t fd, int64_t offset, Whence whence, Ptr<uint64_t> position) {
  Descriptor* descriptor = TRY(host_.files.get(fd));
  TRY(memory_.store(position, TRY(seek(*descriptor, offset, whence))));
  return Errno::success;
}

Outcome P1::fd_seek(uint32_t fd, int64_t offset, WhenceId whence, Ptr<uint64_t> position) {
  return seek_to(fd, offset, whence.value, position);
}

Outcome P1::unstable_fd_seek(uint32_t fd, int64_t offset, WhenceId whence, Ptr<uint64_t> position) {
  constexpr Whence kOlder[] = {Whence::cur, Whence::end, Whence::set};
  return seek_to(fd, offset, kOlder[static_cast<size_t>(whence.value)], position);
}

Outcome P1::fd_tell(uint32_t fd, Ptr<uint64_t> position) { return seek_to(fd, 0, Whence::cur, position); }

Outcome P1::sock_accept(uint32_t fd, FdflagBits flags, Ptr<uint32_t> accepted) {
  Descriptor* listener = TRY(host_.files.socket(fd));
  if (!host_.files.has_room()) return Errno::mfile;
  TRY(memory_.elements(accepted, 1));
  const uint32_t number = TRY(host_.files.add(TRY(socket_accept(*listener, flags.bits, host_.wake))));
  TRY(memory_.store(accepted, number));
  return Errno::success;
}

Outcome P1::sock_recv(uint32_t fd, Array<Iovec> iovs, RecvBits flags, Ptr<uint32_t> received, Ptr<uint16_t> out_flags) {
  Buffers buffers;
  TRY(memory_.gather(iovs, buffers));
  Descriptor* socket = TRY(host_.files.socket(fd));
  ReceiveDetails details;
  const bool datagram = socket->filetype == Filetype::socket_dgram;
  const size_t size = TRY(socket_receive(*socket, buffers.span(), flags.bits, host_.wake, datagram ? &details : nullptr));
  TRY(memory_.store(out_flags, static_cast<uint16_t>(details.truncated)));
  TRY(memory_.store(received, static_cast<uint32_t>(size)));
  return Errno::success;
}

Outcome P1::sock_send(uint32_t fd, Array<Iovec> iovs, uint32_t flags, Ptr<uint32_t> sent) {
  if (flags != 0) return Errno::inval;
  Buffers buffers;
  TRY(memory_.gather(iovs, buffers));
  Descriptor* socket = TRY(host_.files.socket(fd));
  TRY(memory_.store(sent, static_cast<uint32_t>(TRY(socket_send(*socket, buffers.span(), host_.wake)))));
  return Errno::success;
}

Outcome P1::sock_shutdown(uint32_t fd, uint32_t how) {
  Descriptor* socket = TRY(host_.files.socket(fd));
  if (how > 3) return Errno::inval;
  TRY(socket_shutdown(*socket, static_cast<uint8_t>(how)));
  return Errno::success;
}

}  // namespace wherry::wasi
