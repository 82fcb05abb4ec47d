// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wherry::sandbox::dbus {

// D-Bus messages as far as a conversation with systemd needs them: little endian,
// no descriptors. The names are the D-Bus specification's.

constexpr size_t kMaxMessage = 1 << 20;
constexpr size_t kFixedHeader = 16;

enum class Type : uint8_t { method_call = 1, method_return = 2, error = 3, signal = 4 };

// Puts values one after the other, each at its alignment.
class Writer {
 public:
  void align(size_t alignment) { out_.resize((out_.size() + alignment - 1) / alignment * alignment); }
  void byte(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void boolean(bool value) { uint32(value ? 1 : 0); }
  void uint32(uint32_t value) { number(value, sizeof value); }
  void uint64(uint64_t value) { number(value, sizeof value); }
  void string(std::string_view text);     // also an object path
  void signature(std::string_view text);

  // An array of elements of that alignment: what is put between the two calls.
  struct Array {
    size_t length_at, begin;
  };
  Array begin_array(size_t alignment);
  void end_array(Array array);

  const std::string& bytes() const { return out_; }

 private:
  void number(uint64_t value, size_t size);
  std::string out_;
};

// Reads what the other side sent; every value that is not there is an error.
class Reader {
 public:
  // `bytes` begins where alignment counts from: a whole message, or a body.
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool at_end() const { return at_ == bytes_.size(); }
  Result<void> align(size_t alignment);
  Result<uint8_t> byte();
  Result<uint32_t> uint32();
  Result<std::string_view> string();
  Result<std::string_view> signature();

 private:
  Result<std::string_view> take(size_t size);
  std::string_view bytes_;
  size_t at_ = 0;
};

struct MethodCall {
  std::string_view destination, path, interface, member;
  std::string_view signature;  // of the body, "" for none
  std::string body;
};

struct Message {
  Type type = Type::method_call;
  uint32_t reply_serial = 0;
  std::string interface, member, error_name, signature;
  std::string body;
};

std::string marshal(const MethodCall& call, uint32_t serial);

// The size of the whole message by its first kFixedHeader bytes.
Result<size_t> message_size(std::string_view fixed_header);
Result<Message> parse(std::string_view message);

}  // namespace wherry::sandbox::dbus
