// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace wherry::wasi {

bool is_utf8(std::span<const uint8_t> bytes);

}  // namespace wherry::wasi
