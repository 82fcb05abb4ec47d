// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "decode/reader.h"

// One function for each section's content; all of them append to the module.
namespace wherry::decode {

Result<void> type_section(Reader& in, wasm::Module& module);
Result<void> import_section(Reader& in, wasm::Module& module);
Result<void> function_section(Reader& in, wasm::Module& module);
Result<void> table_section(Reader& in, wasm::Module& module);
Result<void> memory_section(Reader& in, wasm::Module& module);
Result<void> tag_section(Reader& in, wasm::Module& module);
Result<void> global_section(Reader& in, wasm::Module& module);
Result<void> export_section(Reader& in, wasm::Module& module);
Result<void> start_section(Reader& in, wasm::Module& module);
Result<void> elem_section(Reader& in, wasm::Module& module);
Result<void> data_count_section(Reader& in, wasm::Module& module);
Result<void> code_section(Reader& in, wasm::Module& module);
Result<void> data_section(Reader& in, wasm::Module& module);

}  // namespace wherry::decode
