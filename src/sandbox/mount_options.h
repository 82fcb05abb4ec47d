// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace wherry::sandbox {

// A mount's option list, sorted by what each option acts on.
struct MountOptions {
  bool bind = false;
  bool recursive_bind = false;
  bool map_ids = false;      // of a mount of what the host has
  bool map_all_ids = false;  // and of all below it
  uint64_t set = 0;    // MOUNT_ATTR_*, of this mount
  uint64_t clear = 0;
  uint64_t set_all = 0;  // of this mount and all below it (rro, rnosuid...)
  uint64_t clear_all = 0;
  std::vector<uint64_t> propagation = {};     // MS_SHARED..., | MS_REC, in order
  std::vector<std::string> file_system = {};  // "size=65536k", "sync": for the file system
};

Result<MountOptions> parse_mount_options(const std::vector<std::string>& options);

// The same attributes for mount(2).
unsigned long mount_flags(const MountOptions& options);

// MS_* of rootfsPropagation, 0 for "".
Result<uint64_t> parse_propagation(const std::string& name);

}  // namespace wherry::sandbox
