// SPDX-License-Identifier: Apache-2.0
// The compiler on several threads; runs under ThreadSanitizer too.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>

#include "base/fd.h"
#include "baseline/compile_job.h"
#include "wasm/features.h"

namespace wherry {
namespace {

using Bytes = std::vector<uint8_t>;

void add(Bytes& to, const Bytes& what) { to.insert(to.end(), what.begin(), what.end()); }

Bytes leb128(uint64_t n) {
  Bytes out;
  do {
    out.push_back(static_cast<uint8_t>((n & 0x7f) | (n > 0x7f ? 0x80 : 0)));
  } while (n >>= 7);
  return out;
}

// `count` functions (i32) -> i32 of up to 2 KB, of which number `invalid`, if it
// is one, leaves nothing on the stack.
Bytes module(uint32_t count, uint32_t invalid) {
  Bytes functions = leb128(count), code = leb128(count);
  for (uint32_t i = 0; i < count; ++i) {
    functions.push_back(0);
    Bytes body = {0, 0x20, 0};
    for (uint32_t step = 0; step < i % 300; ++step) add(body, {0x41, static_cast<uint8_t>(step % 60), 0x6a, 0x20, 0, 0x73});
    if (i == invalid) body.push_back(0x1a);
    body.push_back(0x0b);
    add(code, leb128(body.size()));
    add(code, body);
  }
  Bytes out = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3};
  add(out, leb128(functions.size()));
  add(out, functions);
  out.push_back(10);
  add(out, leb128(code.size()));
  add(out, code);
  return out;
}

struct Outcome {
  std::string artifact;
  std::string failure;
  uint64_t last_told = 0;
};

Outcome compile(const Bytes& binary, uint32_t threads) {
  const UniqueFd file(memfd_create("artifact", MFD_CLOEXEC));
  abi::CompileRequest request;
  request.features = wasm::FeatureSet::defaults().bits();
  request.threads = threads;
  Outcome outcome;
  std::atomic<uint64_t> highest{0};
  baseline::Progress progress(std::chrono::milliseconds(1), [&](uint64_t done, uint64_t total) {
    if (done > highest) highest = done;
    if (done > total) ADD_FAILURE() << done << " of " << total;
  });
  const auto done = baseline::compile_job(binary, request, file.get(), &progress);
  if (!done) outcome.failure = done.error().to_string();
  if (done) outcome.artifact = *read_file("/proc/self/fd/" + std::to_string(file.get()), size_t{64} << 20);
  outcome.last_told = highest;
  return outcome;
}

TEST(Parallel, compilation_does_not_depend_on_the_number_of_threads) {
  constexpr uint32_t kNone = ~0u;
  const Bytes binary = module(1500, kNone);
  const Outcome one = compile(binary, 1);
  ASSERT_EQ(one.failure, "");
  EXPECT_GT(one.last_told, 0u);
  for (const uint32_t threads : {2u, 4u, 9u}) {
    const Outcome outcome = compile(binary, threads);
    EXPECT_EQ(outcome.failure, "");
    EXPECT_TRUE(outcome.artifact == one.artifact) << threads;
  }
}

TEST(Parallel, compilation_fails_at_the_first_invalid_function) {
  const Bytes binary = module(1500, 700);
  const Outcome one = compile(binary, 1);
  EXPECT_NE(one.failure.find("type mismatch"), std::string::npos) << one.failure;
  for (const uint32_t threads : {2u, 4u, 9u}) EXPECT_EQ(compile(binary, threads).failure, one.failure);
}

}  // namespace
}  // namespace wherry
