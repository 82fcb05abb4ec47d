// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wherry::engine {

using Digest = std::array<uint8_t, 32>;  // SHA-256

Digest sha256(std::span<const uint8_t> bytes);
// Of a whole file, from its start, whatever the descriptor's position.
Result<Digest> sha256_file(int fd);

// 64 lower-case hex digits.
std::string to_hex(const Digest& digest);

}  // namespace wherry::engine
