// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wherry::label {

// Labels to set, and with no value those to remove.
using Labels = std::map<std::string, std::optional<std::string>>;

// "KEY=VALUE" and "KEY-", as kubectl's label has them, by Kubernetes' rules for keys and values.
Result<Labels> parse_labels(std::span<const std::string> words);

// The same keys, all to be removed.
Labels without_values(const Labels& labels);

// A merge patch (RFC 7396) of an object that has labels.
std::string merge_patch(const Labels& labels);

// Whether an object of the API server can be called that (RFC 1123 subdomain).
bool is_object_name(std::string_view name);

}  // namespace wherry::label
