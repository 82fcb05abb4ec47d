// SPDX-License-Identifier: Apache-2.0
// Calls that take their function's place: its frame and stack arguments are gone
// before the jump, whatever the sizes of the two stack areas.
#include "abi/cpu.h"
#include "baseline/x64/machine.h"

namespace wherry::baseline::x64 {

// Code to rax, context and memory base to their registers.
void Machine::load_callee(x86::Mem func_ref) {
  const auto member = [&](size_t offset) {
    x86::Mem at = func_ref;
    at.addOffset(static_cast<int64_t>(offset));
    return at;
  };
  const x86::Mem code = member(offsetof(abi::FuncRef, code)), context = member(offsetof(abi::FuncRef, context)),
                 base = member(offsetof(abi::FuncRef, memory_base));
  const bool by_rax = func_ref.baseId() == kRax;
  if (!by_rax) emit(Inst::kIdMov, x86::rax, code);
  emit(Inst::kIdMov, x86::rsi, base);
  emit(Inst::kIdMov, x86::rdi, context);
  if (by_rax) emit(Inst::kIdMov, x86::rax, code);
}

// Moves the arguments that lie at rsp to where the callee's area must end, which is
// where ours ended, and the return address under them.
void Machine::replace_frame(const abi::CallLayout& callee) {
  const uint32_t ours = plan_.layout->stack_bytes, stack_bytes = callee.stack_bytes;
  restore_kept();
  if (ours == stack_bytes && callee.stack_arguments == 0) {
    a_.byte(0xc9);  // leave
    return;
  }
  const int32_t to = 16 + static_cast<int32_t>(ours) - static_cast<int32_t>(stack_bytes);
  const bool avx = has(abi::bit(abi::Cpu::avx));
  const InstId move = avx ? Inst::kIdVmovq : Inst::kIdMovq;
  const x86::Xmm scratch = xmm(kXmm15);
  emit(Inst::kIdMov, gp64(kR11), slot(8, 8));
  emit(Inst::kIdMov, gp64(kR10), slot(0, 8));
  for (uint32_t i = 0; i < callee.stack_arguments; i += 8) {
    emit(move, scratch, x86::Mem(x86::rsp, static_cast<int32_t>(i), 8));
    emit(move, slot(to + static_cast<int32_t>(i), 8), scratch);
  }
  emit(Inst::kIdMov, slot(to - 8, 8), gp64(kR11));
  emit(Inst::kIdLea, x86::rsp, slot(to - 8, 8));
  emit(Inst::kIdMov, x86::rbp, gp64(kR10));
}

void Machine::tail_call(const Callee& callee) {
  in_.offset = callee.offset;
  const bool indirect = callee.kind == Callee::Kind::indirect;
  const bool static_table = indirect && env_.static_tables[callee.table].is_static;
  if (indirect) indirect_target(callee, static_table);
  f_.refresh(kRdi);
  if (has_memory_ && (callee.kind == Callee::Kind::direct || static_table)) f_.refresh(kRsi);
  // Twice the area, so that the arguments at rsp and their final place are apart.
  need_outgoing(2 * ((callee.layout->stack_bytes + 15) & ~15u));
  move_arguments(callee);
  if (callee.layout->result_area) emit(Inst::kIdMov, gp64(kRdx), slot(result_area_slot_, 8));
  if (callee.kind == Callee::Kind::imported) {
    const auto at = static_cast<int32_t>(env_.layout.imported_function(wasm::FuncIndex(callee.index)));
    load_callee(x86::Mem(x86::rdi, at, 8));
  } else if (indirect && !static_table) {
    load_callee(x86::Mem(x86::rax, 0, 8));
  }
  replace_frame(*callee.layout);
  if (callee.kind == Callee::Kind::direct) {
    a_.byte(0xe9);
    chunk_.fixups.push_back({a_.position(), Fixup::Kind::function, callee.index});
    a_.word(0);
  } else {
    emit(Inst::kIdJmp, gp64(kRax));
  }
  if (indirect) f_.release(kRax);
}

}  // namespace wherry::baseline::x64
