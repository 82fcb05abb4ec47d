// SPDX-License-Identifier: Apache-2.0
#include "validate/subtype.h"

namespace wherry::validate {

using wasm::AbstractHeap;

// Every defined type is a function type until garbage collection has more.
// spec: match-heaptype
bool is_heap_subtype(wasm::HeapType sub, wasm::HeapType super) {
  if (sub == super) return true;
  if (super.is_index()) return !sub.is_index() && sub.abstract() == AbstractHeap::nofunc;
  if (sub.is_index()) return super.abstract() == AbstractHeap::func;
  switch (super.abstract()) {
    case AbstractHeap::func: return sub.abstract() == AbstractHeap::nofunc;
    case AbstractHeap::extern_: return sub.abstract() == AbstractHeap::noextern;
    case AbstractHeap::exn: return sub.abstract() == AbstractHeap::noexn;
    default: return false;
  }
}

// spec: match-reftype
bool is_reference_subtype(wasm::ValType sub, wasm::ValType super) {
  return (super.nullable() || !sub.nullable()) && is_heap_subtype(sub.heap(), super.heap());
}

}  // namespace wherry::validate
