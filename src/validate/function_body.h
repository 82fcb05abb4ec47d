// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "validate/locals.h"
#include "validate/module_context.h"
#include "validate/operands.h"
#include "wasm/code_reader.h"

namespace wherry::validate {

// Types instructions one after the other, as in the specification's algorithm.
// Plain instructions are typed from the opcode table; each of the others has a
// function valid_<name>. Those return false after they called fail().
//
// Buffers are kept from one function to the next, so that nothing is allocated
// for an instruction, and after the first functions nothing for a function.
// spec: algo-valid
class FunctionBody {
 public:
  explicit FunctionBody(const ModuleContext& context) : context_(context), module_(context.module) {}

  Result<void> function(uint32_t defined_function);
  // A constant expression of this type, which may use the first `visible_globals` globals.
  Result<void> constant(const wasm::ConstExpr& expr, wasm::ValType type, uint32_t visible_globals);

 private:
  bool declare_locals(const wasm::FuncType& type, const wasm::Code& code);
  bool run(wasm::Bytes body);
  bool malformed(wasm::Bytes body);
  bool step();
  bool step_rare();
  bool step_constant();
  bool is_constant(uint32_t visible_globals);

  bool valid_plain();
  bool valid_plain_slowly();
  bool valid_memory_access();
  bool valid_lane();
  bool valid_shuffle();

  bool valid_unreachable();
  bool valid_block();
  bool valid_if();
  bool valid_else();
  bool valid_end();
  bool valid_br();
  bool valid_br_if();
  bool valid_br_table();
  bool valid_return();
  bool valid_call();
  bool valid_call_indirect();
  bool valid_return_call();
  bool valid_return_call_indirect();
  bool valid_drop();
  bool valid_select();
  bool valid_select_t();
  bool valid_local_get();
  bool valid_local_set();
  bool valid_local_tee();
  bool valid_global_get();
  bool valid_global_set();
  bool valid_ref_null();
  bool valid_ref_is_null();
  bool valid_ref_func();
  bool valid_table_get();
  bool valid_table_set();
  bool valid_table_size();
  bool valid_table_grow();
  bool valid_table_fill();
  bool valid_table_copy();
  bool valid_table_init();
  bool valid_elem_drop();
  bool valid_memory();
  bool valid_memory_copy();
  bool valid_memory_init();
  bool valid_data_drop();

  // Operands. Pops take what the innermost block has pushed, and anything at
  // all in unreachable code.
  void push(wasm::ValType type) { operands_.push(type); }
  uint32_t available() const { return operands_.height() - base_; }
  bool pop(wasm::ValType expected) {
    if (available() > 0 && operands_.peek(0) == expected) [[likely]]
      return operands_.pop(), true;
    return pop_slowly(expected);
  }
  bool pop_slowly(wasm::ValType expected);
  bool pop_any(wasm::ValType& type);
  bool pop(std::span<const wasm::ValType> expected);
  // Whether the operands on top are of these types; they stay.
  bool check_top(std::span<const wasm::ValType> expected);
  void set_unreachable();

  bool block_type(const wasm::BlockType& type, Control& block);
  // Pops the block's parameters and enters it.
  bool open_block(Control& block);
  // Checks that the block's results and nothing else are left, and pops it.
  bool close_block(Control& block);
  bool label(uint32_t depth, Control*& out);

  // Parts of the module, or a failure "unknown ...".
  const wasm::FuncType* function_type(uint32_t index);
  const wasm::FuncType* type(uint32_t index);
  const wasm::Table* table(uint32_t index);
  const wasm::Global* global(uint32_t index);
  const wasm::Elem* elem(uint32_t index);
  bool memory_exists(uint32_t index);
  bool data_exists(uint32_t index);
  bool tail_call_returns(const wasm::FuncType& callee);
  const wasm::FuncType* indirect_callee();
  bool enabled(wasm::ValType type);

  bool fail(ErrorKind kind, std::string what);
  bool invalid(std::string what) { return fail(ErrorKind::invalid, std::move(what)); }
  bool unknown(const char* what, uint32_t index) { return invalid("unknown " + std::string(what) + " " + std::to_string(index)); }
  bool mismatch(std::string expected, std::string found);
  Result<void> outcome(bool ok);

  const ModuleContext& context_;
  const wasm::Module& module_;
  const wasm::FuncType* function_ = nullptr;
  wasm::Instruction in_{};
  uint32_t base_ = 0;  // height of the innermost block
  Operands operands_;
  std::vector<Control> control_;
  Locals locals_;
  std::optional<Error> error_;
};

}  // namespace wherry::validate
