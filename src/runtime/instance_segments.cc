// SPDX-License-Identifier: Apache-2.0
// An instance's segments and its start: what happens after linking.
#include <cstring>

#include "runtime/const_expr.h"
#include "runtime/instance.h"
#include "runtime/memory.h"
#include "runtime/table.h"
#include "wasm/module.h"

namespace wherry::runtime {
namespace {

// An offset of a 32-bit memory or table is its low 32 bits.
uint64_t offset_of(const abi::Value& value, wasm::AddressType address) {
  return address == wasm::AddressType::i32 ? value.i32 : value.i64;
}

}  // namespace

// spec: exec-instantiation
Result<void, Trap> Instance::initialize() {
  TRY(run_elems());
  TRY(run_datas());
  const uint32_t start = artifact_.header().start_function;
  if (start == abi::kNone) return {};
  return Function(function(start)).call({}, {});
}

Result<void, Trap> Instance::run_elems() {
  const auto elems = artifact_.table<abi::ElemEntry>(artifact_.header().elems);
  for (uint32_t i = 0; i < elems.size(); ++i) {
    const abi::ElemEntry& elem = elems[i];
    if (elem.mode == static_cast<uint32_t>(wasm::Elem::Mode::active)) {
      const abi::Value offset = evaluate(*this, artifact_.expression(elem.offset));
      const uint64_t to = offset_of(offset, tables_[elem.table]->type().address);
      TRY(table_init(i, elem.table, to, 0, elem.is_expressions ? elem.items.size / 2 : elem.items.size));
    }
    if (elem.mode != static_cast<uint32_t>(wasm::Elem::Mode::passive)) drop_elem(i);
  }
  return {};
}

Result<void, Trap> Instance::run_datas() {
  const auto datas = artifact_.table<abi::DataEntry>(artifact_.header().datas);
  for (uint32_t i = 0; i < datas.size(); ++i) {
    const abi::DataEntry& data = datas[i];
    if (!data.active) continue;
    if (!data.in_image) {
      const abi::Value offset = evaluate(*this, artifact_.expression(data.offset));
      TRY(memory_init(i, data.memory, offset_of(offset, memories_[data.memory]->type().address), 0, data.size));
    }
    drop_data(i);
  }
  return {};
}

Result<void, Trap> Instance::memory_init(uint32_t segment, uint32_t memory, uint64_t to, uint64_t from,
                                         uint64_t size) {
  const abi::DataEntry& data = artifact_.table<abi::DataEntry>(artifact_.header().datas)[segment];
  const uint64_t available = dropped_datas_[segment] ? 0 : data.size;
  const auto target = TRY(memories_[memory]->slice(to, size));
  if (from > available || size > available - from) return Trap::memory_out_of_bounds;
  const auto source = artifact_.bytes(data.bytes_at, data.size);
  CHECK(source.size() == data.size, "the compiler wrote the segment into the file");
  if (size) memcpy(target.data(), source.data() + from, size);
  return {};
}

Result<void, Trap> Instance::table_init(uint32_t segment, uint32_t table, uint64_t to, uint64_t from,
                                        uint64_t count) {
  const abi::Header& header = artifact_.header();
  const abi::ElemEntry& elem = artifact_.table<abi::ElemEntry>(header.elems)[segment];
  const auto items = artifact_.table<uint32_t>(header.elem_items).subspan(elem.items.offset, elem.items.size);
  const uint64_t available = dropped_elems_[segment] ? 0 : elem.is_expressions ? items.size() / 2 : items.size();
  const auto target = TRY(tables_[table]->slice(to, count));
  if (from > available || count > available - from) return Trap::table_out_of_bounds;
  if (is_static(table)) return {};
  for (uint64_t i = 0; i < count; ++i) {
    if (elem.is_expressions) {
      const abi::Slice expression{items[2 * (from + i)], items[2 * (from + i) + 1]};
      target[i] = evaluate(*this, artifact_.expression(expression)).ref;
    } else {
      target[i] = const_cast<abi::FuncRef*>(function(items[from + i]));
    }
  }
  return {};
}

bool Instance::is_static(uint32_t table) const {
  const abi::Header& header = artifact_.header();
  return table >= header.imported_tables &&
         artifact_.table<abi::TableEntry>(header.tables)[table - header.imported_tables].is_static;
}

}  // namespace wherry::runtime
