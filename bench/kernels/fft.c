// SPDX-License-Identifier: Apache-2.0
// Floating point and strided memory: fast Fourier transforms.
#include <math.h>

#include "kernel.h"

enum { kBits = 14, kCount = 1 << kBits, kRounds = 700 };
static double re[kCount], im[kCount], cosine[kCount / 2], sine[kCount / 2];

static void transform(void) {
  for (uint32_t i = 0, j = 0; i < kCount; i++) {
    if (i < j) {
      double swap = re[i];
      re[i] = re[j], re[j] = swap;
      swap = im[i];
      im[i] = im[j], im[j] = swap;
    }
    uint32_t bit = kCount >> 1;
    for (; bit && j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
  }
  for (uint32_t half = 1, step = kCount / 2; half < kCount; half *= 2, step /= 2) {
    for (uint32_t start = 0; start < kCount; start += 2 * half) {
      for (uint32_t k = 0; k < half; k++) {
        const uint32_t a = start + k, b = a + half;
        const double c = cosine[k * step], s = sine[k * step];
        const double x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
        re[b] = re[a] - x, im[b] = im[a] - y;
        re[a] += x, im[a] += y;
      }
    }
  }
}

// exp(i * angle) by repeated doubling, so that no C library's sine decides the checksum.
static void fill_roots(void) {
  const double kPi = 3.14159265358979323846;
  for (int k = 0; k < kCount / 2; k++) {
    const double x = -2 * kPi * k / kCount / 1024;
    double c = 1 - x * x / 2 + x * x * x * x / 24, s = x - x * x * x / 6;
    for (int i = 0; i < 10; i++) {
      const double next = c * c - s * s;
      s = 2 * c * s, c = next;
    }
    cosine[k] = c, sine[k] = s;
  }
}

int main(void) {
  fill_roots();
  for (int i = 0; i < kCount; i++) re[i] = (i * 37 % 101) / 8.0, im[i] = 0;
  uint64_t sum = 0;
  for (int round = 0; round < kRounds; round++) {
    transform();
    for (int i = 0; i < kCount; i++) re[i] /= 128, im[i] /= 128;
    sum = mix_double(sum, re[round * 7]);
  }
  return finish(sum);
}
