// SPDX-License-Identifier: Apache-2.0
#include "runtime/signals.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>

#include "runtime/alternate_stack.h"
#include "runtime/guest_call.h"
#include "runtime/store.h"

namespace wherry::runtime {
namespace {

constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
constexpr uintptr_t kFirstPages = 4096;  // where a load through a null reference faults

thread_local __attribute__((tls_model("initial-exec"))) abi::StoreContext* current_store = nullptr;
thread_local __attribute__((tls_model("initial-exec"))) int32_t current_thread = 0;

struct sigaction previous_actions[NSIG];

// The parts of an interrupted thread's state that decide and change where it goes on.
class Machine {
 public:
  explicit Machine(void* context) : context_(*static_cast<ucontext_t*>(context)) {}

  const uint8_t* pc() const { return reinterpret_cast<const uint8_t*>(registers()[REG_RIP]); }
  const uint8_t* stack_pointer() const { return reinterpret_cast<const uint8_t*>(registers()[REG_RSP]); }
  const void* frame() const { return reinterpret_cast<const void*>(registers()[REG_RBP]); }

  void continue_at_trap_exit(abi::StoreContext& store) {
    constexpr greg_t kDirectionFlag = 0x400;
    registers()[REG_RIP] = reinterpret_cast<greg_t>(&wherry_trap_exit);
    registers()[REG_RDI] = reinterpret_cast<greg_t>(&store);
    registers()[REG_RSP] = reinterpret_cast<greg_t>(store.host_rsp);
    registers()[REG_EFL] &= ~kDirectionFlag;
  }
  void block(int signal) { sigaddset(&context_.uc_sigmask, signal); }

 private:
  greg_t* registers() const { return context_.uc_mcontext.gregs; }
  ucontext_t& context_;
};

bool within(const uint8_t* pc, const uint8_t* begin, const uint8_t* end) { return pc >= begin && pc < end; }

bool in_stubs(const uint8_t* pc) { return within(pc, wherry_stubs_begin, wherry_stubs_end); }

// Past the test for an interrupt and not yet, or just, in guest code.
bool in_window(const uint8_t* pc) {
  return within(pc, wherry_enter_window_begin, wherry_enter_window_end) ||
         within(pc, wherry_libcall_window_begin, wherry_libcall_window_end) ||
         within(pc, wherry_host_window_begin, wherry_host_window_end) ||
         within(pc, wherry_host_integers_window_begin, wherry_host_integers_window_end);
}

void leave(abi::StoreContext& context, Machine& machine, Trap trap, const void* pc, const void* address,
           const void* frame) {
  if (!context.trap.load(std::memory_order_relaxed)) {
    context.store->record_fault(trap, pc, address, frame);
    context.trap.store(1 + static_cast<uint32_t>(trap), std::memory_order_relaxed);
  }
  machine.continue_at_trap_exit(context);
}

// The trap that a fault in guest code is; nothing if the guest can not have
// caused it.
std::optional<Trap> trap_of(const Store& store, int signal, int code, const uint8_t* pc, const void* address) {
  const Artifact* const artifact = store.code_at(pc);
  if (!artifact) {
    // The stubs write to the guest's stack before they leave it.
    const bool overflow = signal == SIGSEGV && in_stubs(pc) && store.stack().in_guard(address);
    return overflow ? std::optional(Trap::call_stack_exhausted) : std::nullopt;
  }
  const auto offset = static_cast<uint32_t>(pc - artifact->code().data());
  if (signal == SIGILL || signal == SIGFPE) return artifact->trap_at(offset);
  // Other codes, a misaligned vector's for instance, come with no address.
  if (signal != SIGSEGV || (code != SEGV_MAPERR && code != SEGV_ACCERR)) return std::nullopt;
  if (store.stack().in_guard(address)) return Trap::call_stack_exhausted;
  if (store.in_memory_guard(address)) return Trap::memory_out_of_bounds;
  if (reinterpret_cast<uintptr_t>(address) < kFirstPages) return artifact->trap_at(offset);
  return std::nullopt;
}

// Says what happened, with nothing that a signal handler may not call.
void report_fatal(int signal, const void* pc, const void* address) {
  char text[] = "wherry: fatal signal .. at pc 0x................ address 0x................, not caused by the guest\n";
  char* at = strchr(text, '.');
  at[0] = static_cast<char>('0' + signal / 10);
  at[1] = static_cast<char>('0' + signal % 10);
  for (auto value : {reinterpret_cast<uintptr_t>(pc), reinterpret_cast<uintptr_t>(address)}) {
    at = strchr(at, '.');
    for (int shift = 60; shift >= 0; shift -= 4) *at++ = "0123456789abcdef"[value >> shift & 15];
  }
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
}

void chain(int signal, siginfo_t* info, void* context) {
  const struct sigaction& previous = previous_actions[signal];
  if (previous.sa_flags & SA_SIGINFO) return previous.sa_sigaction(signal, info, context);
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) return previous.sa_handler(signal);
  const bool is_fault = info->si_code > 0;
  if (!is_fault && previous.sa_handler == SIG_IGN) return;
  if (is_fault) report_fatal(signal, Machine(context).pc(), info->si_addr);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  sigaction(signal, &standard, nullptr);
  // A fault happens again on return; a sent signal is sent again.
  if (!is_fault) syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
}

void on_fault(int signal, siginfo_t* info, void* context) {
  abi::StoreContext* const store = current_store;
  if (store && store->host_rsp && info->si_code > 0) {
    Machine machine(context);
    const std::optional<Trap> trap = trap_of(*store->store, signal, info->si_code, machine.pc(), info->si_addr);
    if (trap) return leave(*store, machine, *trap, machine.pc(), info->si_addr, machine.frame());
  }
  chain(signal, info, context);
}

void on_interrupt(int signal, siginfo_t*, void* context) {
  abi::StoreContext* const store = current_store;
  if (!store || !store->host_rsp || !store->interrupt.load(std::memory_order_relaxed)) return;
  Machine machine(context);
  if (store->store->code_at(machine.pc())) {
    return leave(*store, machine, Trap::interrupted, machine.pc(), nullptr, machine.frame());
  }
  if (in_window(machine.pc())) return leave(*store, machine, Trap::interrupted, nullptr, nullptr, store->exit_frame);
  if (in_stubs(machine.pc())) return;  // on the way to the test or back from the guest's last return
  const GuestStack& stack = store->store->stack();
  const uint8_t* const sp = machine.stack_pointer();
  if (stack.contains(sp) || stack.in_guard(sp) || on_alternate_stack(sp)) {
    // This came in another signal's handler, which may have stopped guest code.
    // It comes again when that handler returns and restores the mask.
    const int saved = errno;
    machine.block(signal);
    syscall(SYS_tgkill, getpid(), current_thread, signal);
    errno = saved;
  }
}

Result<void> install() {
  struct sigaction action {};
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, interrupt_signal());
  for (const int signal : kFaults) {
    action.sa_sigaction = on_fault;
    if (sigaction(signal, &action, &previous_actions[signal]) != 0) return os_error(errno, "signal handler");
  }
  action.sa_sigaction = on_interrupt;
  action.sa_flags |= SA_RESTART;
  if (sigaction(interrupt_signal(), &action, nullptr) != 0) return os_error(errno, "signal handler");
  syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
  pthread_atfork(nullptr, nullptr, [] { current_thread = 0; });  // the child's thread has another id
  return {};
}

