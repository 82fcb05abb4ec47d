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
  const wasm::Bytes whole = TRY(in.sized_bytes());
  if (whole.bytes.size() > wasm::kMaxFunctionSize) {
    return error(ErrorKind::unsupported,
                 "function of " + std::to_string(whole.bytes.size()) + " bytes, at most " + std::to_string(wasm::kMaxFunctionSize), start);
  }
  Reader body(whole, in.features());
  wasm::Code result;
  result.locals = TRY(locals(body));
  result.body = TRY(body.bytes(body.left()));
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
