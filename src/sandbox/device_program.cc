// SPDX-License-Identifier: Apache-2.0
#include "sandbox/device_program.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace wherry::sandbox {
namespace {

// What the program keeps where. The context comes in r1, the result is r0.
enum Register : uint8_t { kResult = BPF_REG_0, kContext = BPF_REG_1, kType = BPF_REG_2, kWanted = BPF_REG_3, kMajor = BPF_REG_4, kMinor = BPF_REG_5 };

class Emitter {
 public:
  void load(Register to, size_t offset) { emit(BPF_LDX | BPF_MEM | BPF_W, to, kContext, static_cast<int16_t>(offset), 0); }
  void move(Register to, Register from) { emit(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0); }
  void set(Register to, uint32_t value) { emit(BPF_ALU | BPF_MOV | BPF_K, to, 0, 0, value); }
  void mask(Register to, uint32_t value) { emit(BPF_ALU | BPF_AND | BPF_K, to, 0, 0, value); }
  void shift_right(Register to, uint32_t bits) { emit(BPF_ALU | BPF_RSH | BPF_K, to, 0, 0, bits); }
  void finish(bool allow) {
    set(kResult, allow ? 1 : 0);
    emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }

  // To the next rule if the register is (not) that.
  void leave_unless(Register value, uint32_t is) { leave(BPF_JNE, value, is); }
  void leave_if(Register value, uint32_t is) { leave(BPF_JEQ, value, is); }
  void next_rule() {
    for (const size_t jump : leaving_) program_[jump].off = static_cast<int16_t>(program_.size() - jump - 1);
    leaving_.clear();
  }

  std::vector<bpf_insn> take() { return std::move(program_); }

 private:
  void emit(int code, uint8_t to, uint8_t from, int16_t offset, uint32_t value) {
    bpf_insn instruction{};
    instruction.code = static_cast<uint8_t>(code);
    instruction.dst_reg = to & 0xf;
    instruction.src_reg = from & 0xf;
    instruction.off = offset;
    instruction.imm = static_cast<int32_t>(value);
    program_.push_back(instruction);
  }
  void leave(int condition, Register value, uint32_t is) {
    leaving_.push_back(program_.size());
    emit(BPF_JMP32 | condition | BPF_K, value, 0, 0, is);
  }

  std::vector<bpf_insn> program_;
  std::vector<size_t> leaving_;  // jumps of the current rule
};

uint32_t access_bits(std::string_view access) {
  uint32_t bits = 0;
  for (const char c : access) bits |= c == 'r' ? BPF_DEVCG_ACC_READ : c == 'w' ? BPF_DEVCG_ACC_WRITE : BPF_DEVCG_ACC_MKNOD;
  return bits;
}

void match_number(Emitter& out, Register number, const std::optional<int64_t>& wanted) {
  if (wanted) out.leave_unless(number, static_cast<uint32_t>(*wanted));
}

void emit_rule(Emitter& out, const DeviceRule& rule) {
  const uint32_t bits = access_bits(rule.access);
  out.leave_unless(kType, rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
  match_number(out, kMajor, rule.major);
  match_number(out, kMinor, rule.minor);
  if (rule.allow) {  // what it allows is decided; what else is wanted is for earlier rules to say
    out.mask(kWanted, ~bits);
    out.leave_unless(kWanted, 0);
  } else {
    out.move(kResult, kWanted);
    out.mask(kResult, bits);
    out.leave_if(kResult, 0);
  }
  out.finish(rule.allow);
  out.next_rule();
}

}  // namespace

std::vector<bpf_insn> device_program(std::span<const DeviceRule> rules) {
  Emitter out;
  out.load(kType, offsetof(bpf_cgroup_dev_ctx, access_type));
  out.move(kWanted, kType);
  out.mask(kType, 0xffff);
  out.shift_right(kWanted, 16);
  out.load(kMajor, offsetof(bpf_cgroup_dev_ctx, major));
  out.load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor));
  bool otherwise = false;
  for (size_t i = rules.size(); i-- > 0;) {
    if (rules[i].type == 'a') {  // what stands before it counts no more
      otherwise = rules[i].allow;
      break;
    }
    emit_rule(out, rules[i]);
  }
  out.finish(otherwise);
  return out.take();
}

}  // namespace wherry::sandbox
