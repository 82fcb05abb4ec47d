// SPDX-License-Identifier: Apache-2.0
// 128-bit vectors: a filter over floats, integer sums and a byte search.
#include "kernel.h"

typedef float F32x4 __attribute__((vector_size(16)));
typedef int32_t I32x4 __attribute__((vector_size(16)));
typedef uint8_t U8x16 __attribute__((vector_size(16)));

enum { kCount = 1 << 16, kRounds = 6000 };
static F32x4 samples[kCount / 4 + 4], filtered[kCount / 4];
static I32x4 integers[kCount / 4];
static U8x16 bytes[kCount / 16];

static void filter(void) {
  static const float kTaps[4] = {0.25f, 0.5f, 0.125f, -0.25f};
  for (int i = 0; i < kCount / 4; i++) {
    F32x4 sum = {0, 0, 0, 0};
    for (int t = 0; t < 4; t++) sum += samples[i + t] * (F32x4){kTaps[t], kTaps[t], kTaps[t], kTaps[t]};
    filtered[i] = sum;
  }
}

static I32x4 accumulate(I32x4 sum) {
  for (int i = 0; i < kCount / 4; i++) {
    const I32x4 value = integers[i] ^ (sum >> 3);
    sum += (value ^ (value > sum)) - (sum >> 1);
  }
  return sum;
}

static int count_equal(uint8_t wanted) {
  U8x16 total = {0};
  const U8x16 all = (U8x16){0} + wanted;
  int count = 0;
  for (int i = 0; i < kCount / 16; i++) {
    total -= (U8x16)(bytes[i] == all);
    if ((i & 127) != 127) continue;
    for (int lane = 0; lane < 16; lane++) count += total[lane];
    total = (U8x16){0};
  }
  return count;
}

int main(void) {
  uint32_t seed = 5;
  for (int i = 0; i < kCount; i++) {
    ((float*)samples)[i] = (float)(next_random(&seed) % 1000) / 8;
    ((int32_t*)integers)[i] = (int32_t)next_random(&seed);
    ((uint8_t*)bytes)[i] = (uint8_t)(next_random(&seed) >> 3);
  }
  uint64_t sum = 0;
  I32x4 total = {1, 2, 3, 4};
  for (int round = 0; round < kRounds; round++) {
    filter();
    total = accumulate(total);
    samples[round & 1023] = filtered[round & 4095];
    sum = mix(sum, (uint32_t)(count_equal((uint8_t)round) + total[round & 3]));
  }
  return finish(mix_double(sum, filtered[17][2]));
}
