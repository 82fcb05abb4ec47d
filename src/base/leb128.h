// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace wherry {

// Reads numbers from bytes. Built for hot loops: nothing is returned that must
// be tested after each read. Instead the first failure is kept, later reads give
// 0, and the user tests failure() once for each thing that it decodes.
//
// `Input::trusted` is for bytes that were read before without a failure: nothing
// is checked then, not even the end.
enum class Input : bool { untrusted, trusted };

template <Input input = Input::untrusted>
class ByteCursor {
  static constexpr bool kChecked = input == Input::untrusted;

 public:
  ByteCursor() = default;
  ByteCursor(const uint8_t* begin, const uint8_t* end) : p_(begin), end_(end) {}

  const uint8_t* position() const { return p_; }
  const uint8_t* end() const { return end_; }
  bool at_end() const { return p_ == end_; }
  size_t left() const { return static_cast<size_t>(end_ - p_); }

  // The test suite's words for the first failure, or nullptr.
  const char* failure() const { return failure_; }
  // Where reading stopped: behind the last byte of what failed.
  const uint8_t* failure_position() const { return failed_at_; }

  void fail(const char* why) { fail(why, p_); }
  void fail(const char* why, const uint8_t* where) {
    if (failure_) return;
    failure_ = why;
    failed_at_ = where;
    end_ = p_;
  }

  uint8_t byte() {
    if (kChecked && at_end()) [[unlikely]]
      return fail(kUnexpectedEnd), 0;
    return *p_++;
  }

  // n bytes in place; nullptr if there are fewer.
  const uint8_t* bytes(size_t n) {
    if (kChecked && left() < n) [[unlikely]]
      return fail(kUnexpectedEnd, end_), nullptr;
    const uint8_t* const start = p_;
    p_ += n;
    return start;
  }

  // A little-endian number of fixed size.
  template <class T>
  T fixed() {
    T value{};
    if (const uint8_t* const at = bytes(sizeof(T))) std::memcpy(&value, at, sizeof(T));
    return value;
  }

  // LEB128 of the spec's types, for instance sN<33>() for a heap type.
  // spec: binary-uint, binary-sint
  uint32_t u32() { return static_cast<uint32_t>(uN<32>()); }
  int32_t s32() { return static_cast<int32_t>(sN<32>()); }
  int64_t s64() { return sN<64>(); }

  template <unsigned bits>
  uint64_t uN() {
    if ((!kChecked || !at_end()) && *p_ < 0x80) [[likely]]
      return *p_++;
    return long_leb128<bits, false>();
  }
  template <unsigned bits>
  int64_t sN() {
    if ((!kChecked || !at_end()) && *p_ < 0x80) [[likely]]
      return static_cast<int64_t>(uint64_t{*p_++} << 57) >> 57;
    return static_cast<int64_t>(long_leb128<bits, true>());
  }

 private:
  static constexpr const char* kUnexpectedEnd = "unexpected end of section or function";

  template <unsigned bits, bool is_signed>
  [[gnu::noinline]] uint64_t long_leb128() {
    constexpr unsigned kLast = (bits + 6) / 7 - 1;        // number of the last byte that may be
    constexpr unsigned kUsed = bits - 7 * kLast;          // bits of it that count
    uint64_t value = 0;
    for (unsigned i = 0;; ++i) {
      if (kChecked && at_end()) return fail(kUnexpectedEnd), 0;
      const uint8_t b = *p_++;
      value |= uint64_t{b & 0x7fu} << (7 * i);
      if (kChecked && i == kLast) {
        if (b & 0x80) return fail("integer representation too long"), 0;
        const uint8_t unused = static_cast<uint8_t>((b & 0x7f) >> (is_signed ? kUsed - 1 : kUsed));
        constexpr uint8_t kOnes = 0x7f >> (kUsed - 1);
        if (unused != 0 && !(is_signed && unused == kOnes)) return fail("integer too large"), 0;
      }
      if (b & 0x80) continue;
      const unsigned shift = 7 * (i + 1);
      if (is_signed && shift < 64 && (b & 0x40)) value |= ~uint64_t{0} << shift;
      return value;
    }
  }

  const uint8_t* p_ = nullptr;
  const uint8_t* end_ = nullptr;
  const char* failure_ = nullptr;
  const uint8_t* failed_at_ = nullptr;
};

}  // namespace wherry
