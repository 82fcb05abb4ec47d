// SPDX-License-Identifier: Apache-2.0
// A function's frame, its traps and its jumps. From the frame pointer down: kept
// registers, context and memory base, the result area's address, locals, operands,
// and at rsp the arguments of calls.
#include <algorithm>

#include "abi/cpu.h"
#include "baseline/x64/machine.h"

namespace wherry::baseline::x64 {

using asmjit::Imm;

namespace {

constexpr uint32_t kPage = 4096;
// A frame up to this can not jump over the guard under the guest's stack.
constexpr uint32_t kUnprobedFrame = 16384;
constexpr int32_t kRedZone = 128;
constexpr uint8_t kSubRsp[] = {0x48, 0x81, 0xec};
constexpr uint32_t kFrameSizeField = 7;  // from the start
constexpr uint32_t kAfterRbp = 4;

}  // namespace

int32_t Machine::saved_bytes(const FunctionPlan& plan) const {
  const int kept = (plan.homes & registers().kept_homes).count();
  return 8 * (kept + (plan.has_calls ? 2 : 0) + (plan.layout->result_area ? 1 : 0));
}

Reg Machine::argument_register(abi::ArgumentLocation location) const {
  static constexpr Reg kIntegers[] = {kRdx, kRcx, kR8, kR9};
  if (location.kind == abi::ArgumentLocation::Kind::integer_register) return kIntegers[location.index];
  return static_cast<Reg>(kXmm0 + location.index);
}

void Machine::begin_function(const FunctionPlan& plan) {
  plan_ = plan;
  trap_sites_.clear();
  outgoing_ = 0;
  flags_pending_ = false;
  in_.offset = 0;

  a_.align_to(16);
  start_ = a_.position();
  emit(Inst::kIdPush, x86::rbp);
  emit(Inst::kIdMov, x86::rbp, x86::rsp);
  // What calls nothing may use the red zone.
  leaf_ = !plan.has_calls && f_.bytes() <= kRedZone / 2;
  if (!leaf_) {
    a_.raw(kSubRsp, sizeof(kSubRsp));
    a_.word(0);
  }

  int32_t at = 0;
  for (RegSet kept = plan.homes & registers().kept_homes; !kept.empty(); kept.remove(kept.first()))
    emit(Inst::kIdMov, slot(at -= 8, 8), gp64(kept.first()));
  if (plan.has_calls) {
    emit(Inst::kIdMov, slot(at -= 8, 8), x86::rdi);
    f_.pin(kRdi, at);
    if (has_memory_) emit(Inst::kIdMov, slot(at - 8, 8), x86::rsi);
    at -= 8;
    if (has_memory_) f_.pin(kRsi, at);
  }
  if (plan.layout->result_area) {
    emit(Inst::kIdMov, slot(at -= 8, 8), gp64(kRdx));
    result_area_slot_ = at;
  }
  store_zeros();
  take_parameters();
}

// Before the parameters are stored: what lies between two locals may be zeroed too.
void Machine::store_zeros() {
  std::vector<ZeroSlot>& slots = zero_slots_;
  slots.clear();
  for (const uint32_t index : plan_.zeroed) {
    const Local& local = f_.local(index);
    if (local.home == kNoReg && local.slot)
      slots.push_back({local.slot, local.slot + static_cast<int32_t>(size_of(local.type))});
  }
  if (slots.empty()) return;
  std::ranges::sort(slots, {}, &ZeroSlot::from);
  const int32_t limit = -saved_bytes(plan_);
  constexpr size_t kLoopFrom = 64;
  const bool avx = has(abi::bit(abi::Cpu::avx));
  const x86::Xmm zero = xmm(kXmm15);
  avx ? emit(Inst::kIdVxorps, zero, zero, zero) : emit(Inst::kIdXorps, zero, zero);
  int32_t done = slots.front().from;
  if (slots.size() > kLoopFrom && done + 32 < limit) {
    const int32_t past = done + ((limit - done) & -16);
    emit(Inst::kIdLea, gp64(kRax), slot(done, 8));
    emit(Inst::kIdLea, gp64(kR11), slot(past, 8));
    Label loop;
    a_.place(loop);
    emit(avx ? Inst::kIdVmovups : Inst::kIdMovups, x86::Mem(gp64(kRax), 0, 16), zero);
    emit(Inst::kIdAdd, gp64(kRax), Imm(16));
    emit(Inst::kIdCmp, gp64(kRax), gp64(kR11));
    a_.branch(kBelow, loop);
    done = past;
  }
  for (const ZeroSlot& z : slots) {
    while (done < z.to) {
      const int32_t at = std::max(done, z.from), room = limit - at;
      const bool wide = room >= 16, half = room >= 8;
      const InstId id = wide   ? (avx ? Inst::kIdVmovups : Inst::kIdMovups)
                        : half ? (avx ? Inst::kIdVmovsd : Inst::kIdMovsd)
                               : (avx ? Inst::kIdVmovss : Inst::kIdMovss);
      const int32_t bytes = wide ? 16 : half ? 8 : 4;
      emit(id, slot(at, static_cast<uint32_t>(bytes)), zero);
      done = at + bytes;
    }
  }
}

void Machine::take_parameters() {
  moves_.clear();
  const auto& params = plan_.layout->params;
  for (uint32_t i = 0; i < params.size(); ++i) {
    const Local& local = f_.local(i);
    const bool on_stack = params[i].kind == abi::ArgumentLocation::Kind::stack;
    if (on_stack) continue;
    if (local.home != kNoReg) {
      moves_.add(local.home, Value::in(local.type, argument_register(params[i]), Value::kDirty));
    } else if (local.slot) {
      store_slot(local.type, local.slot, argument_register(params[i]));
    }
  }
  moves_.run();
  for (uint32_t i = 0; i < params.size(); ++i) {
    const Local& local = f_.local(i);
    const bool on_stack = params[i].kind == abi::ArgumentLocation::Kind::stack;
    if (on_stack && local.home != kNoReg) load_slot(local.type, local.home, local.slot);
  }
  for (const uint32_t index : plan_.zeroed) {
    const Local& local = f_.local(index);
    if (local.home != kNoReg) load_constant(local.type, local.home, 0);
  }
}

void Machine::restore_kept() {
  int32_t at = 0;
  for (RegSet kept = plan_.homes & registers().kept_homes; !kept.empty(); kept.remove(kept.first()))
    emit(Inst::kIdMov, gp64(kept.first()), slot(at -= 8, 8));
}

void Machine::leave_frame() {
  restore_kept();
  a_.byte(0xc9);  // leave
}

void Machine::return_results() {
  const abi::CallLayout& layout = *plan_.layout;
  const size_t count = layout.results.size();
  if (layout.result_area) {
    const Reg area = f_.allocate(Bank::integer);
    emit(Inst::kIdMov, gp64(area), slot(result_area_slot_, 8));
    for (size_t i = count; i-- > 0;) {
      Value value = f_.pop();
      const x86::Mem to(gp64(area), static_cast<int32_t>(layout.results[i].index), 8);
      if (value.is_constant()) {
        store_constant(value.type, to, value.bits);
      } else {
        store_memory(value.type, to, f_.in_register(value));
      }
      f_.release(value);
    }
    f_.release(area);
  } else {
    static constexpr Reg kIntegers[] = {kRax, kRdx, kRcx};
    moves_.clear();
    for (size_t i = count; i-- > 0;) {
      Value value = f_.pop();
      const Reg to = bank_of(value.type) == Bank::integer ? kIntegers[layout.results[i].index]
                                                          : static_cast<Reg>(kXmm0 + layout.results[i].index);
      moves_.add(to, value);
      returned_.push_back(value);
    }
    moves_.run();
    for (const Value& value : returned_) f_.release(value);
    returned_.clear();
    if (env_.options.dirty_upper_bits)
      for (size_t i = 0; i < count; ++i)
        if (plan_.type->results[i] == wasm::kI32) dirty(kIntegers[layout.results[i].index]);
  }
  leave_frame();
  a_.byte(0xc2);  // ret imm16
  const uint16_t popped = static_cast<uint16_t>(layout.stack_bytes);
  a_.raw(&popped, 2);
}

// For tests: fills what an i32 leaves undefined.
void Machine::dirty(Reg reg) {
  emit(Inst::kIdBts, gp64(reg), Imm(63));
  emit(Inst::kIdBts, gp64(reg), Imm(33));
}

void Machine::end_function(int32_t frame_bytes) {
  for (TrapSite& site : trap_sites_) {
    a_.place(site.label);
    line(site.offset);
    if (site.in_static_table) {
      Label null;
      emit(Inst::kIdCmp, x86::Mem(gp64(kRax), 0, 4), Imm(-1));
      a_.branch(kEqual, null);
      trap_here(site.trap);
      a_.place(null);
      trap_here(Trap::uninitialized_element);
    } else {
      trap_here(site.trap);
    }
  }
  const uint32_t size = ((static_cast<uint32_t>(frame_bytes) + 15) & ~15u) + outgoing_;
  uint32_t entry = start_;
  if (!leaf_) a_.write32(start_ + kFrameSizeField, size);
  if (size > kUnprobedFrame) {
    entry = a_.position();
    probing_entry(size);
  } else if (leaf_ && frame_bytes > kRedZone) {
    entry = a_.position();
    framing_entry(size);
  }
  chunk_.functions.push_back({start_, entry});
}

// For a function that needs a frame after all.
void Machine::framing_entry(uint32_t frame_bytes) {
  emit(Inst::kIdPush, x86::rbp);
  emit(Inst::kIdMov, x86::rbp, x86::rsp);
  a_.raw(kSubRsp, sizeof(kSubRsp));
  a_.word(frame_bytes);
  Label body;
  body.position = start_ + kAfterRbp;
  a_.jump(body);
}

// Touches each page of a big frame before the function uses any of it, so that
// running out of stack meets the guard.
void Machine::probing_entry(uint32_t frame_bytes) {
  emit(Inst::kIdLea, gp64(kRax), x86::Mem(x86::rsp, -static_cast<int32_t>(frame_bytes), 8));
  emit(Inst::kIdMov, gp64(kR11), x86::rsp);
  Label loop;
  a_.place(loop);
  emit(Inst::kIdSub, gp64(kR11), Imm(kPage));
  emit(Inst::kIdTest, x86::Mem(gp64(kR11), 0, 1), x86::al);
  emit(Inst::kIdCmp, gp64(kR11), gp64(kRax));
  a_.branch(kAbove, loop);
  if (leaf_) return framing_entry(frame_bytes);
  Label start;
  start.position = start_;
  a_.jump(start);
}

void Machine::trap_here(Trap trap) {
  chunk_.traps.push_back({a_.position(), static_cast<uint32_t>(trap)});
  a_.byte(0x0f);
  a_.byte(0x0b);
}

void Machine::trap_if(uint8_t condition, Trap trap) {
  TrapSite& site = trap_sites_.emplace_back();
  site.trap = trap;
  site.offset = in_.offset;
  a_.branch(condition, site.label);
}

void Machine::trap(Trap trap, uint32_t offset) {
  line(offset);
  trap_here(trap);
}

void Machine::branch(uint8_t condition, Label& label) {
  a_.branch(condition, label);
  flags_pending_ = false;
}

// Entries are relative to their own end, like the field of a jump, so that they
// are part of their label's chain.
void Machine::branch_table(Value index, std::span<Label* const> targets) {
  const Reg reg = clean_register(index);
  const auto count = static_cast<uint32_t>(targets.size() - 1);
  Label& otherwise = *targets.back();
  if (count <= 3) {
    for (uint32_t i = 0; i < count; ++i) {
      emit(Inst::kIdCmp, gp32(reg), Imm(i));
      a_.branch(kEqual, *targets[i]);
    }
    f_.release(index);
    return a_.jump(otherwise);
  }
  emit(Inst::kIdCmp, gp32(reg), Imm(count));
  a_.branch(kAboveEqual, otherwise);
  const Reg table = f_.allocate(Bank::integer), entry = f_.allocate(Bank::integer);
  emit(Inst::kIdLea, gp64(table), x86::Mem(x86::rip, 0, 8));
  const uint32_t field = a_.position() - 4;
  emit(Inst::kIdLea, gp64(table), x86::Mem(gp64(table), gp64(reg), 2, 4));
  emit(Inst::kIdMovsxd, gp64(entry), x86::Mem(gp64(table), -4, 4));
  emit(Inst::kIdAdd, gp64(table), gp64(entry));
  emit(Inst::kIdJmp, gp64(table));
  a_.write32(field, a_.position() - (field + 4));
  for (uint32_t i = 0; i < count; ++i) a_.displacement(*targets[i]);
  f_.release(table);
  f_.release(entry);
  f_.release(index);
}

CodeChunk Machine::take_chunk() {
  a_.align_to(16);
  pool_.finish(a_);
  chunk_.code.assign(a_.data(), a_.data() + a_.position());
  CodeChunk chunk = std::move(chunk_);
  chunk_ = {};
  a_.restart();
  return chunk;
}

}  // namespace wherry::baseline::x64
