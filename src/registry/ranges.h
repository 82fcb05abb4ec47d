// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace wherry::registry {

struct ContentRange {
  uint64_t first = 0, last = 0;
  std::optional<uint64_t> total;
};

// "bytes 5-9/10" of a 206 answer (RFC 9110, 14.4), "*" for an unknown total; nullopt for anything else.
std::optional<ContentRange> parse_content_range(std::string_view text);

// How many bytes a registry has of an upload, by the Range of its answer: "0-1023" or "bytes=0-1023". "0-0" is nothing:
// registries say it of an empty upload.
std::optional<uint64_t> parse_upload_range(std::string_view text);

// Digits only, and no overflow.
std::optional<uint64_t> parse_number(std::string_view text);

}  // namespace wherry::registry
