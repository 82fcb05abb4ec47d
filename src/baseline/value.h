// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include "wasm/types.h"

namespace wherry::baseline {

// How a value is kept: a reference is an i64 here.
enum class Type : uint8_t { i32, i64, f32, f64, v128 };

constexpr Type type_of(wasm::ValType type) {
  using Kind = wasm::ValType::Kind;
  switch (type.kind()) {
    case Kind::i32: return Type::i32;
    case Kind::f32: return Type::f32;
    case Kind::f64: return Type::f64;
    case Kind::v128: return Type::v128;
    case Kind::i64:
    case Kind::ref: break;
  }
  return Type::i64;
}

constexpr uint32_t size_of(Type type) {
  return type == Type::v128 ? 16 : type == Type::i32 || type == Type::f32 ? 4 : 8;
}

enum class Bank : uint8_t { integer, vector };
constexpr Bank bank_of(Type type) { return type <= Type::i64 ? Bank::integer : Bank::vector; }

// A machine register: integer ones count from 0, vector ones from kVectorBase.
using Reg = uint8_t;
inline constexpr Reg kVectorBase = 32;
inline constexpr Reg kNoReg = 255;
constexpr Bank bank_of(Reg reg) { return reg < kVectorBase ? Bank::integer : Bank::vector; }

// A set of registers.
struct RegSet {
  uint64_t bits = 0;

  static constexpr RegSet of(Reg reg) { return {uint64_t{1} << reg}; }
  static constexpr RegSet all(Bank bank) { return {bank == Bank::integer ? 0xffff'ffffull : 0xffff'ffffull << kVectorBase}; }
  constexpr bool has(Reg reg) const { return reg < 64 && (bits >> reg & 1); }
  constexpr void add(Reg reg) { bits |= uint64_t{1} << reg; }
  constexpr void remove(Reg reg) { bits &= ~(uint64_t{1} << reg); }
  constexpr bool empty() const { return bits == 0; }
  constexpr Reg first() const { return static_cast<Reg>(std::countr_zero(bits)); }
  constexpr int count() const { return std::popcount(bits); }
  constexpr RegSet operator&(RegSet other) const { return {bits & other.bits}; }
  constexpr RegSet operator|(RegSet other) const { return {bits | other.bits}; }
  constexpr RegSet operator-(RegSet other) const { return {bits & ~other.bits}; }
};

// Where an operand is. What can be is left undone until its user is known:
// constants, locals and, only between two adjacent instructions, comparisons,
// shifted indices and loads.
struct Value {
  enum class Kind : uint8_t {
    constant,  // bits (a v128 constant is always in a register)
    local,     // index: still in the local's home or slot
    reg,       // reg
    slot,      // in the frame slot of stack position `index`
    flags,     // aux: the machine's condition, in the flags just now
    scaled,    // reg << aux, of type i32 or i64
    memory,    // a load: the machine's address of index `reg` (kNoReg: none) and displacement `bits`
  };

  Kind kind = Kind::constant;
  Type type = Type::i32;
  Reg reg = kNoReg;
  uint8_t aux = 0;
  uint32_t index = 0;
  uint64_t bits = 0;

  // Of an i32 in a register: the upper half is not known to be zero.
  static constexpr uint8_t kDirty = 1;

  static Value constant(Type type, uint64_t bits) { return {Kind::constant, type, kNoReg, 0, 0, bits}; }
  static Value in(Type type, Reg reg, uint8_t aux = 0) { return {Kind::reg, type, reg, aux, 0, 0}; }
  bool is_constant() const { return kind == Kind::constant; }
  bool is_reg() const { return kind == Kind::reg; }
  int32_t i32() const { return static_cast<int32_t>(bits); }
};
static_assert(sizeof(Value) == 16);

// A place in code that jumps go to. Jumps emitted before it is bound form a
// chain through their own displacement fields.
struct Label {
  static constexpr uint32_t kNone = ~uint32_t{0};
  uint32_t position = kNone;
  uint32_t chain = kNone;
  bool bound() const { return position != kNone; }
  bool used() const { return chain != kNone; }
};

}  // namespace wherry::baseline
