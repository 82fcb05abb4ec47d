// SPDX-License-Identifier: Apache-2.0
#include "runtime/const_expr.h"

#include <cstring>
#include <vector>

#include "base/result.h"
#include "runtime/instance.h"

namespace wherry::runtime {
namespace {

enum : uint8_t {
  kEnd = 0x0b,
  kGlobalGet = 0x23,
  kI32Const = 0x41,
  kI64Const = 0x42,
  kF32Const = 0x43,
  kF64Const = 0x44,
  kI32Add = 0x6a,
  kI32Sub = 0x6b,
  kI32Mul = 0x6c,
  kI64Add = 0x7c,
  kI64Sub = 0x7d,
  kI64Mul = 0x7e,
  kRefNull = 0xd0,
  kRefFunc = 0xd2,
  kVectorPrefix = 0xfd,
};

class Evaluator {
 public:
  Evaluator(Instance& instance, std::span<const uint8_t> bytes) : instance_(instance), bytes_(bytes) {}

  abi::Value run() {
    while (step()) {
    }
    return pop();
  }

 private:
  bool step();
  void binary(uint8_t opcode);

  uint8_t byte() {
    CHECK(at_ < bytes_.size(), "a validated expression has an end");
    return bytes_[at_++];
  }
  uint64_t leb128(bool is_signed) {
    uint64_t value = 0;
    uint32_t shift = 0;
    uint8_t next;
    do {
      next = byte();
      if (shift < 64) value |= uint64_t{next & 0x7fu} << shift;
      shift += 7;
    } while (next & 0x80);
    if (is_signed && (next & 0x40) && shift < 64) value |= ~uint64_t{0} << shift;
    return value;
  }
  void push_bytes(size_t count) {
    abi::Value value{};
    for (size_t i = 0; i < count; ++i) value.v128[i] = byte();
    push(value);
  }
  void push(const abi::Value& value) {
    if (depth_++) below_.push_back(top_);
    top_ = value;
  }
  void push(uint64_t bits) {
    abi::Value value{};
    value.i64 = bits;
    push(value);
  }
  abi::Value pop() {
    CHECK(depth_, "a validated expression has a value");
    const abi::Value value = top_;
    if (--depth_) {
      top_ = below_.back();
      below_.pop_back();
    }
    return value;
  }

  Instance& instance_;
  const std::span<const uint8_t> bytes_;
  size_t at_ = 0;
  size_t depth_ = 0;
  abi::Value top_{};  // apart from those below, which most expressions have none of
  std::vector<abi::Value> below_;
};

void Evaluator::binary(uint8_t opcode) {
  const uint64_t right = pop().i64, left = pop().i64;
  switch (opcode) {
    case kI32Add: return push(static_cast<uint32_t>(left + right));
    case kI32Sub: return push(static_cast<uint32_t>(left - right));
    case kI32Mul: return push(static_cast<uint32_t>(left * right));
    case kI64Add: return push(left + right);
    case kI64Sub: return push(left - right);
    default: return push(left * right);
  }
}

bool Evaluator::step() {
  const uint8_t opcode = byte();
  switch (opcode) {
    case kEnd: return false;
    case kI32Const: push(static_cast<uint32_t>(leb128(true))); break;
    case kI64Const: push(leb128(true)); break;
    case kF32Const: push_bytes(4); break;
    case kF64Const: push_bytes(8); break;
    case kVectorPrefix:
      leb128(false);  // only v128.const is constant
      push_bytes(16);
      break;
    case kGlobalGet: push(*instance_.global(static_cast<uint32_t>(leb128(false))).value); break;
    case kRefNull:
      leb128(true);
      push(0);
      break;
    case kRefFunc:
      push(reinterpret_cast<uint64_t>(instance_.function(static_cast<uint32_t>(leb128(false)))));
      break;
    case kI32Add:
    case kI32Sub:
    case kI32Mul:
    case kI64Add:
    case kI64Sub:
    case kI64Mul: binary(opcode); break;
    default: CHECK(false, "a validated expression has only constant instructions");
  }
  return true;
}

}  // namespace

abi::Value evaluate(Instance& instance, std::span<const uint8_t> expression) {
  return Evaluator(instance, expression).run();
}

}  // namespace wherry::runtime
