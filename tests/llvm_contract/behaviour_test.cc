// SPDX-License-Identifier: Apache-2.0
// What the LLVM tier needs beside the calling convention: traps that stay,
// frames that can be walked, stacks that end at their guard. Where LLVM's
// default would break the contract, the test shows that too.
#include <gtest/gtest.h>

#include <cstring>

#include "call.h"
#include "fault.h"
#include "ir.h"
#include "llvm_code.h"

namespace wherry::test {
namespace {

constexpr size_t kPage = 4096;
const uint8_t kNoArguments[8] = {};

Call call_of(const uint8_t* code, void* context, void* base) {
  Call call{};
  call.in.integers[0] = reinterpret_cast<uint64_t>(context);
  call.in.integers[1] = reinterpret_cast<uint64_t>(base);
  call.code = code;
  call.stack_area = kNoArguments;
  call.stack_bytes = sizeof kNoArguments;
  return call;
}

std::string module_of(const std::string& functions) { return functions + kAttributes; }

TEST(LlvmContract, even_a_function_without_parameters_pops_eight_bytes) {
  const auto code = LlvmCode::compile(module_of("define tailcc void @f(ptr %c, ptr %b) #0 { ret void }"));
  Call call = call_of(code->function("f"), nullptr, nullptr);
  contract_call(&call);
  EXPECT_EQ(call.popped, 8u);
  const uint8_t kRet8[] = {0xc2, 8, 0};
  EXPECT_NE(memmem(code->function("f"), 64, kRet8, sizeof kRet8), nullptr);
}

const char* const kDroppedLoads = R"(
define tailcc void @plain(ptr %c, ptr %b) #0 {
  %v = load i32, ptr %b, align 1
  ret void
}
define tailcc void @kept(ptr %c, ptr %b) #0 {
  %v = load volatile i32, ptr %b, align 1
  ret void
})";

TEST(LlvmContract, a_dead_load_still_traps_if_it_is_volatile_and_only_then) {
  const auto code = LlvmCode::compile(module_of(kDroppedLoads));
  const Reserved memory(kPage, 0);
  Call kept = call_of(code->function("kept"), nullptr, memory.begin() + 16);
  const auto fault = call_until_fault(kept);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->address, memory.begin() + 16);
  EXPECT_TRUE(code->contains(fault->pc));
  Call plain = call_of(code->function("plain"), nullptr, memory.begin());
  EXPECT_FALSE(call_until_fault(plain));
}

// The callee's load is used there; that the caller drops the result is its own affair.
const char* const kDroppedCall = R"(
define tailcc i32 @load(ptr %c, ptr %b) #0 {
  %v = load i32, ptr %b, align 1
  ret i32 %v
}
define tailcc void @drop(ptr %c, ptr %b) #0 {
  %v = call tailcc i32 @load(ptr %c, ptr %b)
  ret void
})";

TEST(LlvmContract, a_call_whose_result_is_dropped_still_traps_with_function_passes_only) {
  std::string text = module_of(kDroppedCall);
  text.replace(text.find("define tailcc i32"), 6, "define internal");
  const auto code = LlvmCode::compile(text);
  const Reserved memory(kPage, 0);
  Call call = call_of(code->function("drop"), nullptr, memory.begin());
  const auto fault = call_until_fault(call);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->address, memory.begin());

  const auto inferred = LlvmCode::compile(text, Passes::interprocedural);
  Call deleted = call_of(inferred->function("drop"), nullptr, memory.begin());
  EXPECT_FALSE(call_until_fault(deleted)) << "LLVM does not delete such calls any more: docs/design/abi.md can be changed";
}

const char* const kBigFrame = R"(
define tailcc void @big(ptr %c, ptr %b) #0 {
  %frame = alloca [262144 x i8], align 16
  store volatile ptr %frame, ptr %c, align 8
  ret void
})";