// What a thread needs before it runs guest code for the first time.
void prepare_thread() {
  ensure_alternate_stack();
  sigset_t needed;
  sigemptyset(&needed);
  for (const int signal : kFaults) sigaddset(&needed, signal);
  sigaddset(&needed, interrupt_signal());
  pthread_sigmask(SIG_UNBLOCK, &needed, nullptr);
  current_thread = static_cast<int32_t>(syscall(SYS_gettid));
}

// Orders the writes before it with the reads after it on every thread.
bool process_barrier() {
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0) return true;
  syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);  // lost by a fork
  return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

}  // namespace

Result<void> install_signal_handlers() {
  static std::mutex mutex;
  static std::atomic<bool> installed{false};
  if (installed.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(mutex);
  if (!installed.load(std::memory_order_relaxed)) {
    TRY(install());
    installed.store(true, std::memory_order_release);
  }
  return {};
}

int interrupt_signal() { return SIGRTMIN + 5; }

abi::StoreContext* enter_thread(abi::StoreContext* context) {
  if (!current_thread) [[unlikely]] prepare_thread();
  abi::StoreContext* const outer = current_store;
  current_store = context;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return outer;
}

void leave_thread(abi::StoreContext* outer) {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  current_store = outer;
}

void publish_thread(abi::StoreContext& context) {
  // No fence here: the sender has the barrier of both.
  context.thread.store(current_thread, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

void signal_thread(abi::StoreContext& context) {
  const int saved = errno;
  const bool ordered = process_barrier();
  // Without the barrier (an old kernel, a strict filter) the other thread's store
  // buffer decides, which empties in well under the time of these rounds.
  for (int round = 0; round < (ordered ? 1 : 1000); ++round) {
    const int32_t thread = context.thread.load(std::memory_order_seq_cst);
    if (thread == 0) continue;
    // EAGAIN: too many signals are queued, others than this one.
    while (syscall(SYS_tgkill, getpid(), thread, interrupt_signal()) != 0 && errno == EAGAIN) {
      syscall(SYS_sched_yield);
    }
    break;
  }
  errno = saved;
}

void raise(abi::StoreContext& context, Trap trap) {
  const uint32_t code = 1 + static_cast<uint32_t>(trap);
  if (context.unwinding != code) context.store->record_fault(trap, nullptr, nullptr, context.exit_frame);
  context.trap.store(code, std::memory_order_relaxed);
}

}  // namespace wherry::runtime
