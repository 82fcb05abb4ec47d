// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "wasi/host/errno.h"
#include "wasi/host/wait.h"

namespace wherry::wasi {

// Fills `bytes` from the kernel's generator.
Io<void> fill_random(std::span<uint8_t> bytes, const Wake& wake);

}  // namespace wherry::wasi
