// SPDX-License-Identifier: Apache-2.0
#pragma once

// The two ids of a vector instruction, without and with AVX.
#define P(name) Inst::kIdP##name, Inst::kIdVp##name
#define F(sse, avx) Inst::kId##sse, Inst::kIdV##avx

namespace wherry::baseline::x64 {

// Of rows.
enum : unsigned char { kSwap = 1, kInvert = 2 };
// A predicate of cmpps and cmppd.
enum : int { kUnordered = 3 };

}  // namespace wherry::baseline::x64
