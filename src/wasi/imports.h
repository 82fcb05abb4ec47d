// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/artifact.h"
#include "runtime/linker.h"
#include "wasi/call_trace.h"
#include "wasi/guest/import.h"

namespace wherry::wasi {

// Who a guest is decides what it may import.
enum class GuestKind : uint8_t { any, toolbox };

// What this host lacks of a module's imports.
struct MissingImport {
  std::string module;
  std::string name;
  std::string why;  // who would provide it, or which type it has here
};
std::vector<MissingImport> missing_imports(std::span<const runtime::ImportType> wanted, GuestKind kind = GuestKind::any);

// Defines what the module imports, and nothing else, as functions of `guest`;
// unlinkable with all that is missing. With a trace, that one sees every call; it
// lives as long as the guest.
Result<void> define_imports(const runtime::Artifact& artifact, GuestKind kind, Guest& guest, runtime::Linker& linker, CallTrace* trace = nullptr);

}  // namespace wherry::wasi
