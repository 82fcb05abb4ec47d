// SPDX-License-Identifier: Apache-2.0
#include "spectest.h"

namespace wherry::spec {
namespace {

using wasm::kF32;
using wasm::kF64;
using wasm::kI32;
using wasm::kI64;

Result<void, Trap> print(void*, runtime::HostCall&) { return {}; }

}  // namespace

Result<void> define_spectest(runtime::Store& store, runtime::Linker& linker, runtime::Memory::Checks checks) {
  const std::pair<const char*, std::vector<wasm::ValType>> functions[] = {
      {"print", {}},          {"print_i32", {kI32}},           {"print_i64", {kI64}},          {"print_f32", {kF32}},
      {"print_f64", {kF64}},  {"print_i32_f32", {kI32, kF32}}, {"print_f64_f64", {kF64, kF64}}};
  for (const auto& [name, params] : functions) linker.define("spectest", name, {params, {}}, print, nullptr);

  abi::Value values[4] = {};
  values[0].i32 = 666;
  values[1].i64 = 666;
  values[2].f32 = 666.6f;
  values[3].f64 = 666.6;
  linker.define("spectest", "global_i32", store.create_global({kI32, false}, values[0]));
  linker.define("spectest", "global_i64", store.create_global({kI64, false}, values[1]));
  linker.define("spectest", "global_f32", store.create_global({kF32, false}, values[2]));
  linker.define("spectest", "global_f64", store.create_global({kF64, false}, values[3]));

  const wasm::Limits limits{10, 20};
  linker.define("spectest", "table",
                TRY(store.create_table({wasm::kFuncref, limits, wasm::AddressType::i32}, nullptr)));
  linker.define("spectest", "table64",
                TRY(store.create_table({wasm::kFuncref, limits, wasm::AddressType::i64}, nullptr)));
  linker.define("spectest", "memory",
                TRY(store.create_memory({{1, 2}, wasm::AddressType::i32, false}, checks)));
  return {};
}

}  // namespace wherry::spec
