// SPDX-License-Identifier: Apache-2.0
#include "decode/sections.h"
#include "wasm/limits.h"

namespace wherry::decode {
namespace {

// spec: binary-local
Result<std::vector<wasm::Code::Locals>> locals(Reader& in) {
  const uint32_t groups = TRY(in.u32());
  std::vector<wasm::Code::Locals> result;
  result.reserve(in.room(groups, 2));
  uint64_t total = 0;
  for (uint32_t i = 0; i < groups; ++i) {
    const uint64_t start = in.offset();
    const uint32_t count = TRY(in.u32());
    total += count;
    if (total > UINT32_MAX) return in.fail_at(start, "too many locals");
    result.push_back({count, TRY(in.value_type())});
  }
  return result;
}

// The size and the locals; the instructions are left to the validator.
// spec: binary-code
Result<wasm::Code> code(Reader& in) {
  const uint64_t start = in.offset();
  const uint32_t size = TRY(in.u32());
  if (size > in.left()) return in.fail_at(start, "length out of bounds: a function of " + std::to_string(size) + " bytes");
  if (size > wasm::kMaxFunctionSize)
    return error(ErrorKind::unsupported, "function of " + std::to_string(size) + " bytes, at most " + std::to_string(wasm::kMaxFunctionSize), start);
  const uint64_t end = in.offset() + size;
  wasm::Code result;
  result.locals = TRY(locals(in));
  if (in.offset() > end) return in.fail("unexpected end of section or function: locals go past the function's end");
  result.body = TRY(in.bytes_until(end));
  return result;
}

}  // namespace

// spec: binary-codesec
Result<void> code_section(Reader& in, wasm::Module& module) {
  const uint32_t count = TRY(in.count(wasm::kMaxFunctions, "function bodies"));
  module.code.reserve(in.room(count, 3));
  for (uint32_t i = 0; i < count; ++i) module.code.push_back(TRY(code(in)));
  return {};
}

}  // namespace wherry::decode
