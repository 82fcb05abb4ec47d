// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "decode/reader.h"

namespace wherry::decode {

Result<wasm::FuncType> func_type(Reader& in);
Result<wasm::MemoryType> memory_type(Reader& in);
Result<wasm::TableType> table_type(Reader& in);
Result<wasm::GlobalType> global_type(Reader& in);
// A tag's type: an attribute and a function type's index.
Result<wasm::TypeIndex> tag_type(Reader& in);
Result<wasm::TypeIndex> type_index(Reader& in);

}  // namespace wherry::decode
