// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "wasm/types.h"

// LLVM's text for functions under the contract. All of them use the context as
// plain memory: at 8 the function to call, at kParams and kResults 16 bytes for
// each parameter and result.
namespace wherry::test {

inline constexpr uint32_t kCalleeSlot = 8;
inline constexpr uint32_t kBaseSlot = 16;
inline constexpr uint32_t kParams = 256;
inline constexpr uint32_t kResults = 4096;

// What every function of the LLVM tier has.
inline constexpr const char* kAttributes =
    "attributes #0 = { nounwind \"frame-pointer\"=\"all\" \"probe-stack\"=\"inline-asm\" \"disable-tail-calls\"=\"true\" }\n";

// Stores its base and parameters, returns what it finds as results.
std::string callee(const std::string& name, const wasm::FuncType& type);
// () -> (): loads parameters, calls the function at kCalleeSlot, stores the results.
std::string caller(const std::string& name, const wasm::FuncType& type);
// Loads `type`'s parameters and calls the function at kCalleeSlot in its own place.
std::string tail_caller(const std::string& name, const wasm::FuncType& own, const wasm::FuncType& type);

}  // namespace wherry::test
