// SPDX-License-Identifier: Apache-2.0
#include "baseline/survey.h"

#include <algorithm>
#include <utility>

#include "baseline/bulk.h"

namespace wherry::baseline {
namespace {

using wasm::Opcode;

constexpr uint32_t kMaxWeight = 1u << 30;
constexpr uint32_t kWeightedDepth = 5;  // deeper loops weigh no more

uint32_t saturating_add(uint32_t a, uint32_t b) { return std::min(a + b, kMaxWeight); }

bool calls(Opcode op) {
  switch (op) {
    case Opcode::call:
    case Opcode::call_indirect:
    case Opcode::return_call:
    case Opcode::return_call_indirect:
    case Opcode::memory_grow:
    case Opcode::memory_copy:
    case Opcode::memory_fill:
    case Opcode::memory_init:
    case Opcode::data_drop:
    case Opcode::table_get:
    case Opcode::table_set:
    case Opcode::table_grow:
    case Opcode::table_fill:
    case Opcode::table_copy:
    case Opcode::table_init:
    case Opcode::elem_drop: return true;
    default: return false;
  }
}

}  // namespace

void Survey::enter(bool loop) {
  blocks_.push_back({next_block_++, loop});
  if (loop && ++loop_depth_ <= kWeightedDepth) weight_ *= 8;
}

void Survey::leave() {
  if (blocks_.back().loop && loop_depth_-- <= kWeightedDepth) weight_ /= 8;
  blocks_.pop_back();
}

Survey::LocalUse& Survey::use(uint32_t index) {
  if (index >= locals_.size()) locals_.resize(index + 1);
  LocalUse& use = locals_[index];
  if (!use.weight) used_.push_back(index);
  return use;
}

void Survey::read(uint32_t index) {
  LocalUse& use = this->use(index);
  const bool dominated = use.weight && use.set_depth < blocks_.size() && blocks_[use.set_depth].id == use.set_block;
  if (!dominated) use.needs_zero = true;
  use.weight = saturating_add(use.weight, weight_);
}

void Survey::set(uint32_t index) {
  LocalUse& use = this->use(index);
  if (!use.weight) {
    use.set_depth = static_cast<uint32_t>(blocks_.size() - 1);
    use.set_block = blocks_.back().id;
  }
  use.weight = saturating_add(use.weight, weight_);
}

void Survey::run(wasm::Bytes body, uint32_t params) {
  for (const uint32_t index : used_) locals_[index] = {};
  used_.clear();
  if (locals_.size() < params) locals_.resize(params);
  blocks_.clear();
  next_block_ = loop_depth_ = call_weight_ = 0;
  weight_ = 1;
  uses_vectors_ = false;
  enter(false);

  wasm::TrustedCodeReader reader(body);
  wasm::Instruction in;
  uint64_t constant = 0;  // of the instruction before, if it is an i32.const
  while (!reader.at_end() && reader.next(in)) {
    const uint64_t before = std::exchange(constant, 0);
    switch (in.op) {
      case Opcode::i32_const: constant = static_cast<uint32_t>(in.value); break;
      case Opcode::local_get: read(in.index); break;
      case Opcode::local_set:
      case Opcode::local_tee: set(in.index); break;
      case Opcode::block:
      case Opcode::if_: enter(false); break;
      case Opcode::loop: enter(true); break;
      case Opcode::else_: blocks_.back().id = next_block_++; break;
      case Opcode::end: leave(); break;
      default:
        if (calls(in.op) && !is_inline_bulk(in, before)) call_weight_ = saturating_add(call_weight_, weight_);
        if (in.op >= Opcode::v128_load) uses_vectors_ = true;
    }
  }
  std::sort(used_.begin(), used_.end());
  // All parameters, then the used ones of the others.
  used_.erase(used_.begin(), std::lower_bound(used_.begin(), used_.end(), params));
  used_.insert(used_.begin(), params, 0);
  for (uint32_t i = 0; i < params; ++i) {
    used_[i] = i;
    locals_[i].needs_zero = false;
  }
}

}  // namespace wherry::baseline
