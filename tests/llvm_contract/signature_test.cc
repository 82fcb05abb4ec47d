// SPDX-License-Identifier: Apache-2.0
// CallLayout against LLVM, for many function types: LLVM's callees find their
// parameters where it says, LLVM's callers put them there, tail calls move them.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "abi/convention.h"
#include "call.h"
#include "ir.h"
#include "llvm_code.h"

namespace wherry::test {
namespace {

using Kind = abi::ArgumentLocation::Kind;
using wasm::FuncType;
using wasm::ValType;

constexpr size_t kTypes = 150;
const ValType kValTypes[] = {wasm::kI32, wasm::kI64, wasm::kF32, wasm::kF64, wasm::kV128};

class Types {
 public:
  // Results are the same for neighbours, so that one can call the other in its place.
  FuncType next(size_t n) {
    FuncType type;
    for (size_t i = number(n < 100 ? 24 : 6); i > 0; --i) type.params.push_back(one());
    if (n % 2 == 0) {
      results_.clear();
      for (size_t i = n / 2 % 7; i > 0; --i) results_.push_back(one());
    }
    type.results = results_;
    return type;
  }

 private:
  size_t number(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }
  ValType one() { return kValTypes[number(std::size(kValTypes))]; }

  std::mt19937 random_{19};
  std::vector<ValType> results_;
};

// A context and all that goes with it for one call.
struct World {
  alignas(16) uint8_t context[8192] = {};
  Record record{};
  Call call{};
  std::vector<uint8_t> stack;

  uint8_t* slot(uint32_t start, size_t i) { return context + start + 16 * i; }
};

// The n-th value's bytes; no two are the same.
abi::Value value(size_t n, ValType type) {
  abi::Value result;
  for (size_t i = 0; i < 16; ++i) result.v128[i] = static_cast<uint8_t>(0x11 + 17 * n + 3 * i);
  if (type == wasm::kI32) result.i64 = result.i32;  // as callees and callers store it
  return result;
}

// In registers and on the stack, everything beyond a value's own bytes is garbage.
abi::Value with_garbage(size_t n, ValType type) {
  abi::Value result;
  std::memset(&result, 0xee, sizeof result);
  const abi::Value clean = value(n, type);
  std::memcpy(&result, &clean, type.size());
  return result;
}

size_t stored_size(ValType type) { return type == wasm::kI32 ? 8 : type.size(); }

void put_arguments(World& world, const FuncType& type, const abi::CallLayout& layout) {
  world.stack.assign(layout.stack_bytes, 0xdd);
  world.call.in.integers[0] = reinterpret_cast<uint64_t>(world.context);
  world.call.in.integers[1] = 0xba5e;
  if (layout.result_area) world.call.in.integers[2] = reinterpret_cast<uint64_t>(world.slot(kResults, 16));
  for (size_t i = 0; i < type.params.size(); ++i) {
    const abi::ArgumentLocation& at = layout.params[i];
    const abi::Value garbage = with_garbage(i, type.params[i]);
    if (at.kind == Kind::integer_register) world.call.in.integers[2 + at.index] = garbage.i64;
    if (at.kind == Kind::vector_register) world.call.in.vectors[at.index] = garbage;
    if (at.kind == Kind::stack) std::memcpy(world.stack.data() + at.index, &garbage, type.params[i] == wasm::kV128 ? 16 : 8);
  }
  world.call.stack_area = world.stack.data();
  world.call.stack_bytes = layout.stack_bytes;
}

void put_values(World& world, uint32_t start, const std::vector<ValType>& types, size_t first) {
  for (size_t i = 0; i < types.size(); ++i) {
    const abi::Value v = value(first + i, types[i]);
    std::memcpy(world.slot(start, i), &v, 16);
  }
}

void expect_stored(const uint8_t* slots, const std::vector<ValType>& types, size_t first) {
  for (size_t i = 0; i < types.size(); ++i) {
    const abi::Value expected = value(first + i, types[i]);
    EXPECT_EQ(std::memcmp(slots + 16 * i, &expected, stored_size(types[i])), 0) << "number " << i;
  }
}

void expect_results(const World& world, const FuncType& type, const abi::CallLayout& layout, size_t first) {
  for (size_t i = 0; i < type.results.size(); ++i) {
    const abi::ArgumentLocation& at = layout.results[i];
    const abi::Value expected = value(first + i, type.results[i]);
    const void* found = at.kind == Kind::integer_register  ? static_cast<const void*>(&world.call.out.integers[at.index])
                        : at.kind == Kind::vector_register ? static_cast<const void*>(&world.call.out.vectors[at.index])
                                                           : world.context + kResults + 16 * 16 + at.index;
    EXPECT_EQ(std::memcmp(found, &expected, type.results[i].size()), 0) << "result " << i;
  }
}

void expect_call_kept_the_rules(const World& world, const abi::CallLayout& layout) {
  EXPECT_EQ(world.call.popped, layout.stack_bytes);
  EXPECT_EQ(world.call.kept, 1u);
}

class Signatures : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    Types source;
    std::string text = kAttributes;
    for (size_t i = 0; i < kTypes; ++i) {
      types().push_back(source.next(i));
      const std::string number = std::to_string(i);
      text += callee("callee" + number, types()[i]) + caller("caller" + number, types()[i]);
      if (i % 2 == 1) text += tail_caller("tail" + number, types()[i - 1], types()[i]);
    }
    code() = LlvmCode::compile(text);
  }
  static void TearDownTestSuite() { code().reset(); }

