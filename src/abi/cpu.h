// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace wherry::abi {

enum class Cpu : uint8_t {
#define CPU(name, text) name,
#include "abi/cpu.def"
#undef CPU
};

constexpr uint64_t bit(Cpu feature) { return uint64_t{1} << static_cast<unsigned>(feature); }

// The bits of this processor; the floor is not checked here.
uint64_t host_cpu_features();
// Whether this processor can run compiled code at all (SSE4.1).
bool host_cpu_has_floor();
// "avx2 bmi2", for messages.
std::string cpu_feature_names(uint64_t bits);

}  // namespace wherry::abi
