// SPDX-License-Identifier: Apache-2.0
// Does decoding any bytes end well: with a module whose views lie inside of the
// input, or with an error that has a place in it?
#include "base/utf8.h"
#include "decode/decode.h"
#include "decode/names.h"

using namespace wherry;

namespace {

struct Input {
  const uint8_t* data;
  size_t size;

  void must_contain(const void* start, size_t length) const {
    const auto* const p = static_cast<const uint8_t*>(start);
    CHECK(length == 0 || (p >= data && length <= size && p <= data + size - length), "a view outside of the input");
  }
  void must_contain(const wasm::Bytes& bytes) const {
    must_contain(bytes.bytes.data(), bytes.bytes.size());
    CHECK(bytes.bytes.empty() || data + bytes.offset == bytes.bytes.data(), "an offset that is not the bytes'");
  }
  void must_contain(std::string_view name) const {
    must_contain(name.data(), name.size());
    CHECK(is_utf8(name), "a name that is no UTF-8");
  }
};

void check(const wasm::Module& module, const Input& input) {
  for (const wasm::Import& import : module.imports) input.must_contain(import.module), input.must_contain(import.name);
  for (const wasm::Export& exported : module.exports) input.must_contain(exported.name);
  for (const wasm::Global& global : module.globals) input.must_contain(global.init);
  for (const wasm::Code& code : module.code) input.must_contain(code.body);
  for (const wasm::Data& data : module.datas) input.must_contain(data.offset), input.must_contain(data.init);
  for (const wasm::Elem& elem : module.elems) {
    input.must_contain(elem.offset);
    for (const wasm::ConstExpr& expr : elem.expressions) input.must_contain(expr);
  }
  for (const std::string_view name : decode::names(module).functions) input.must_contain(name);
  CHECK(module.functions.size() == module.imported_functions + module.code.size(), "functions without code");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto module = decode::decode({data, size});
  if (module) {
    check(*module, {data, size});
  } else {
    CHECK(module.error().offset <= size, "an error outside of the input");
    CHECK(!module.error().message.empty(), "an error without words");
  }
  return 0;
}
