// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/index.h"

namespace wherry::wasm {

using TypeIndex = Index<struct TypeTag>;
using FuncIndex = Index<struct FuncTag>;
using TableIndex = Index<struct TableTag>;
using MemoryIndex = Index<struct MemoryTag>;
using GlobalIndex = Index<struct GlobalTag>;
using TagIndex = Index<struct TagTag>;
using ElemIndex = Index<struct ElemTag>;
using DataIndex = Index<struct DataTag>;
using LocalIndex = Index<struct LocalTag>;

inline constexpr uint64_t kPageSize = 65536;

// spec: syntax-absheaptype
enum class AbstractHeap : uint8_t { func, nofunc, extern_, noextern, any, eq, i31, struct_, array, none, exn, noexn };

// A defined type's index or an abstract heap type.  spec: syntax-heaptype
class HeapType {
 public:
  constexpr HeapType() = default;
  constexpr HeapType(AbstractHeap heap) : bits_(kAbstract | static_cast<uint32_t>(heap)) {}
  constexpr explicit HeapType(TypeIndex index) : bits_(index.value) {}
  static constexpr HeapType from_bits(uint32_t bits) {
    HeapType type;
    type.bits_ = bits;
    return type;
  }

  constexpr bool is_index() const { return !(bits_ & kAbstract); }
  constexpr TypeIndex index() const { return TypeIndex(bits_); }
  constexpr AbstractHeap abstract() const { return static_cast<AbstractHeap>(bits_ & ~kAbstract); }
  constexpr uint32_t bits() const { return bits_; }
  constexpr bool operator==(const HeapType&) const = default;

 private:
  static constexpr uint32_t kAbstract = 1u << 27;
  uint32_t bits_ = kAbstract;
};

// A value type in four bytes, compared as one word.  spec: syntax-valtype
class ValType {
 public:
  enum class Kind : uint8_t { i32, i64, f32, f64, v128, ref };

  constexpr ValType() = default;
  constexpr ValType(Kind kind) : bits_(static_cast<uint32_t>(kind)) {}
  constexpr static ValType ref(HeapType heap, bool nullable) {
    return from_bits(static_cast<uint32_t>(Kind::ref) | (nullable ? kNullable : 0) | heap.bits() << kHeapShift);
  }
  static constexpr ValType from_bits(uint32_t bits) {
    ValType type;
    type.bits_ = bits;
    return type;
  }

  constexpr Kind kind() const { return static_cast<Kind>(bits_ & 7); }
  constexpr bool is_ref() const { return kind() == Kind::ref; }
  constexpr bool nullable() const { return bits_ & kNullable; }
  constexpr HeapType heap() const { return HeapType::from_bits(bits_ >> kHeapShift); }
  constexpr uint32_t bits() const { return bits_; }
  // In memory and on the value stack of compiled code.
  constexpr size_t size() const {
    return kind() == Kind::v128 ? 16 : kind() == Kind::i32 || kind() == Kind::f32 ? 4 : 8;
  }
  constexpr bool operator==(const ValType&) const = default;

 private:
  static constexpr uint32_t kNullable = 8;
  static constexpr uint32_t kHeapShift = 4;
  uint32_t bits_ = 0;
};

inline constexpr ValType kI32{ValType::Kind::i32};
inline constexpr ValType kI64{ValType::Kind::i64};
inline constexpr ValType kF32{ValType::Kind::f32};
inline constexpr ValType kF64{ValType::Kind::f64};
inline constexpr ValType kV128{ValType::Kind::v128};
inline constexpr ValType kFuncref = ValType::ref(AbstractHeap::func, true);
inline constexpr ValType kExternref = ValType::ref(AbstractHeap::extern_, true);

// "i32", "funcref", "(ref null 3)": as in the text format.
std::string to_string(ValType type);

// spec: syntax-functype
struct FuncType {
  std::vector<ValType> params;
  std::vector<ValType> results;
  bool operator==(const FuncType&) const = default;
};

// "(i32, i64) -> f32", for messages.
std::string to_string(const FuncType& type);

enum class AddressType : uint8_t { i32, i64 };

// spec: syntax-limits
struct Limits {
  uint64_t min = 0;
  std::optional<uint64_t> max;
};

// In pages.  spec: syntax-memtype
struct MemoryType {
  Limits limits;
  AddressType address = AddressType::i32;
  bool shared = false;
};

// spec: syntax-tabletype
struct TableType {
  ValType element = kFuncref;
  Limits limits;
  AddressType address = AddressType::i32;
};

// spec: syntax-globaltype
struct GlobalType {
  ValType value;
  bool is_mutable = false;
};

}  // namespace wherry::wasm
