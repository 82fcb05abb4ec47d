// SPDX-License-Identifier: Apache-2.0
#include "decode/types.h"

#include "wasm/limits.h"

namespace wherry::decode {
namespace {

enum : uint8_t { kHasMax = 1, kShared = 2, k64Bit = 4 };

struct LimitsAndFlags {
  wasm::Limits limits;
  wasm::AddressType address;
  bool shared;
};

// spec: binary-limits
Result<LimitsAndFlags> limits(Reader& in) {
  const uint64_t start = in.offset();
  const uint8_t flags = TRY(in.byte());
  if (flags > (kHasMax | kShared | k64Bit)) return in.fail_at(start, "malformed limits flags");
  if (flags & kShared) TRY(in.require(wasm::Feature::threads, start));
  if (flags & k64Bit) TRY(in.require(wasm::Feature::memory64, start));

  LimitsAndFlags type{{}, flags & k64Bit ? wasm::AddressType::i64 : wasm::AddressType::i32, (flags & kShared) != 0};
  type.limits.min = TRY(in.u64());
  if (flags & kHasMax) type.limits.max = TRY(in.u64());
  return type;
}

Result<std::vector<wasm::ValType>> result_type(Reader& in, uint32_t limit, const char* what) {
  const uint32_t count = TRY(in.count(limit, what));
  std::vector<wasm::ValType> types;
  types.reserve(in.room(count));
  for (uint32_t i = 0; i < count; ++i) types.push_back(TRY(in.value_type()));
  return types;
}

}  // namespace

// spec: binary-functype
Result<wasm::FuncType> func_type(Reader& in) {
  enum : uint8_t { kFunc = 0x60, kStruct = 0x5f, kArray = 0x5e, kSub = 0x50, kSubFinal = 0x4f, kRec = 0x4e };
  const uint64_t start = in.offset();
  const uint8_t form = TRY(in.byte());
  switch (form) {
    case kFunc: break;
    case kStruct:
    case kArray:
    case kSub:
    case kSubFinal:
    case kRec: return wasm::unsupported_feature(wasm::Feature::gc, start);
    default: return in.fail_at(start, form >= 0x80 ? "integer representation too long" : "malformed definition type");
  }
  wasm::FuncType type;
  type.params = TRY(result_type(in, wasm::kMaxParams, "parameters"));
  type.results = TRY(result_type(in, wasm::kMaxResults, "results"));
  if (type.results.size() > 1) TRY(in.require(wasm::Feature::multi_value, start));
  return type;
}

// spec: binary-memtype
Result<wasm::MemoryType> memory_type(Reader& in) {
  const LimitsAndFlags type = TRY(limits(in));
  return wasm::MemoryType{type.limits, type.address, type.shared};
}

// spec: binary-tabletype
Result<wasm::TableType> table_type(Reader& in) {
  wasm::TableType type;
  type.element = TRY(in.reference_type());
  const uint64_t start = in.offset();
  const LimitsAndFlags size = TRY(limits(in));
  if (size.shared) return in.fail_at(start, "malformed limits flags");
  type.limits = size.limits;
  type.address = size.address;
  return type;
}

// spec: binary-globaltype
Result<wasm::GlobalType> global_type(Reader& in) {
  wasm::GlobalType type;
  type.value = TRY(in.value_type());
  const uint64_t start = in.offset();
  const uint8_t mutability = TRY(in.byte());
  if (mutability > 1) return in.fail_at(start, "malformed mutability");
  type.is_mutable = mutability == 1;
  return type;
}

// spec: binary-tagtype
Result<wasm::TypeIndex> tag_type(Reader& in) {
  const uint64_t start = in.offset();
  if (TRY(in.byte()) != 0) return in.fail_at(start, "malformed tag attribute");
  return type_index(in);
}

Result<wasm::TypeIndex> type_index(Reader& in) { return wasm::TypeIndex(TRY(in.u32())); }

}  // namespace wherry::decode
