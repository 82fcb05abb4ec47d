// SPDX-License-Identifier: Apache-2.0
// Does validation of any module end well, and is validated code safe to read
// without checks, as the compilers do?
#include "decode/decode.h"
#include "validate/validate.h"
#include "wasm/code_reader.h"

using namespace wherry;

namespace {

void must_be_equal(const wasm::Instruction& a, const wasm::Instruction& b) {
  CHECK(a.op == b.op && a.offset == b.offset, "the trusted reader reads another instruction");
  CHECK(a.index == b.index && a.index2 == b.index2 && a.value == b.value && a.bytes == b.bytes, "the trusted reader reads another immediate");
  CHECK(a.align == b.align && a.lane == b.lane && a.block.kind == b.block.kind && a.block.bits == b.block.bits,
        "the trusted reader reads another immediate");
}

void read_both_ways(const wasm::Bytes& body) {
  wasm::CodeReader checked(body);
  wasm::TrustedCodeReader trusted(body);
  while (!checked.at_end()) {
    wasm::Instruction a{}, b{};
    CHECK(checked.next(a), "validated code is malformed");
    trusted.next(b);
    must_be_equal(a, b);
    if (a.op == wasm::Opcode::br_table)
      for (wasm::Labels labels(b); !labels.done();) labels.next();
  }
  CHECK(trusted.at_end(), "the trusted reader is elsewhere");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto module = decode::decode({data, size});
  if (!module) return 0;
  if (const auto valid = validate::validate(*module); !valid) {
    CHECK(valid.error().offset <= size, "an error outside of the input");
    return 0;
  }
  for (const wasm::Code& code : module->code) read_both_ways(code.body);
  return 0;
}
