// SPDX-License-Identifier: Apache-2.0
#include "decode/names.h"

#include "decode/reader.h"

namespace wherry::decode {
namespace {

enum : uint8_t { kModuleName = 0, kFunctionNames = 1 };

// spec: binary-namemap
Result<void> function_names(Reader& in, std::vector<std::string_view>& functions, size_t function_count) {
  const uint32_t count = TRY(in.u32());
  if (count > 0) functions.resize(function_count);
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t index = TRY(in.u32());
    const std::string_view name = TRY(in.name());
    if (index < functions.size()) functions[index] = name;
  }
  return {};
}

Result<void> subsections(Reader& in, Names& names, size_t function_count) {
  while (!in.at_end()) {
    const uint8_t id = TRY(in.byte());
    Reader inside(TRY(in.sized_bytes()), in.features());
    if (id == kModuleName) names.module = TRY(inside.name());
    if (id == kFunctionNames) TRY(function_names(inside, names.functions, function_count));
  }
  return {};
}

}  // namespace

Names names(const wasm::Module& module) {
  Names names;
  for (const wasm::CustomSection& section : module.customs) {
    if (section.name != "name") continue;
    Reader in(section.content, {});
    (void)subsections(in, names, module.functions.size());
    break;
  }
  return names;
}

}  // namespace wherry::decode
