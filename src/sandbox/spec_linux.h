// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "sandbox/json_node.h"
#include "sandbox/spec.h"

namespace wherry::sandbox {

// The `linux` object of a specification and its parts.
Result<void> read_linux(const JsonNode& in, Linux& out);
Result<void> read_resources(const JsonNode& in, Resources& out);
Result<void> read_id_mappings(const JsonNode& in, std::string_view key, std::vector<IdMapping>& out);

}  // namespace wherry::sandbox
