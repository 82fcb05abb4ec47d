// SPDX-License-Identifier: Apache-2.0
// What a guest leaves must not reach the next one: each test dirties a slot, puts
// it back, and looks at all that the next instance starts with.
#include "runtime/pool.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "runtime/test_artifact.h"
#include "runtime/test_guest.h"

namespace wherry::runtime {
namespace {

using test::i32;
using test::TestArtifact;
using wasm::kI32;
using wasm::kI64;
using wasm::kPageSize;

constexpr uint64_t kHostPage = 4096;

std::unique_ptr<Store> store_of(Pool& pool, uint64_t max_memory = ~uint64_t{0}) {
  return std::move(*Store::create({.max_memory = max_memory, .pool = &pool}));
}

// A module with two memories, an image, a segment, a global and a table that is
// not static; its functions are load, grow and recurse.
TestArtifact module_of(uint64_t pages, size_t image_pages, char image_byte) {
  TestArtifact made{.functions = {{{{kI32}, {kI64}}, CODE(load)},
                                  {{{kI32}, {kI64}}, CODE(grow)},
                                  {{{}, {}}, CODE(big_frames)}},
                    .memories = {test::memory_type(pages), test::memory_type(1, 3)},
                    .tables = {test::table_type(4, 20'000)}};
  made.globals.push_back({test::global_type(kI32, true), {0x41, 0x07, 0x0b}});
  made.elems.push_back({1, {0, 1}});
  made.image = std::string(image_pages * kHostPage, image_byte);
  made.image_address = kHostPage;
  return made;
}

// What an instance starts with must be what a store without a pool has.
void expect_as_new(Instance& instance, const TestArtifact& made) {
  const auto fresh_store = std::move(*Store::create({}));
  Instance& fresh = **Instance::link(*fresh_store, instance.artifact(), {});
  ASSERT_TRUE(fresh.initialize());
  for (uint32_t index = 0; index < 2; ++index) {
    const auto is = instance.memory(index).bytes(), wanted = fresh.memory(index).bytes();
    ASSERT_EQ(is.size(), wanted.size());
    ASSERT_EQ(memcmp(is.data(), wanted.data(), is.size()), 0) << "memory " << index;
  }
  EXPECT_EQ(instance.global(0).value->i32, 7u);
  const auto elements = instance.table(0).elements();
  ASSERT_EQ(elements.size(), made.tables[0].limits.min);
  EXPECT_EQ(elements[0], nullptr);
  EXPECT_EQ(elements[1], instance.function(0));
  EXPECT_EQ(elements[2], instance.function(1));
  EXPECT_EQ(elements[3], nullptr);
}

// An access just past the memory's end is still the guest's fault.
void expect_guard(Instance& instance) {
  const auto past_end = static_cast<uint32_t>(instance.memory(0).size());
  abi::Value result;
  const auto done = instance.exported_function("f0")->call(std::vector{i32(past_end)}, {&result, 1});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), Trap::memory_out_of_bounds);
}

void expect_clean_stack(const Store& store) {
  constexpr uint64_t kSize = 1 << 20;
  static const std::vector<uint8_t> zeros(kSize);
  EXPECT_EQ(memcmp(store.stack().top() - kSize, zeros.data(), kSize), 0);
}

struct Case {
  const char* name;
  PoolConfig config;
};
constexpr Case kCases[] = {
    {"scanned", {}},
    {"kernel without a scan", {.scan_pages = false}},
    {"nothing stays in memory", {.keep_resident = 0}},
    {"neither", {.keep_resident = 0, .scan_pages = false}},
    {"one slot", {.max_idle = 1}},
    {"no slot", {.max_idle = 0}},
};

// Everything that a guest can change, and its host for it.
void dirty(Instance& instance, std::mt19937& random) {
  for (uint32_t index = 0; index < 2; ++index) {
    Memory& memory = instance.memory(index);
    if (random() % 2) memory.grow(random() % 3);
    const auto bytes = memory.bytes();
    switch (random() % 4) {
      case 0: break;
      case 1: memset(bytes.data(), 0xa5, bytes.size()); break;
      default:
        for (int i = 0; i < 40 && !bytes.empty(); ++i) bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    }
    if (!bytes.empty()) bytes.back() = 0x5a;
  }
  instance.global(0).value->i32 = 1234;
  Table& table = instance.table(0);
  table.grow(random() % 9'000, &table);
  std::ranges::fill(table.elements(), &table);
  instance.drop_data(0);
  instance.drop_elem(0);
  memset(instance.store().stack().top() - 100'000, 0xcc, 100'000);
  if (random() % 4 == 0) {
    EXPECT_FALSE(instance.exported_function("f2")->call({}, {}));  // down to the guard
  }
}

TEST(Pool, hands_nothing_of_one_instance_to_the_next) {
  std::vector<TestArtifact> made = {module_of(1, 1, 'a'), module_of(2, 16, 'b'), module_of(9, 100, 'c'), module_of(1, 0, 0)};
  for (TestArtifact& module : made) module.datas.push_back({60'000, "some more data"});
  std::vector<std::unique_ptr<Artifact>> artifacts;
  for (const TestArtifact& module : made) artifacts.push_back(module.map());
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Pool pool(c.config);
    std::mt19937 random(11);
    for (int round = 0; round < 60 && !HasFatalFailure(); ++round) {
      const size_t which = random() % made.size(), other = random() % made.size();
      const auto store = store_of(pool);
      expect_clean_stack(*store);
      Instance& instance = **Instance::link(*store, *artifacts[which], {});
      EXPECT_TRUE(instance.memory_init(0, 0, 60'000, 0, 4)) << "the segment was dropped";
      ASSERT_TRUE(instance.initialize());
      expect_as_new(instance, made[which]);
      expect_guard(instance);
      const auto second_store = store_of(pool);
      Instance& second = **Instance::link(*second_store, *artifacts[other], {});
      ASSERT_TRUE(second.initialize());
      expect_as_new(second, made[other]);
      dirty(instance, random);
      dirty(second, random);
    }
  }
}

TEST(Pool, keeps_the_place_of_a_modules_memory) {
  const auto artifact = module_of(1, 1, 'x').map();
  Pool pool;
  const uint8_t* base = nullptr;
  for (int round = 0; round < 3; ++round) {
    const auto store = store_of(pool);
    Instance& instance = **Instance::link(*store, *artifact, {});
    EXPECT_TRUE(!base || instance.memory(0).base() == base);
    base = instance.memory(0).base();
  }
}

TEST(Pool, takes_no_module_for_one_that_was_unmapped) {
  Pool pool;
  for (const char byte : {'a', 'b', 'c', 'd'}) {
    const TestArtifact made = module_of(1, 2, byte);
    const auto artifact = made.map();  // often where the last one was
    const auto store = store_of(pool);
    Instance& instance = **Instance::link(*store, *artifact, {});
    EXPECT_EQ(instance.memory(0).base()[kHostPage], byte);
  }
}

TEST(Pool, makes_grown_memory_inaccessible_again) {
  const auto artifact = module_of(1, 0, 0).map();
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Pool pool(c.config);
    for (int round = 0; round < 2; ++round) {
      const auto store = store_of(pool);
      Instance& instance = **Instance::link(*store, *artifact, {});
      expect_guard(instance);
      ASSERT_EQ(instance.memory(0).grow(5), 1u);
      const auto bytes = instance.memory(0).bytes();
      EXPECT_EQ(std::ranges::count(bytes, 0), static_cast<ptrdiff_t>(bytes.size()));
      memset(bytes.data(), 1, bytes.size());
      expect_guard(instance);
    }
  }
}

TEST(Pool, counts_a_memory_that_is_there_already_against_the_limit) {
  const auto artifact = module_of(4, 0, 0).map();
  Pool pool;
  { ASSERT_TRUE(Instance::link(*store_of(pool), *artifact, {})); }
  const auto small = store_of(pool, 4 * kPageSize - 1);
  const auto refused = Instance::link(*small, *artifact, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "a memory of 4 pages is more than this program may use");
  const auto enough = store_of(pool, 5 * kPageSize);
  Instance& instance = **Instance::link(*enough, *artifact, {});
  EXPECT_EQ(instance.memory(0).grow(1), std::nullopt);
}

TEST(Pool, keeps_no_memory_of_a_module_that_failed_to_link) {
  TestArtifact bad = module_of(1, 1, 'x');
  bad.image_address = kPageSize;  // past the end
  const auto artifact = bad.map();
  Pool pool;
  for (int round = 0; round < 2; ++round) {
    const auto refused = Instance::link(*store_of(pool), *artifact, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "the artifact's memory image does not fit its memory");
  }
}

TEST(Pool, gives_the_hosts_own_memories_out_empty) {
  Pool pool;
  for (const auto checks : {Memory::Checks::guard_pages, Memory::Checks::explicit_checks}) {
    for (const auto address : {wasm::AddressType::i32, wasm::AddressType::i64}) {
      for (int round = 0; round < 2; ++round) {
        const auto store = store_of(pool);
        Memory& memory = **store->create_memory({{2, 8}, address, false}, checks);
        const auto bytes = memory.bytes();
        EXPECT_EQ(std::ranges::count(bytes, 0), static_cast<ptrdiff_t>(bytes.size()));
        memset(bytes.data(), 0xee, bytes.size());
        ASSERT_TRUE(memory.grow(1));
      }
    }
  }
}

TEST(Pool, restores_pages_in_a_forked_child) {
  const auto artifact = module_of(1, 1, 'x').map();
  Pool pool;
  { ASSERT_TRUE(Instance::link(*store_of(pool), *artifact, {})); }
  const pid_t child = fork();
  if (child == 0) {
    bool clean = true;
    for (int round = 0; round < 2; ++round) {
      const auto store = store_of(pool);
      Instance& instance = **Instance::link(*store, *artifact, {});
      uint8_t* const secret = instance.memory(0).base() + 30'000;
      clean = clean && *secret == 0;
      *secret = 42;
    }
    _exit(clean ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(PageScanner, finds_what_was_written_and_nothing_else) {
  const auto scanner = PageScanner::create();
  if (!scanner) GTEST_SKIP() << "the kernel has no PAGEMAP_SCAN";
  constexpr size_t kPages = 64;
  const UniqueFd file = test::memory_file(std::vector<uint8_t>(kPages * kHostPage, 7));
  for (const int fd : {-1, file.get()}) {
    SCOPED_TRACE(fd);
    const int flags = MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0);
    auto* const at = static_cast<uint8_t*>(mmap(nullptr, kPages * kHostPage, PROT_READ | PROT_WRITE, flags, fd, 0));
    const std::span range(at, kPages * kHostPage);
    madvise(at, range.size(), MADV_NOHUGEPAGE);
    EXPECT_EQ(std::ranges::count(range, fd < 0 ? 0 : 7), static_cast<ptrdiff_t>(range.size()));  // reads each page
    EXPECT_EQ(scanner->find(range)->size(), 0u);
    at[5 * kHostPage] = 1;
    at[6 * kHostPage] = 0;
    at[63 * kHostPage + 4095] = 1;
    madvise(at, range.size(), MADV_PAGEOUT);  // where there is swap, they are there now
    const auto found = *scanner->find(range);
    ASSERT_EQ(found.size(), 2u);
    const auto start = reinterpret_cast<uint64_t>(at);
    EXPECT_EQ(found[0].start, start + 5 * kHostPage);
    EXPECT_EQ(found[0].end, start + 7 * kHostPage);
    EXPECT_EQ(found[1].start, start + 63 * kHostPage);
    EXPECT_EQ(found[1].end, start + 64 * kHostPage);
    munmap(at, range.size());
  }
}

TEST(PageScanner, refuses_to_answer_in_part) {
  const auto scanner = PageScanner::create();
  if (!scanner) GTEST_SKIP() << "the kernel has no PAGEMAP_SCAN";
  const size_t pages = 2 * PageScanner::kMost + 2;
  auto* const at = static_cast<uint8_t*>(mmap(nullptr, pages * kHostPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  madvise(at, pages * kHostPage, MADV_NOHUGEPAGE);
  for (size_t page = 0; page < pages; page += 2) at[page * kHostPage] = 1;
  EXPECT_FALSE(scanner->find({at, pages * kHostPage}));
  EXPECT_EQ(scanner->find({at, (pages - 2) * kHostPage})->size(), PageScanner::kMost);
  munmap(at, pages * kHostPage);
}

}  // namespace
}  // namespace wherry::runtime
