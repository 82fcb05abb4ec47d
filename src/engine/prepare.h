// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "base/sha256.h"
#include "engine/cache.h"
#include "engine/compiler_process.h"

namespace wherry::engine {

// A module's artifact, ready for runtime::Artifact::map.
struct Prepared {
  UniqueFd artifact;
  bool cached = false;          // nothing was compiled
  std::string key;              // the entry's name; hex
  Digest module{};              // SHA-256 of the binary
  uint64_t module_size = 0;
  uint64_t artifact_size = 0;
  uint64_t compile_ns = 0;      // wall time of the compiler, 0 if cached
  std::string warning;          // the cache could not be used, and why; else empty
};

// The artifact of the module with that digest, if the cache has one that may be used;
// nothing of the module is read.
std::optional<Prepared> find_prepared(const Cache& cache, const Digest& module, const CompileOptions& options);

// Finds the module's artifact in the cache, or has a wherryc process compile it
// and stores it. Starts that happen at the same time compile once. If the cache
// can not be used, the result is an unlinked file and `warning` says why.
//
// Reads the file through `module_fd` with pread; the descriptor stays the
// caller's. Errors are one line and begin with `module_name`: "app.wasm: not a
// WebAssembly module", "app.wasm:0x1f2: malformed limits flags 0x08", "app.wasm:
// the compiler was killed by signal 9".
//
// `tell`, if any, hears how far the compiler is, on this thread.
Result<Prepared> prepare(Cache& cache, int module_fd, std::string_view module_name, const CompileOptions& options,
                         const TellProgress& tell = {});

}  // namespace wherry::engine
