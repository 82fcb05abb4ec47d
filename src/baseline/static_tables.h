// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "baseline/environment.h"

namespace wherry::baseline {

// By table: whether its whole life is known, and what it then holds. Bodies are
// not looked at: one that touches a table says so in CodeChunk::touched_tables,
// and everything is compiled again without this table being static.
std::vector<StaticTable> find_static_tables(const wasm::Module& module);

}  // namespace wherry::baseline
