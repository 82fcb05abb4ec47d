// SPDX-License-Identifier: Apache-2.0
// Digests as documents and names write them: "sha256:" and 64 lower-case digits
// (image-spec: descriptor.md#digests). No other algorithm is known here.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/sha256.h"

namespace wherry::oci {

std::string to_string(const Digest& digest);
Result<Digest> parse_digest(std::string_view text);
bool is_digest(std::string_view text);

// The whole of a file, wherever it is read at; its position stays. `what` is what
// errors name it.
Result<std::string> digest_of_file(int fd, const std::string& what);

// Where an image layout keeps that blob (image-spec: image-layout.md#blobs).
inline constexpr std::string_view kBlobs = "blobs/sha256/";
std::string blob_path(std::string_view digest);

}  // namespace wherry::oci
