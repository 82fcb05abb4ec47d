// SPDX-License-Identifier: Apache-2.0
#include "baseline/function_compiler.h"

#include <algorithm>

namespace wherry::baseline {

using wasm::Opcode;

namespace {

// Code beyond this comes only from a module made to exhaust the compiler.
constexpr uint32_t kMaxFunctionCode = 64u << 20;

uint32_t operand_count(Opcode op) {
  const wasm::OpcodeInfo& info = wasm::info(op);
  return info.params == "*" ? (op == Opcode::select || op == Opcode::select_t ? 3 : 0)
                            : static_cast<uint32_t>(info.params.size());
}

bool sets_local(Opcode op) { return op == Opcode::local_set || op == Opcode::local_tee; }

}  // namespace

Result<void> FunctionCompiler::compile(uint32_t index) {
  const wasm::Module& module = env_.module;
  const uint32_t type_index = module.functions[index].value;
  const wasm::FuncType& type = module.types[type_index];
  const wasm::Code& code = module.code[index - module.imported_functions];

  frame_.reset();
  survey_.run(code.body, static_cast<uint32_t>(type.params.size()));
  declare_locals(type, code);
  plan_ = {index, &type, &layouts_.of(type_index), survey_.has_calls(), {}, {}};
  choose_homes();
  place_locals(type);
  machine_.begin_function(plan_);
  return body(code.body);
}

Result<void> FunctionCompiler::body(wasm::Bytes code) {
  blocks_.clear();
  reachable_ = true;
  skipped_blocks_ = 0;
  Block& function = blocks_.emplace_back();
  function.kind = Block::Kind::function;
  function.type = plan_.type;

  const uint32_t start = machine_.position();
  wasm::TrustedCodeReader reader(code);
  Instruction two[2];
  Instruction *in = &two[0], *next = &two[1];
  bool more = !reader.at_end() && reader.next(*in);
  while (more) {
    more = !reader.at_end() && reader.next(*next);
    instruction(*in, *next);
    if (machine_.position() - start > kMaxFunctionCode)
      return error(ErrorKind::exhausted, "function too complex", code.offset);
    std::swap(in, next);
  }
  return {};
}

void FunctionCompiler::instruction(const Instruction& in, const Instruction& next) {
  if (!reachable_) {
    if (in.op == Opcode::block || in.op == Opcode::loop || in.op == Opcode::if_) {
      ++skipped_blocks_;
    } else if (in.op == Opcode::end) {
      skipped_blocks_ ? static_cast<void>(--skipped_blocks_) : end();
    } else if (in.op == Opcode::else_ && !skipped_blocks_) {
      else_();
    }
    return;
  }
  switch (in.op) {
    case Opcode::nop: return;
    case Opcode::local_get: return frame_.push_local(in.index);
    case Opcode::local_set: return frame_.set_local(in.index, frame_.pop());
    case Opcode::local_tee:
      frame_.set_local(in.index, frame_.pop());
      return frame_.push_local(in.index);
    case Opcode::i32_const: return frame_.push_constant(Type::i32, static_cast<uint32_t>(in.value));
    case Opcode::i64_const: return frame_.push_constant(Type::i64, in.value);
    case Opcode::f32_const: return frame_.push_constant(Type::f32, in.value);
    case Opcode::f64_const: return frame_.push_constant(Type::f64, in.value);
    case Opcode::ref_null: return frame_.push_constant(Type::i64, 0);
    case Opcode::drop: return frame_.release(frame_.pop());
    case Opcode::unreachable:
      machine_.trap(Trap::unreachable, in.offset);
      return leave_unreachable();
    case Opcode::block: return enter(in, Block::Kind::block);
    case Opcode::loop: return enter(in, Block::Kind::loop);
    case Opcode::if_: return if_(in);
    case Opcode::else_: return else_();
    case Opcode::end: return end();
    case Opcode::br: return br(in.index);
    case Opcode::br_if: return br_if(in.index);
    case Opcode::br_table: return br_table(in);
    case Opcode::return_: return return_();
    case Opcode::call: return call(Callee::Kind::direct, in, false);
    case Opcode::call_indirect: return call(Callee::Kind::indirect, in, false);
    case Opcode::return_call: return call(Callee::Kind::direct, in, true);
    case Opcode::return_call_indirect: return call(Callee::Kind::indirect, in, true);
    default: break;
  }
  if (sets_local(next.op)) frame_.aim_at(next.index, operand_count(in.op));
  machine_.instruction(in, next);
  frame_.clear_aim();
}

void FunctionCompiler::call(Callee::Kind kind, const Instruction& in, bool tail) {
  const wasm::Module& module = env_.module;
  const bool indirect = kind == Callee::Kind::indirect;
  const uint32_t type = indirect ? in.index : module.functions[in.index].value;
  if (!indirect && in.index < module.imported_functions) kind = Callee::Kind::imported;
  const Callee callee = {kind, in.index, in.index2, &module.types[type], &layouts_.of(type), in.offset};
  if (!tail) return machine_.call(callee);
  machine_.tail_call(callee);
  leave_unreachable();
}

}  // namespace wherry::baseline
