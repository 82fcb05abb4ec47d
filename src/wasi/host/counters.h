// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace wherry::wasi {

enum class Denial : uint8_t {
#define DENIAL(name, word, text) name,
#include "wasi/host/denial.def"
#undef DENIAL
};

inline constexpr std::string_view kDenialWords[] = {
#define DENIAL(name, word, text) word,
#include "wasi/host/denial.def"
#undef DENIAL
};
inline constexpr size_t kDenialKinds = std::size(kDenialWords);

// How often a guest was denied what, by kind.
struct Counters {
  std::array<std::atomic<uint64_t>, kDenialKinds> denied{};
};

}  // namespace wherry::wasi
