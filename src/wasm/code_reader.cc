// SPDX-License-Identifier: Apache-2.0
#include "wasm/code_reader.h"

namespace wherry::wasm {

template <Input input>
Opcode BasicCodeReader<input>::prefixed_opcode() {
  if (in_.failure()) return kIllegalOpcode;
  const uint8_t* const start = in_.position() - 1;
  if (kPlainOpcodes[*start] == kPrefixOpcode) {
    const uint32_t code = in_.u32();
    if (code < kPrefixedOpcodeLimit) {
      const Opcode op = kPrefixedOpcodes[*start - 0xfb][code];
      if (op != kIllegalOpcode) return op;
    }
  }
  in_.fail(*start == 0xff ? "illegal opcode ff" : "illegal opcode", start);
  return kIllegalOpcode;
}

template <Input input>
void BasicCodeReader<input>::read_rare_immediate(Immediate kind, Instruction& out) {
  switch (kind) {
    case Immediate::zero_byte:
      if (in_.byte() != 0) in_.fail("zero byte expected");
      return;
    case Immediate::br_table:
      out.index = in_.u32();
      out.bytes = in_.position();
      if (out.index > kMaxBrTable) return in_.fail("br_table is too large");
      for (uint32_t i = 0; i <= out.index; ++i) in_.u32();
      return;
    case Immediate::select_types:
      out.index = in_.u32();
      out.bytes = in_.position();
      for (uint32_t i = 0; i < out.index && !in_.failure(); ++i) {
        const uint32_t type = read_value_type(in_).bits();
        if (i == 0) out.value = type;
      }
      return;
    case Immediate::try_table:
      out.block = read_block_type(in_);
      out.index = in_.u32();
      out.bytes = in_.position();
      return skip_catches(out.index);
    case Immediate::type_table:
    case Immediate::table_table:
    case Immediate::elem_table:
    case Immediate::memory_memory:
    case Immediate::data_memory:
    case Immediate::type_field:
    case Immediate::type_count:
    case Immediate::type_data:
    case Immediate::type_elem:
    case Immediate::type_type:
      out.index = in_.u32();
      out.index2 = in_.u32();
      return;
    case Immediate::memarg_lane:
      read_memarg(out);
      out.lane = in_.byte();
      return;
    case Immediate::f32: out.value = in_.template fixed<uint32_t>(); return;
    case Immediate::f64: out.value = in_.template fixed<uint64_t>(); return;
    case Immediate::v128:
    case Immediate::shuffle: out.bytes = in_.bytes(16); return;
    case Immediate::lane: out.lane = in_.byte(); return;
    case Immediate::heap_type: out.index = read_heap_type(in_).bits(); return;
    case Immediate::cast:
      out.lane = in_.byte();
      out.index = in_.u32();
      out.index2 = read_heap_type(in_).bits();
      out.value = read_heap_type(in_).bits();
      return;
    default: CHECK(false, "an immediate kind without a reader");
  }
}

// spec: binary-catch
template <Input input>
void BasicCodeReader<input>::skip_catches(uint32_t count) {
  for (uint32_t i = 0; i < count && !in_.failure(); ++i) {
    const uint8_t kind = in_.byte();
    if (kind > 3) return in_.fail("malformed catch clause");
    if (kind < 2) in_.u32();
    in_.u32();
  }
}

Result<void> check_body_syntax(std::span<const uint8_t> binary, Bytes body) {
  const uint64_t end = body.offset + body.bytes.size();
  CodeReader reader({binary.subspan(body.offset), body.offset});
  Instruction in;
  for (std::vector<Opcode> open = {Opcode::block}; !open.empty();) {
    if (!reader.next(in)) return reader.failure();
    const Immediate immediate = info(in.op).immediate;
    if (immediate == Immediate::block_type || immediate == Immediate::try_table) open.push_back(in.op);
    if (in.op == Opcode::else_ && std::exchange(open.back(), Opcode::else_) != Opcode::if_)
      return error(ErrorKind::malformed, "END opcode expected, found ELSE", in.offset);
    if (in.op == Opcode::end) open.pop_back();
  }
  if (reader.offset() < end) return error(ErrorKind::malformed, "END opcode expected: bytes behind the function's end", reader.offset());
  if (reader.offset() > end) return error(ErrorKind::malformed, "section size mismatch: a function goes past its end", end);
  return {};
}

template class BasicCodeReader<Input::untrusted>;
template class BasicCodeReader<Input::trusted>;

}  // namespace wherry::wasm
