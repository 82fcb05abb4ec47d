// SPDX-License-Identifier: Apache-2.0
// Integers: permutations in small arrays, branches.
#include "kernel.h"

enum { kSize = 10, kRounds = 2 };

static int flips_of(const int* permutation) {
  int p[kSize];
  memcpy(p, permutation, sizeof p);
  int flips = 0;
  for (int first; (first = p[0]) != 0; flips++) {
    for (int i = 0, j = first; i < j; i++, j--) {
      const int swap = p[i];
      p[i] = p[j], p[j] = swap;
    }
  }
  return flips;
}

static uint64_t fannkuch(void) {
  int permutation[kSize], count[kSize];
  for (int i = 0; i < kSize; i++) permutation[i] = i, count[i] = 0;
  uint64_t sum = 0;
  int maximum = 0, sign = 1;
  for (;;) {
    const int flips = flips_of(permutation);
    if (flips > maximum) maximum = flips;
    sum += sign * flips;
    sign = -sign;
    int i = 1;
    for (;; i++) {
      if (i == kSize) return mix(sum, maximum);
      const int first = permutation[0];
      memmove(permutation, permutation + 1, i * sizeof(int));
      permutation[i] = first;
      if (++count[i] <= i) break;
      count[i] = 0;
    }
  }
}

int main(void) {
  uint64_t sum = 0;
  for (int round = 0; round < kRounds; round++) sum = mix(sum, fannkuch());
  return finish(sum);
}
