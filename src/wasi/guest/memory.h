// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

#include "abi/trap.h"
#include "base/result.h"

namespace wherry::wasi {

static_assert(std::endian::native == std::endian::little, "the guest's integers are copied as they are");

// A guest's pointer to a T, and to `count` of them. T has the layout that the
// guest knows.
template <class T>
struct Ptr {
  uint32_t address;
};
template <class T>
struct Array {
  uint32_t address;
  uint32_t count;
};
using Text = Array<uint8_t>;

// A read or write buffer of the guest.
struct Iovec {
  uint32_t buf;
  uint32_t len;
};

// Buffers of the guest as system calls take them; as many as one call takes.
struct Buffers {
  size_t count = 0;
  std::array<iovec, 1024> items;
  std::span<const iovec> span() const { return {items.data(), count}; }
};

// The guest's linear memory during one host call. Pointers out of bounds and
// misaligned ones trap, as the WASI text asks.
class GuestMemory {
 public:
  explicit GuestMemory(std::span<uint8_t> bytes) : bytes_(bytes) {}

  Result<std::span<uint8_t>, Trap> slice(uint32_t address, uint64_t length) const {
    if (address > bytes_.size() || length > bytes_.size() - address) return Trap::memory_out_of_bounds;
    return bytes_.subspan(address, length);
  }
  Result<std::span<uint8_t>, Trap> slice(Text text) const { return slice(text.address, text.count); }

  // `count` T in a row.
  template <class T>
  Result<std::span<uint8_t>, Trap> elements(Ptr<T> first, uint32_t count) const {
    if (first.address % alignof(T) != 0) return Trap::host_error;
    return slice(first.address, uint64_t{count} * sizeof(T));
  }

  template <class T>
  Result<T, Trap> load(Ptr<T> from) const {
    const std::span<uint8_t> bytes = TRY(elements(from, 1));
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }

  template <class T>
  Result<void, Trap> store(Ptr<T> to, const T& value) const {
    const std::span<uint8_t> bytes = TRY(elements(to, 1));
    std::memcpy(bytes.data(), &value, sizeof value);
    return {};
  }

  // Checks every buffer that is used.
  Result<void, Trap> gather(Array<Iovec> iovs, Buffers& buffers) const;

 private:
  std::span<uint8_t> bytes_;
};

inline Result<void, Trap> GuestMemory::gather(Array<Iovec> iovs, Buffers& buffers) const {
  const std::span<uint8_t> raw = TRY(elements(Ptr<Iovec>{iovs.address}, iovs.count));
  buffers.count = iovs.count < buffers.items.size() ? iovs.count : buffers.items.size();
  for (size_t i = 0; i < buffers.count; i++) {
    Iovec iov;
    std::memcpy(&iov, raw.data() + i * sizeof iov, sizeof iov);
    const std::span<uint8_t> bytes = TRY(slice(iov.buf, iov.len));
    buffers.items[i] = {bytes.data(), bytes.size()};
  }
  return {};
}

}  // namespace wherry::wasi
