// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/linker.h"
#include "runtime/store.h"

namespace wherry::spec {

// Defines the suite's host module `spectest`: printing functions that print
// nothing, globals, a table and a memory.
Result<void> define_spectest(runtime::Store& store, runtime::Linker& linker, runtime::Memory::Checks checks);

}  // namespace wherry::spec
