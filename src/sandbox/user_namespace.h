// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/spec.h"

namespace wherry::sandbox {

// Which users and groups of the host a user namespace's are.
struct IdMaps {
  std::vector<IdMapping> uids;
  std::vector<IdMapping> gids;

  bool empty() const { return uids.empty() && gids.empty(); }
  bool operator==(const IdMaps&) const = default;
};

// Refuses what the kernel would, in words: none, too many, empty or overlapping
// ranges, ids past 2^32 - 2.
Result<void> check_id_maps(const IdMaps& maps);

// "0:65536:65536,...": container's, host's, size; as containerd writes them.
Result<std::vector<IdMapping>> parse_id_mappings(std::string_view text);

// The host's id of a container's; nullopt if it is not mapped.
std::optional<uint32_t> host_id(const std::vector<IdMapping>& mappings, uint32_t id);

// A new user namespace that is a child of this process's and nobody is in: its maps
// are complete before anybody can be. Needs privileges over the mapped ids. Safe
// with other threads. May not be called where a procfs at /proc is missing.
Result<UniqueFd> make_user_namespace(const IdMaps& maps);

// The maps of the user namespace that this process is in.
Result<IdMaps> own_id_maps();

}  // namespace wherry::sandbox
