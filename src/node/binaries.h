// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::node {

// The files of an installation and whether one can do without.
struct Binary {
  const char* name;
  bool required;
  mode_t mode;
  const char* elsewhere = nullptr;  // where `make install` puts it, seen from the others
};
inline constexpr Binary kBinaries[] = {
    {"wherry", true, 0755},      {"containerd-shim-wherry-v1", true, 0755}, {"wherryc", true, 0755},        {"wherry-oci", false, 0755},
    {"wherryc-opt", false, 0755}, {"wherry-registry", false, 0755},          {"toolbox.wasm", false, 0644, "../libexec/wherry/toolbox.wasm"},
};
inline constexpr char kShimName[] = "containerd-shim-wherry-v1";

// Where new ones are before they have run a container.
inline std::string staging_directory(const std::string& directory) { return directory + ".new"; }

// A directory opened before enter_host, so that it is still there afterwards.
Result<UniqueFd> open_source(const std::string& directory);

// Copies what `source` has into `directory`, each by rename: a shim that runs keeps the file that it runs from, and
// whoever starts one meanwhile gets the old or the new one. Every shim of a node is started by root from there, so
// the directory and those above must belong to root and be writable by nobody else.
Result<void> install_binaries(const UniqueFd& source, const std::string& directory);
// The names of those that `source` has; fails if a required one is missing.
Result<std::vector<std::string>> available_binaries(const UniqueFd& source);
bool same_directory(const UniqueFd& source, const std::string& directory);
// What of `source` differs in `directory`, or is missing there.
Result<std::vector<std::string>> outdated_binaries(const UniqueFd& source, const std::string& directory);
Result<void> remove_binaries(const std::vector<std::string>& names, const std::string& directory);

Result<void> check_trusted_directory(const std::string& path);

// Processes that run from the shim in `directory`, or one that it replaced.
std::vector<pid_t> running_shims(const std::string& directory);

}  // namespace wherry::node
