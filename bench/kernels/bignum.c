// SPDX-License-Identifier: Apache-2.0
// 64-bit integers: the digits of pi by a spigot over big numbers, divisions.
#include "kernel.h"

enum { kDigits = 6000, kLength = kDigits * 10 / 3 + 1, kMul = 96, kMulRounds = 30000 };
static uint32_t remainders[kLength];

static uint64_t spigot(void) {
  uint64_t sum = 0;
  for (int i = 0; i < kLength; i++) remainders[i] = 2;
  for (int digit = 0; digit < kDigits / 4; digit++) {
    uint64_t carry = 0;
    for (int i = kLength - 1; i > 0; i--) {
      const uint64_t x = remainders[i] * 10000ull + carry * (uint32_t)(i + 1);
      remainders[i] = (uint32_t)(x % (uint32_t)(2 * i + 1));
      carry = x / (uint32_t)(2 * i + 1);
    }
    sum = mix(sum, carry / 10000);
  }
  return sum;
}

static uint64_t multiply(void) {
  static uint32_t a[kMul], b[kMul], product[2 * kMul];
  uint32_t seed = 29;
  for (int i = 0; i < kMul; i++) a[i] = next_random(&seed), b[i] = next_random(&seed);
  for (int round = 0; round < kMulRounds; round++) {
    memset(product, 0, sizeof product);
    for (int i = 0; i < kMul; i++) {
      uint64_t carry = 0;
      for (int j = 0; j < kMul; j++) {
        const uint64_t x = (uint64_t)a[i] * b[j] + product[i + j] + carry;
        product[i + j] = (uint32_t)x;
        carry = x >> 32;
      }
      product[i + kMul] = (uint32_t)carry;
    }
    a[round % kMul] ^= product[round % (2 * kMul)];
  }
  return mix(product[kMul], product[3]);
}

int main(void) { return finish(mix(spigot(), multiply())); }
