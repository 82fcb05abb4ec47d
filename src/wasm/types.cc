// SPDX-License-Identifier: Apache-2.0
#include "wasm/types.h"

namespace wherry::wasm {
namespace {

const char* name_of(AbstractHeap heap) {
  static constexpr const char* kNames[] = {"func", "nofunc", "extern", "noextern", "any", "eq",
                                           "i31",  "struct", "array",  "none",     "exn", "noexn"};
  return kNames[static_cast<size_t>(heap)];
}

std::string list(const std::vector<ValType>& types) {
  std::string text;
  for (const ValType type : types) {
    if (!text.empty()) text += ", ";
    text += to_string(type);
  }
  return text;
}

}  // namespace

std::string to_string(ValType type) {
  static constexpr const char* kNumbers[] = {"i32", "i64", "f32", "f64", "v128"};
  if (!type.is_ref()) return kNumbers[static_cast<size_t>(type.kind())];
  const HeapType heap = type.heap();
  if (type.nullable() && !heap.is_index()) {
    if (heap == AbstractHeap::none) return "nullref";
    if (heap == AbstractHeap::nofunc) return "nullfuncref";
    if (heap == AbstractHeap::noextern) return "nullexternref";
    if (heap == AbstractHeap::noexn) return "nullexnref";
    return std::string(name_of(heap.abstract())) + "ref";
  }
  const std::string inner = heap.is_index() ? std::to_string(heap.index().value) : name_of(heap.abstract());
  return (type.nullable() ? "(ref null " : "(ref ") + inner + ")";
}

std::string to_string(const FuncType& type) {
  return "(" + list(type.params) + ") -> " + (type.results.size() == 1 ? list(type.results) : "(" + list(type.results) + ")");
}

}  // namespace wherry::wasm
