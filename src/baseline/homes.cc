// SPDX-License-Identifier: Apache-2.0
// Which locals live in registers, and where the others are in the frame.
#include <algorithm>

#include "baseline/function_compiler.h"

namespace wherry::baseline {
namespace {

// A kept register costs a save and a restore.
constexpr uint32_t kKeptCost = 3;

}  // namespace

// Only those that are used: the others keep what an earlier function left.
void FunctionCompiler::declare_locals(const wasm::FuncType& type, const wasm::Code& code) {
  std::vector<Local>& locals = frame_.locals();
  const std::vector<uint32_t>& used = survey_.used();
  const auto params = static_cast<uint32_t>(type.params.size());
  if (!used.empty() && locals.size() <= used.back()) locals.resize(used.back() + 1);
  for (uint32_t i = 0; i < params; ++i) locals[i] = {type_of(type.params[i])};
  auto run = code.locals.begin();
  uint64_t end = params;  // of the locals before the run
  for (size_t i = params; i < used.size(); ++i) {
    while (end + run->count <= used[i]) end += run++->count;
    locals[used[i]] = {type_of(run->type)};
  }
}

void FunctionCompiler::choose_homes() {
  std::vector<Local>& locals = frame_.locals();
  const MachineMoves::Registers& registers = machine_.registers();
  by_weight_.clear();
  // A parameter that is used once is better off in a register too, if no call takes it.
  const uint32_t eager = plan_.has_calls ? 0 : static_cast<uint32_t>(plan_.layout->params.size());
  for (const uint32_t i : survey_.used())
    if (survey_.local(i).weight > (i < eager ? 0u : 1u)) by_weight_.push_back(i);
  const auto heavier = [&](uint32_t a, uint32_t b) {
    const uint32_t wa = survey_.local(a).weight, wb = survey_.local(b).weight;
    return wa != wb ? wa > wb : a < b;
  };
  const size_t most = 32;
  const size_t count = std::min(most, by_weight_.size());
  std::partial_sort(by_weight_.begin(), by_weight_.begin() + static_cast<ptrdiff_t>(count), by_weight_.end(), heavier);

  RegSet kept = registers.kept_homes, clobbered = registers.clobbered_homes;
  const uint64_t clobber_cost = uint64_t{2} * survey_.call_weight();
  for (size_t i = 0; i < count; ++i) {
    const Local& local = locals[by_weight_[i]];
    const uint32_t weight = survey_.local(by_weight_[i]).weight;
    const RegSet bank = RegSet::all(bank_of(local.type));
    const RegSet cheap = clobbered & bank, dear = kept & bank;
    const bool may_keep = !dear.empty() && weight > kKeptCost;
    const bool may_clobber = !cheap.empty() && weight > clobber_cost;
    if (!may_keep && !may_clobber) continue;
    const bool clobber = may_clobber && (!may_keep || clobber_cost < kKeptCost);
    const RegSet choice = clobber ? cheap : dear;
    // A parameter stays where it comes.
    Reg home = choice.first();
    if (by_weight_[i] < plan_.layout->params.size()) {
      const abi::ArgumentLocation location = plan_.layout->params[by_weight_[i]];
      if (location.kind != abi::ArgumentLocation::Kind::stack && choice.has(machine_.argument_register(location)))
        home = machine_.argument_register(location);
    }
    frame_.give_home(by_weight_[i], home);
    plan_.homes.add(home);
    kept.remove(home);
    clobbered.remove(home);
  }
}

void FunctionCompiler::place_locals(const wasm::FuncType& type) {
  std::vector<Local>& locals = frame_.locals();
  const RegSet kept = machine_.registers().kept_homes;
  int32_t bytes = machine_.saved_bytes(plan_);
  const auto needs_slot = [&](uint32_t i) {
    const Local& local = locals[i];
    if (!survey_.local(i).weight || local.slot) return false;
    return local.home == kNoReg || (plan_.has_calls && !kept.has(local.home));
  };
  for (uint32_t i = 0; i < type.params.size(); ++i)
    if (plan_.layout->params[i].kind == abi::ArgumentLocation::Kind::stack)
      locals[i].slot = machine_.stack_argument_slot(plan_.layout->params[i].index);
  for (const uint32_t size : {16u, 8u, 4u}) {
    for (const uint32_t i : survey_.used()) {
      if (size_of(locals[i].type) != size || !needs_slot(i)) continue;
      bytes = (bytes + static_cast<int32_t>(size) + static_cast<int32_t>(size) - 1) & -static_cast<int32_t>(size);
      locals[i].slot = -bytes;
    }
  }
  zeroed_.clear();
  for (const uint32_t i : survey_.used())
    if (survey_.local(i).needs_zero) zeroed_.push_back(i);
  plan_.zeroed = zeroed_;

  bool vectors = env_.vector_types || survey_.uses_vectors();
  for (const uint32_t i : survey_.used()) vectors |= locals[i].type == Type::v128;
  const int32_t slot_size = vectors ? 16 : 8;
  bytes = (bytes + slot_size - 1) & -slot_size;
  frame_.start(plan_.homes, -bytes, static_cast<uint32_t>(slot_size));
}

}  // namespace wherry::baseline
