// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory.h"

#include <gtest/gtest.h>

#include <cstring>

#include "runtime/store.h"
#include "runtime/test_artifact.h"
#include "runtime/test_guest.h"

namespace wherry::runtime {
namespace {

using test::Guest;
using wasm::kPageSize;

std::unique_ptr<Store> store(uint64_t max_memory = ~uint64_t{0}) {
  return std::move(*Store::create({.max_memory = max_memory}));
}

wasm::MemoryType type(uint64_t min, std::optional<uint64_t> max = {},
                      wasm::AddressType address = wasm::AddressType::i32) {
  return {{min, max}, address, false};
}

constexpr Memory::Checks kBoth[] = {Memory::Checks::guard_pages, Memory::Checks::explicit_checks};

TEST(Memory, grows_up_to_its_maximum_and_never_moves) {
  for (const Memory::Checks checks : kBoth) {
    const auto owner = store();
    Memory& memory = **owner->create_memory(type(1, 4), checks);
    const uint8_t* const base = memory.base();
    EXPECT_EQ(memory.grow(0), 1u);
    EXPECT_EQ(memory.grow(2), 1u);
    EXPECT_EQ(memory.grow(2), std::nullopt);
    EXPECT_EQ(memory.grow(~uint64_t{0}), std::nullopt);
    EXPECT_EQ(memory.grow(1), 3u);
    EXPECT_EQ(memory.grow(1), std::nullopt);
    EXPECT_EQ(memory.base(), base);
    EXPECT_EQ(memory.size(), 4 * kPageSize);
    memory.base()[memory.size() - 1] = 1;
  }
}

TEST(Memory, without_a_maximum_grows_to_four_gibibytes) {
  for (const Memory::Checks checks : kBoth) {
    const auto owner = store();
    Memory& memory = **owner->create_memory(type(0), checks);
    EXPECT_EQ(memory.grow(65537), std::nullopt);
    EXPECT_EQ(memory.grow(65536), 0u);
    EXPECT_EQ(memory.size(), uint64_t{1} << 32);
    EXPECT_EQ(memory.grow(1), std::nullopt);
    memory.base()[memory.size() - 1] = 1;
  }
}

TEST(Memory, counts_all_memories_of_a_store_against_its_limit) {
  const auto owner = store(5 * kPageSize + 100);
  Memory& first = **owner->create_memory(type(2), Memory::Checks::guard_pages);
  Memory& second = **owner->create_memory(type(1), Memory::Checks::explicit_checks);
  EXPECT_EQ(first.grow(3), std::nullopt);
  EXPECT_EQ(first.grow(1), 2u);
  EXPECT_EQ(second.grow(1), 1u);
  EXPECT_EQ(second.grow(1), std::nullopt);
  const auto more = owner->create_memory(type(1), Memory::Checks::guard_pages);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().kind, ErrorKind::exhausted);
  EXPECT_EQ(more.error().message, "a memory of 1 pages is more than this program may use");
}

TEST(Memory, a_refusal_is_counted_and_can_interrupt) {
  MemoryGauge gauge;
  const auto store = std::move(*Store::create({.max_memory = 2 * wasm::kPageSize, .gauge = &gauge, .refusal_interrupt = 7}));
  Memory& memory = **store->create_memory({.limits = {.min = 1, .max = {}}}, Memory::Checks::guard_pages);
  EXPECT_EQ(gauge.used, wasm::kPageSize);
  EXPECT_EQ(memory.grow(1), 1u);
  EXPECT_EQ(gauge.used, 2 * wasm::kPageSize);
  EXPECT_EQ(store->interrupt_reason(), 0u);
  EXPECT_FALSE(memory.grow(1));
  EXPECT_EQ(gauge.refused, 1u);
  EXPECT_EQ(store->interrupt_reason(), 7u);
}

TEST(Memory, slices_end_exactly_at_its_end) {
  const auto owner = store();
  Memory& memory = **owner->create_memory(type(1), Memory::Checks::guard_pages);
  for (const uint64_t width : {0, 1, 2, 4, 8, 16}) {
    EXPECT_TRUE(memory.slice(kPageSize - width, width));
    ASSERT_FALSE(memory.slice(kPageSize - width + 1, width));
    EXPECT_EQ(memory.slice(kPageSize - width + 1, width).error(), Trap::memory_out_of_bounds);
  }
  EXPECT_FALSE(memory.slice(1, ~uint64_t{0}));
  EXPECT_FALSE(memory.slice(~uint64_t{0}, 1));
}

TEST(Memory, has_its_guard_between_its_end_and_its_reservation) {
  const auto owner = store();
  Memory& memory = **owner->create_memory(type(1), Memory::Checks::guard_pages);
  EXPECT_FALSE(memory.in_guard(memory.base() + kPageSize - 1));
  EXPECT_TRUE(memory.in_guard(memory.base() + kPageSize));
  EXPECT_TRUE(memory.in_guard(memory.base() + abi::kMemoryReservation + abi::kMemoryGuard - 1));
  EXPECT_FALSE(memory.in_guard(memory.base() + abi::kMemoryReservation + abi::kMemoryGuard));
  EXPECT_FALSE(memory.in_guard(memory.base() - 1));
}

TEST(Memory, starts_with_the_artifacts_image_and_writes_stay_private) {
  for (const size_t pages : {1, 2, 16, 49}) {
    SCOPED_TRACE(pages);
    std::string image(pages * 4096, '\0');
    for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<char>(i * 7 + 1);
    test::TestArtifact made{.memories = {test::memory_type(5)}};
    made.image = image;
    made.image_address = 8192;
    const auto artifact = made.map();
    for (int instance = 0; instance < 2; ++instance) {
      const auto owner = store();
      Instance& linked = **Instance::link(*owner, *artifact, {});
      Memory& memory = *linked.exported_memory("memory");
      ASSERT_EQ(memcmp(memory.base() + 8192, image.data(), image.size()), 0);
      EXPECT_EQ(memory.base()[8191], 0);
      EXPECT_EQ(memory.base()[8192 + image.size()], 0);
      memset(memory.base(), 0xaa, memory.size());
    }
  }
}

TEST(Memory, refuses_an_image_that_does_not_fit) {
  test::TestArtifact made{.memories = {test::memory_type(1)}};
  made.image = std::string(4096, 'x');
  made.image_address = 65536;
  const auto artifact = made.map();
  const auto owner = store();
  const auto linked = Instance::link(*owner, *artifact, {});
  ASSERT_FALSE(linked);
  EXPECT_EQ(linked.error().message, "the artifact's memory image does not fit its memory");
}

}  // namespace
}  // namespace wherry::runtime
