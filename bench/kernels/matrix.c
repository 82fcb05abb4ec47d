// SPDX-License-Identifier: Apache-2.0
// Floating point and addressing: products of matrices.
#include "kernel.h"

enum { kSize = 240, kRounds = 20 };
static double a[kSize][kSize], b[kSize][kSize], c[kSize][kSize];

static void multiply(void) {
  for (int i = 0; i < kSize; i++) {
    for (int j = 0; j < kSize; j++) {
      double sum = 0;
      for (int k = 0; k < kSize; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
}

int main(void) {
  for (int i = 0; i < kSize; i++) {
    for (int j = 0; j < kSize; j++) a[i][j] = (i - j) / 64.0, b[i][j] = (i + j) / 128.0;
  }
  uint64_t sum = 0;
  for (int round = 0; round < kRounds; round++) {
    multiply();
    a[round][round] += c[round][round + 1] / 1024;
    sum = mix_double(sum, c[kSize - 1][round]);
  }
  return finish(sum);
}
