// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/spec.h"

namespace wherry::sandbox {

enum class ProgramKind : uint8_t { wasm_module, wasm_component, elf, script, empty, other };

// "a WebAssembly component", for messages.
std::string_view describe(ProgramKind kind);

inline bool is_native(ProgramKind kind) { return kind == ProgramKind::elf || kind == ProgramKind::script; }

// What a file's first bytes say it is.
Result<ProgramKind> classify(int fd);

// process.args[0], of which there must be one: "path#function", "" for _start.
struct ProgramName {
  std::string path;
  std::string function;
};
ProgramName split_program(const Process& process);

struct Entrypoint {
  UniqueFd file;         // opened for reading, a regular file
  std::string path;      // in the container, absolute
  std::string function;  // the export after '#' in process.args[0], "" for _start
  ProgramKind kind = ProgramKind::other;
  bool is_toolbox = false;  // Wherry's own, not the container's
};

// Finds process.args[0] as the container would see it: with a slash from
// process.cwd, without one along PATH of process.env and then in process.cwd.
// Symbolic links stay inside `rootfs`; a path below a bind mount of the spec is
// looked up in the mount's source, since the mounts are not made yet.
// not_found names each place that was tried.
Result<Entrypoint> open_entrypoint(const Spec& spec, const std::string& rootfs);

// Opens / as the process with that number, which `pidfd` refers to, sees it now.
Result<UniqueFd> open_container_root(int pid, int pidfd);

// Finds an exec's program, process.args[0], in a running container: the same places,
// but below `root` with the mounts as they are. Errors are in the words of runc,
// which users and tools look for; not_found only if there is no such file. What it
// finds is a module, a component, or native.
Result<Entrypoint> open_program(const Process& process, int root);

// The error for an entrypoint that is not a core module, nullopt-like ok for one:
// "/bin/sh: a native program (ELF) can not run here yet, ...".
Result<void> check_is_module(const Entrypoint& entrypoint);

// denied unless the settings allow native programs, which `entrypoint` is one of.
Result<void> check_native(const Entrypoint& entrypoint, bool is_allowed);

}  // namespace wherry::sandbox
