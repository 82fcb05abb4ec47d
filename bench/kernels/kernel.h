// SPDX-License-Identifier: Apache-2.0
// What every kernel shares. A kernel works for some 0.3 s as native code, then
// prints one checksum; the same source is compiled natively and to Wasm.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline uint32_t next_random(uint32_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

static inline uint64_t mix(uint64_t sum, uint64_t value) { return (sum ^ value) * 0x100000001b3ull; }

static inline uint64_t mix_double(uint64_t sum, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return mix(sum, bits);
}

static inline int finish(uint64_t sum) {
  printf("%016llx\n", (unsigned long long)sum);
  return 0;
}
