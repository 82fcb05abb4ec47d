// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/socket_option.h"

#include "wasi/wasmedge/wasmedge.h"

namespace wherry::wasi {
namespace {

constexpr uint32_t kSolSocket = 0;

// The guest's timeval and linger.
struct Timeval {
  int64_t seconds;
  int64_t microseconds;
};
struct GuestLinger {
  int32_t on;
  int32_t seconds;
};

// A timeval, or the same in 8 bytes, of guests with a 32-bit long; 0 for none.
Io<uint64_t> to_timeout(std::span<const uint8_t> value) {
  Timeval time{};
  if (value.size() == sizeof(Timeval)) {
    std::memcpy(&time, value.data(), sizeof time);
    time.microseconds = static_cast<int32_t>(time.microseconds);
  } else if (value.size() == 8) {
    int32_t parts[2];
    std::memcpy(parts, value.data(), sizeof parts);
    time = {parts[0], parts[1]};
  } else {
    return Errno::inval;
  }
  constexpr int64_t kMaxSeconds = 1'000'000'000;
  if (time.seconds < 0 || time.microseconds < 0 || time.microseconds >= 1'000'000) return Errno::dom;
  if (time.seconds > kMaxSeconds) return uint64_t{0};
  return static_cast<uint64_t>(time.seconds) * 1'000'000'000 + static_cast<uint64_t>(time.microseconds) * 1000;
}

// As much of `value` as the guest's buffer takes; its size is the result.
template <class T>
Io<uint32_t> put(const T& value, std::span<uint8_t> out) {
  if (out.size() < sizeof value) return Errno::inval;
  std::memcpy(out.data(), &value, sizeof value);
  return static_cast<uint32_t>(sizeof value);
}

Io<uint32_t> put_timeout(uint64_t timeout, std::span<uint8_t> out) {
  const auto seconds = static_cast<int64_t>(timeout / 1'000'000'000);
  const auto microseconds = static_cast<int64_t>(timeout % 1'000'000'000 / 1000);
  if (out.size() >= sizeof(Timeval)) return put(Timeval{seconds, microseconds}, out);
  const int32_t parts[2] = {static_cast<int32_t>(seconds), static_cast<int32_t>(microseconds)};
  return put(parts, out);
}

Io<uint32_t> get_value(const Descriptor& socket, SocketOption option, std::span<uint8_t> out) {
  switch (option) {
    case SocketOption::rcvtimeo:
      return put_timeout(socket.recv_timeout, out);
    case SocketOption::sndtimeo:
      return put_timeout(socket.send_timeout, out);
    case SocketOption::linger: {
      const Linger linger = TRY(socket_linger(socket));
      return put(GuestLinger{linger.on, linger.seconds}, out);
    }
    case SocketOption::bindtodevice: {
      const std::string name = TRY(socket_device(socket));
      const size_t size = name.empty() ? 0 : name.size() + 1;
      if (out.size() < size) return Errno::inval;
      std::memcpy(out.data(), name.c_str(), size);
      return static_cast<uint32_t>(size);
    }
    default:
      return put(TRY(socket_option(socket, option)), out);
  }
}

Io<void> set_value(Descriptor& socket, SocketOption option, std::span<const uint8_t> value) {
  switch (option) {
    case SocketOption::rcvtimeo:
      socket.recv_timeout = TRY(to_timeout(value));
      return {};
    case SocketOption::sndtimeo:
      socket.send_timeout = TRY(to_timeout(value));
      return {};
    case SocketOption::linger: {
      GuestLinger linger;
      if (value.size() != sizeof linger) return Errno::inval;
      std::memcpy(&linger, value.data(), sizeof linger);
      return set_socket_linger(socket, {linger.on != 0, linger.seconds});
    }
    case SocketOption::bindtodevice:
      return set_socket_device(socket, {reinterpret_cast<const char*>(value.data()), value.size()});
    default: {
      // One byte is a Rust bool.
      int32_t number = 0;
      if (value.empty() || value.size() > sizeof number) return Errno::inval;
      std::memcpy(&number, value.data(), value.size());
      return set_socket_option(socket, option, number);
    }
  }
}

}  // namespace

Outcome WasmEdge::sock_getsockopt(uint32_t fd, uint32_t level, uint32_t name, Ptr<uint8_t> value, Ptr<uint32_t> size) {
  const Descriptor* socket = TRY(host_.files.socket(fd));
  if (level != kSolSocket || name >= kSocketOptions) return Errno::noprotoopt;
  const std::span<uint8_t> out = TRY(memory_.slice(value.address, TRY(memory_.load(size))));
  TRY(memory_.store(size, TRY(get_value(*socket, static_cast<SocketOption>(name), out))));
  return Errno::success;
}

Outcome WasmEdge::sock_setsockopt(uint32_t fd, uint32_t level, uint32_t name, Text value) {
  Descriptor* socket = TRY(host_.files.socket(fd));
  if (level != kSolSocket || name >= kSocketOptions) return Errno::noprotoopt;
  TRY(set_value(*socket, static_cast<SocketOption>(name), TRY(memory_.slice(value))));
  return Errno::success;
}

}  // namespace wherry::wasi
