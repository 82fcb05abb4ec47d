// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "abi/artifact_writer.h"
#include "abi/output.h"
#include "base/result.h"

namespace wherry::abi {

// What stands before kHeaderOffset: the ELF header and the program headers.
struct ElfHead {
  std::vector<uint8_t> bytes;
};

// Appends symbols and section headers, so that readelf, objdump and perf understand
// the file. The runtime reads none of it.
Result<ElfHead> write_elf_tail(Output& out, const Header& header, uint32_t imported_functions,
                               const CompiledCode& code, std::span<const std::string_view> names);

}  // namespace wherry::abi
