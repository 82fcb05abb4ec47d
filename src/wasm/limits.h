// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// What a module may ask for at most; checked before anything is allocated. Where
// the JavaScript API has a limit (appendix "Implementation Limitations") ours is the same.
namespace wherry::wasm {

inline constexpr uint64_t kMaxModuleSize = 1u << 30;
inline constexpr uint32_t kMaxTypes = 1'000'000;
inline constexpr uint32_t kMaxFunctions = 1'000'000;
inline constexpr uint32_t kMaxImports = 1'000'000;
inline constexpr uint32_t kMaxExports = 1'000'000;
inline constexpr uint32_t kMaxGlobals = 1'000'000;
inline constexpr uint32_t kMaxTags = 1'000'000;
inline constexpr uint32_t kMaxDataSegments = 100'000;
inline constexpr uint32_t kMaxElemSegments = 10'000'000;
inline constexpr uint32_t kMaxTables = 100'000;
inline constexpr uint32_t kMaxMemories = 100;
inline constexpr uint64_t kMaxTableSize = 10'000'000;  // elements that a table really gets
inline constexpr uint32_t kMaxParams = 1'000;
inline constexpr uint32_t kMaxResults = 1'000;
inline constexpr uint32_t kMaxLocals = 50'000;  // parameters included
inline constexpr uint32_t kMaxFunctionSize = 7'654'321;
inline constexpr uint32_t kMaxBrTable = 65'520;
inline constexpr uint32_t kMaxNesting = 100'000;       // blocks in blocks
inline constexpr uint32_t kMaxOperandDepth = 100'000;  // values on the operand stack
inline constexpr uint32_t kMaxNameLength = 100'000;

}  // namespace wherry::wasm
