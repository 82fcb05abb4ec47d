// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"

namespace wherry::shim {

constexpr std::string_view kSocketRoot = "/run/containerd/s";

// Where the shim of a group listens, as containerd computes it: a hash of
// containerd's own address, the namespace and the group.
std::string socket_path(std::string_view root, std::string_view containerd_address, std::string_view ns, std::string_view group);

// The path in "unix:///path", or the text itself if it is a path already.
std::string_view path_of_address(std::string_view address);

// The group of the container in a bundle: pods by their annotation, everything
// else alone. A missing or odd config.json means alone.
std::string group_of_bundle(const std::string& bundle, std::string_view id);

struct Bound {
  UniqueFd listener;  // none: a live shim of the group is there already
};

// Binds and listens, replacing a socket that nobody listens on any more. Several
// processes may do this at once; one wins and the others find it alive.
Result<Bound> bind_or_find(const std::string& path);

// Whether a live shim listens there. It may end right after, as one that bind_or_find finds.
bool is_served(const std::string& path);

// Removes the socket unless somebody listens on it.
void remove_stale_socket(const std::string& path);

}  // namespace wherry::shim