  static std::vector<FuncType>& types() {
    static std::vector<FuncType> all;
    return all;
  }
  static std::unique_ptr<LlvmCode>& code() {
    static std::unique_ptr<LlvmCode> compiled;
    return compiled;
  }
};

TEST_F(Signatures, llvm_callees_find_parameters_and_leave_results_where_call_layout_says) {
  for (size_t n = 0; n < kTypes; ++n) {
    const FuncType& type = types()[n];
    SCOPED_TRACE(to_string(type));
    const abi::CallLayout layout(type);
    World world;
    put_arguments(world, type, layout);
    put_values(world, kResults, type.results, 100);
    world.call.code = code()->function("callee" + std::to_string(n));
    contract_call(&world.call);
    expect_stored(world.slot(kParams, 0), type.params, 0);
    expect_results(world, type, layout, 100);
    expect_call_kept_the_rules(world, layout);
    uint64_t base;
    std::memcpy(&base, world.context + kBaseSlot, 8);
    EXPECT_EQ(base, 0xba5eu);
  }
}

// What the recorded call brought, against the layout.
void expect_arguments(const Record& record, const FuncType& type, const abi::CallLayout& layout) {
  EXPECT_EQ(record.calls, 1u);
  EXPECT_EQ(record.in.rsp % 16, 8u) << "the return address follows an aligned stack";
  for (size_t i = 0; i < type.params.size(); ++i) {
    const abi::ArgumentLocation& at = layout.params[i];
    const abi::Value expected = value(i, type.params[i]);
    const void* found = at.kind == Kind::integer_register  ? static_cast<const void*>(&record.in.integers[2 + at.index])
                        : at.kind == Kind::vector_register ? static_cast<const void*>(&record.in.vectors[at.index])
                                                           : record.stack + at.index;
    EXPECT_EQ(std::memcmp(found, &expected, type.params[i].size()), 0) << "parameter " << i;
  }
}

TEST_F(Signatures, llvm_callers_put_parameters_and_find_results_where_call_layout_says) {
  for (size_t n = 0; n < kTypes; ++n) {
    const FuncType& type = types()[n];
    SCOPED_TRACE(to_string(type));
    const abi::CallLayout layout(type), own{FuncType{}};
    World world;
    put_arguments(world, {}, own);
    put_values(world, kParams, type.params, 0);
    Record* const record = &world.record;
    const void* const target = reinterpret_cast<const void*>(&contract_callee);
    std::memcpy(world.context, &record, 8);
    std::memcpy(world.context + kCalleeSlot, &target, 8);
    world.record.pops = layout.stack_bytes;
    for (size_t i = 0; i < type.results.size(); ++i) {
      const abi::Value result = with_garbage(100 + i, type.results[i]);
      if (layout.results[i].kind == Kind::integer_register) world.record.out.integers[layout.results[i].index] = result.i64;
      if (layout.results[i].kind == Kind::vector_register) world.record.out.vectors[layout.results[i].index] = result;
    }
    world.call.code = code()->function("caller" + std::to_string(n));
    contract_call(&world.call);
    expect_arguments(world.record, type, layout);
    if (!layout.result_area) expect_stored(world.slot(kResults, 0), type.results, 100);
    if (layout.result_area) {
      EXPECT_EQ(world.record.in.integers[2], reinterpret_cast<uint64_t>(world.slot(kResults, 0)));
    }
    expect_call_kept_the_rules(world, own);
  }
}

TEST_F(Signatures, tail_calls_between_different_types_leave_the_stack_as_their_caller_expects) {
  for (size_t n = 1; n < kTypes; n += 2) {
    const FuncType &own = types()[n - 1], &type = types()[n];
    SCOPED_TRACE(to_string(own) + " calls " + to_string(type));
    const abi::CallLayout layout(own);
    World world;
    put_arguments(world, own, layout);
    put_values(world, kParams, type.params, 0);
    put_values(world, kResults, type.results, 100);
    const void* const target = code()->function("callee" + std::to_string(n));
    std::memcpy(world.context + kCalleeSlot, &target, 8);
    world.call.code = code()->function("tail" + std::to_string(n));
    contract_call(&world.call);
    expect_stored(world.slot(kParams, 0), type.params, 0);
    expect_results(world, own, layout, 100);
    expect_call_kept_the_rules(world, layout);
  }
}

}  // namespace
}  // namespace wherry::test
