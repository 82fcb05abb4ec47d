// SPDX-License-Identifier: Apache-2.0
// Integers and byte stores: prime numbers by Eratosthenes.
#include "kernel.h"

enum { kLimit = 2000000, kRounds = 40 };
static uint8_t composite[kLimit + 1];

int main(void) {
  uint64_t sum = 0;
  for (int round = 0; round < kRounds; round++) {
    memset(composite, 0, sizeof composite);
    for (uint32_t i = 2; i * i <= kLimit; i++) {
      if (composite[i]) continue;
      for (uint32_t j = i * i; j <= kLimit; j += i) composite[j] = 1;
    }
    uint32_t count = 0;
    for (uint32_t i = 2; i <= kLimit; i++) count += !composite[i];
    sum = mix(sum, count + round);
  }
  return finish(sum);
}
