// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "base/leb128.h"
#include "base/result.h"
#include "wasm/features.h"
#include "wasm/limits.h"
#include "wasm/module.h"

namespace wherry::decode {

// Reads the parts of a binary outside of function bodies. Every failure is an
// ErrorKind::malformed with its offset in the module.
class Reader {
 public:
  Reader(wasm::Bytes input, wasm::FeatureSet features)
      : in_(input.bytes.data(), input.bytes.data() + input.bytes.size()), start_(input.bytes.data()), start_offset_(input.offset), features_(features) {}

  uint64_t offset() const { return offset_of(in_.position()); }
  bool at_end() const { return in_.at_end(); }
  size_t left() const { return in_.left(); }

  Result<uint8_t> byte() { return checked(in_.byte()); }
  Result<uint32_t> u32() { return checked(in_.u32()); }
  Result<uint64_t> u64() { return checked(in_.uN<64>()); }
  // n bytes, in place.
  Result<wasm::Bytes> bytes(size_t n);
  // Length and bytes.
  Result<wasm::Bytes> sized_bytes();
  // All bytes up to this offset.
  Result<wasm::Bytes> bytes_until(uint64_t offset) { return bytes(offset - this->offset()); }
  // spec: binary-name
  Result<std::string_view> name();
  // How many of `what` follow: at most `limit`.  spec: binary-vec
  Result<uint32_t> count(uint32_t limit, const char* what);
  // What to reserve for `count` things of at least `least` bytes each: never
  // more than the input can hold.
  size_t room(uint32_t count, size_t least = 1) const { return std::min<size_t>(count, left() / least); }

  // A type that the enabled features know.
  Result<wasm::ValType> value_type();
  Result<wasm::ValType> reference_type();
  // The instructions up to the `end` that closes them.  spec: binary-expr
  Result<wasm::ConstExpr> const_expr();

  // Fails with ErrorKind::unsupported unless the feature is enabled.
  Result<void> require(wasm::Feature feature, uint64_t offset) const;
  wasm::FeatureSet features() const { return features_; }

  Error fail(std::string why) const { return fail_at(offset(), std::move(why)); }
  Error fail_at(uint64_t offset, std::string why) const { return error(ErrorKind::malformed, std::move(why), offset); }

 private:
  uint64_t offset_of(const uint8_t* p) const { return start_offset_ + static_cast<uint64_t>(p - start_); }
  Error failure() const { return fail_at(offset_of(in_.failure_position()), in_.failure()); }

  template <class T>
  Result<T> checked(T value) {
    if (in_.failure()) [[unlikely]]
      return failure();
    return value;
  }
  Result<wasm::ValType> enabled(wasm::ValType type, uint64_t start);

  ByteCursor<> in_;
  const uint8_t* start_;
  uint64_t start_offset_;
  wasm::FeatureSet features_;
};

}  // namespace wherry::decode
