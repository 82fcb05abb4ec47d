// SPDX-License-Identifier: Apache-2.0
#include "fault.h"

#include <csetjmp>
#include <csignal>
#include <sys/mman.h>
#include <ucontext.h>

#include <vector>

#include "base/result.h"

namespace wherry::test {
namespace {

// A signal handler has no other way to its test than a variable.
sigjmp_buf the_call;
Fault the_fault;

void on_fault(int, siginfo_t* info, void* context) {
  the_fault.address = static_cast<const uint8_t*>(info->si_addr);
  the_fault.pc = reinterpret_cast<const uint8_t*>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
  siglongjmp(the_call, 1);
}

}  // namespace

Reserved::Reserved(size_t size, size_t usable) : size_(size), usable_(usable) {
  memory_ = static_cast<uint8_t*>(mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  CHECK(memory_ != MAP_FAILED, "no address space");
  CHECK(usable == 0 || mprotect(usable_begin(), usable, PROT_READ | PROT_WRITE) == 0, "no memory");
}

Reserved::~Reserved() { munmap(memory_, size_); }

std::optional<Fault> call_until_fault(Call& call) {
  std::vector<uint8_t> handler_stack(64 << 10);
  stack_t stack{};
  stack.ss_sp = handler_stack.data();
  stack.ss_size = handler_stack.size();
  stack_t old_stack;
  CHECK(sigaltstack(&stack, &old_stack) == 0, "no stack for signals");
  struct sigaction action{}, old_action;
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  CHECK(sigaction(SIGSEGV, &action, &old_action) == 0, "no signal handler");

  std::optional<Fault> fault;
  if (sigsetjmp(the_call, 1) == 0) {
    contract_call(&call);
  } else {
    fault = the_fault;
  }
  sigaction(SIGSEGV, &old_action, nullptr);
  sigaltstack(&old_stack, nullptr);
  return fault;
}

}  // namespace wherry::test
