// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nettle/sha2.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wherry {

using Digest = std::array<uint8_t, 32>;

// SHA-256 of bytes that come piece by piece.
class Sha256 {
 public:
  Sha256() { nettle_sha256_init(&state_); }
  void update(std::span<const uint8_t> bytes) { nettle_sha256_update(&state_, bytes.size(), bytes.data()); }
  void update(std::string_view text);
  // Of all that was added; starts again from nothing.
  Digest finish();

 private:
  sha256_ctx state_;
};

Digest sha256(std::span<const uint8_t> bytes);
Digest sha256(std::string_view text);

// 64 lower-case digits, and back.
std::string to_hex(const Digest& digest);
std::optional<Digest> digest_from_hex(std::string_view text);

}  // namespace wherry
