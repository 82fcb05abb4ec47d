// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "abi/artifact.h"

// How the engine asks a compiler process for an artifact. The process gets no
// path and needs no right but these descriptors, and may lock itself down before
// it reads the first byte:
//
//   stdin          a CompileRequest
//   kModuleFd      the module, a regular file; read with pread into private
//                  memory, because others may be able to write to it
//   kArtifactFd    an empty regular file to write the artifact to
//   kReplyFd       a pipe: any number of CompileProgress if the request asks for
//                  them, then one CompileReply, written as the last thing
//
// The program's only argument is kCompilerMode. It ends when its parent does
// (PR_SET_PDEATHSIG). It computes the module's SHA-256 from the bytes that it
// compiled and writes it into the artifact's header, which the engine compares
// with the digest it asked for.
namespace wherry::abi {

inline constexpr const char* kCompilerMode = "--serve";
inline constexpr int kModuleFd = 3;
inline constexpr int kArtifactFd = 4;
inline constexpr int kReplyFd = 5;

using BuildId = std::array<char, 16>;  // hex digits

struct CompileRequest {
  static constexpr uint32_t kMagic = 0x31715257;  // "WRq1"

  uint32_t magic = kMagic;
  uint32_t flags = 0;          // HeaderFlags
  Key key{};                   // goes into the header
  uint64_t features = 0;       // bits of wasm/feature.def that the module may use
  uint64_t cpu_features = 0;   // bits of abi/cpu.h that the code may use
  uint64_t memory_limit = 0;   // bytes; the process has it as RLIMIT_AS too; 0: none
  uint64_t artifact_limit = 0; // bytes
  uint32_t threads = 1;
  uint32_t progress_ms = 0;    // how often it tells how far it is; 0: never
};

// How many bytes of function bodies are compiled. For show only: it is what a
// process says that has read a hostile module.
struct CompileProgress {
  static constexpr uint32_t kMagic = 0x31675257;  // "WRg1"

  uint32_t magic = kMagic;
  uint32_t reserved = 0;
  uint64_t done = 0;
  uint64_t total = 0;
};

struct CompileReply {
  static constexpr uint32_t kMagic = 0x31705257;  // "WRp1"

  uint32_t magic = kMagic;
  uint32_t failed = 0;   // 0: the artifact is complete; else 1 + ErrorKind
  BuildId build{};       // the compiler's: abi/build_id.h
  uint64_t offset = 0;   // Error::offset
  uint64_t functions = 0;
  uint64_t code_size = 0;
  uint64_t validate_ns = 0;  // processor time
  uint64_t compile_ns = 0;
  uint64_t peak_memory = 0;  // bytes resident
  char message[512] = {};    // Error::message, ends with 0
};
static_assert(sizeof(CompileReply) <= 4096, "one atomic write to a pipe");
static_assert(sizeof(CompileReply) > sizeof(CompileProgress));

}  // namespace wherry::abi
