// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// What compiled code may rely on about the address space of a memory.
namespace wherry::abi {

// A 32-bit memory of an artifact without kExplicitBoundsChecks is reserved in
// full, with a guard behind it: an access at base + zext(index) + offset of
// `width` bytes needs no check if offset + width <= kMemoryGuard. A larger
// static offset needs one.
inline constexpr uint64_t kMemoryReservation = uint64_t{1} << 32;
inline constexpr uint64_t kMemoryGuard = uint64_t{32} << 20;

// Below a guest's stack. A frame larger than this must touch each page of
// kStackProbe bytes in order before it is used.
inline constexpr uint64_t kStackGuard = uint64_t{64} << 10;
inline constexpr uint64_t kStackProbe = 4096;

}  // namespace wherry::abi
