// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "abi/artifact.h"
#include "base/result.h"

namespace wherry::runtime {

// Whether a mapped file is an artifact that is fit for use: magic, sizes, key,
// the checksum of header and tables, and every range inside the file.
Result<void> check_artifact(std::span<const uint8_t> file, const abi::Key* key);

// The header's checksum over [kHeaderOffset, checked_end).
uint64_t artifact_checksum(std::span<const uint8_t> file);

}  // namespace wherry::runtime
