// SPDX-License-Identifier: Apache-2.0
// memory.copy and memory.fill of every small constant size, of which the compiler
// makes loads and stores, against a model: also where they trap and must write nothing.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "abi/cpu.h"
#include "baseline/compile_job.h"
#include "runtime/instance.h"
#include "runtime/memory.h"
#include "runtime/store.h"
#include "wasm/features.h"

namespace wherry {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint32_t kSizes = 132;  // 0 to 131: past the largest that is inline
constexpr uint32_t kMemory = 65'536;

void add(Bytes& to, const Bytes& what) { to.insert(to.end(), what.begin(), what.end()); }

Bytes leb128(uint64_t n) {
  Bytes out;
  do {
    out.push_back(static_cast<uint8_t>((n & 0x7f) | (n > 0x7f ? 0x80 : 0)));
  } while (n >>= 7);
  return out;
}

Bytes constant(uint32_t n) {  // below 2^13
  return n < 64 ? Bytes{0x41, static_cast<uint8_t>(n)} : Bytes{0x41, static_cast<uint8_t>(n | 0x80), static_cast<uint8_t>(n >> 7)};
}

void section(Bytes& module, uint8_t id, const std::vector<Bytes>& items) {
  Bytes content = leb128(items.size());
  for (const Bytes& item : items) add(content, item);
  module.push_back(id);
  add(module, leb128(content.size()));
  add(module, content);
}

// Four functions (i32, i32) -> () for each size: copy, fill with a variable, fill with
// 0xa7, and a copy over so many operands that all registers are taken.
Bytes module() {
  std::vector<Bytes> types, bodies, exports;
  for (uint32_t size = 0; size < kSizes; ++size) {
    const Bytes codes[] = {{0xfc, 10, 0, 0}, {0xfc, 11, 0}, {0xfc, 11, 0}, {0xfc, 10, 0, 0}};
    for (int kind = 0; kind < 4; ++kind) {
      constexpr int kOperands = 20;
      Bytes body = {0};
      for (int i = 0; kind == 3 && i < kOperands; ++i) add(body, {0x20, 1, 0xb8});  // f64.convert_i32_u
      add(body, {0x20, 0});
      add(body, kind == 2 ? constant(0xa7) : Bytes{0x20, 1});
      add(body, constant(size));
      add(body, codes[kind]);
      for (int i = 0; kind == 3 && i < kOperands; ++i) add(body, {0x1a});
      body.push_back(0x0b);
      const std::string name = std::to_string(kind) + "." + std::to_string(size);
      Bytes item = leb128(name.size());
      item.insert(item.end(), name.begin(), name.end());
      item.push_back(0);
      add(item, leb128(bodies.size()));
      exports.push_back(item);
      Bytes sized = leb128(body.size());
      add(sized, body);
      bodies.push_back(sized);
      types.push_back({0});
    }
  }
  Bytes out = {0, 'a', 's', 'm', 1, 0, 0, 0};
  section(out, 1, {{0x60, 2, 0x7f, 0x7f, 0}});
  section(out, 3, types);
  section(out, 5, {{0, 1}});
  section(out, 7, exports);
  section(out, 10, bodies);
  return out;
}

struct Mode {
  const char* name;
  uint32_t flags;
  bool floor;
};

class Bulk : public testing::TestWithParam<Mode> {
 protected:
  void SetUp() override {
    UniqueFd file(memfd_create("artifact", MFD_CLOEXEC));
    abi::CompileRequest request;
    request.flags = GetParam().flags;
    request.features = wasm::FeatureSet::defaults().bits();
    request.cpu_features = GetParam().floor ? 0 : abi::host_cpu_features();
    const auto done = baseline::compile_job(module(), request, file.get());
    ASSERT_TRUE(done) << done.error().to_string();
    artifact_ = std::move(*runtime::Artifact::map(std::move(file)));
    store_ = std::move(*runtime::Store::create({}));
    instance_ = *runtime::Instance::link(*store_, *artifact_, {});
    for (uint32_t i = 0; i < kMemory; ++i) start_.push_back(static_cast<uint8_t>(i * 131 + (i >> 8)));
  }

  static bool copies(int kind) { return kind == 0 || kind == 3; }

  // Runs one operation on fresh memory and on the model.
  void compare(int kind, uint32_t size, uint32_t target, uint32_t second) {
    const auto memory = instance_->memory(0).bytes();
    std::ranges::copy(start_, memory.begin());
    Bytes wanted = start_;
    const bool fits = uint64_t{target} + size <= kMemory && (!copies(kind) || uint64_t{second} + size <= kMemory);
    if (fits && copies(kind)) memmove(&wanted[0] + target, &wanted[0] + second, size);
    if (fits && !copies(kind)) memset(&wanted[0] + target, kind == 1 ? static_cast<uint8_t>(second) : 0xa7, size);
    const std::string name = std::to_string(kind) + "." + std::to_string(size);
    abi::Value args[2]{};
    args[0].i64 = target;
    args[1].i64 = second;
    const auto done = instance_->exported_function(name)->call(args, {});
    ASSERT_EQ(done.has_value(), fits) << name << " at " << target << ", " << second;
    ASSERT_TRUE(done || done.error() == Trap::memory_out_of_bounds) << to_string(done.error());
    ASSERT_EQ(memcmp(memory.data(), wanted.data(), kMemory), 0) << name << " at " << target << ", " << second;
  }

  std::unique_ptr<runtime::Artifact> artifact_;
  std::unique_ptr<runtime::Store> store_;
  runtime::Instance* instance_ = nullptr;
  Bytes start_;
};

TEST_P(Bulk, copies_as_if_by_a_call) {
  for (uint32_t size = 0; size < kSizes && !HasFatalFailure(); ++size) {
    for (const uint32_t distance : {0u, 1u, 7u, 15u, 16u, 33u, 63u, 95u}) {  // most overlap
      for (const int kind : {0, 3}) {
        compare(kind, size, 1000, 1000 + distance);
        compare(kind, size, 1000 + distance, 1000);
      }
    }
    for (const uint32_t past_end : {0u, 1u, 16u, size}) {
      compare(0, size, kMemory - size + past_end, 3);
      compare(0, size, 3, kMemory - size + past_end);
    }
    compare(0, size, ~0u, 3);
    compare(0, size, 3, ~0u);
  }
}

TEST_P(Bulk, fills_as_if_by_a_call) {
  for (uint32_t size = 0; size < kSizes && !HasFatalFailure(); ++size) {
    for (const int kind : {1, 2}) {
      for (const uint32_t byte : {0u, 0x80u, 0xffu, 0xdeadbe12u}) compare(kind, size, 1000 + size, byte);
      for (const uint32_t past_end : {0u, 1u, 16u, size}) compare(kind, size, kMemory - size + past_end, 9);
      compare(kind, size, ~0u, 9);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, Bulk,
                         testing::Values(Mode{"guard_pages", 0, false}, Mode{"oldest_processor", 0, true},
                                         Mode{"explicit_checks", abi::kExplicitBoundsChecks, false},
                                         Mode{"dirty_upper_halves", abi::kDirtyUpperBits, false}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace wherry
