// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace wherry::baseline::x64 {

// Code that jumps to the imported function whose FuncRef lies at `offset` in the
// context, for places that need an address of this artifact's code.
void append_import_stub(std::vector<uint8_t>& code, uint32_t offset);

}  // namespace wherry::baseline::x64