TEST(LlvmContract, a_big_frame_is_probed_page_by_page_and_ends_at_the_guard) {
  const auto code = LlvmCode::compile(module_of(kBigFrame));
  const Reserved stack(1 << 20, 64 << 10);
  void* context;
  Call call = call_of(code->function("big"), &context, nullptr);
  call.in.rsp = reinterpret_cast<uint64_t>(stack.end());
  const auto fault = call_until_fault(call);
  ASSERT_TRUE(fault);
  EXPECT_LT(fault->address, stack.usable_begin());
  EXPECT_GE(fault->address, stack.usable_begin() - kPage) << "it jumped over the guard page";
}

// Both call themselves last; the second demands a tail call.
const char* const kRecursion = R"(
define internal tailcc void @recurse(ptr %c, ptr %b) #0 {
  call tailcc void @recurse(ptr %c, ptr %b)
  ret void
}
define tailcc void @overflow(ptr %c, ptr %b) #0 {
  call tailcc void @recurse(ptr %c, ptr %b)
  ret void
}
define internal tailcc i64 @count(ptr %c, ptr %b, i64 %n) #0 {
  %done = icmp eq i64 %n, 0
  br i1 %done, label %end, label %more
more:
  %next = sub i64 %n, 1
  %r = musttail call tailcc i64 @count(ptr %c, ptr %b, i64 %next)
  ret i64 %r
end:
  ret i64 7
}
define tailcc i64 @start(ptr %c, ptr %b) #0 {
  %r = call tailcc i64 @count(ptr %c, ptr %b, i64 10000000)
  ret i64 %r
})";

TEST(LlvmContract, recursion_overflows_the_stack_and_musttail_does_not) {
  const auto code = LlvmCode::compile(module_of(kRecursion));
  const Reserved stack(1 << 20, 64 << 10);
  Call overflow = call_of(code->function("overflow"), nullptr, nullptr);
  overflow.in.rsp = reinterpret_cast<uint64_t>(stack.end());
  const auto fault = call_until_fault(overflow);
  ASSERT_TRUE(fault);
  EXPECT_GE(fault->address, stack.usable_begin() - kPage);
  EXPECT_LT(fault->address, stack.usable_begin());

  Call tail = call_of(code->function("start"), nullptr, nullptr);
  tail.in.rsp = reinterpret_cast<uint64_t>(stack.end());
  EXPECT_FALSE(call_until_fault(tail));
  EXPECT_EQ(tail.out.integers[0], 7u);
}

const char* const kFrames = R"(
define internal tailcc void @inner(ptr %c, ptr %b) #0 {
  %fa = getelementptr i8, ptr %c, i64 8
  %f = load ptr, ptr %fa, align 8
  call tailcc void %f(ptr %c, ptr %b)
  ret void
}
define internal tailcc void @middle(ptr %c, ptr %b) #0 {
  call tailcc void @inner(ptr %c, ptr %b)
  ret void
}
define tailcc void @outer(ptr %c, ptr %b) #0 {
  call tailcc void @middle(ptr %c, ptr %b)
  ret void
})";

struct Frame {
  const Frame* parent;
  const void* return_address;
};

TEST(LlvmContract, frames_are_linked_by_rbp) {
  const auto code = LlvmCode::compile(module_of(kFrames));
  const Reserved stack(64 << 10, 64 << 10);  // stays, so that the frames can be read afterwards
  Record record{};
  record.pops = 8;
  const void* context[2] = {&record, reinterpret_cast<const void*>(&contract_callee)};
  Call call = call_of(code->function("outer"), context, nullptr);
  call.in.rsp = reinterpret_cast<uint64_t>(stack.end());
  contract_call(&call);
  ASSERT_EQ(record.calls, 1u);

  const auto* frame = reinterpret_cast<const Frame*>(record.in.rbp);
  size_t inside = 0;
  while (code->contains(frame->return_address)) {
    ++inside;
    ASSERT_GT(frame->parent, frame);
    frame = frame->parent;
  }
  EXPECT_EQ(inside, 2u) << "inner returns to middle, middle to outer, outer to the test";
}

}  // namespace
}  // namespace wherry::test
