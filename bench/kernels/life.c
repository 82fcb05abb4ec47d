// SPDX-License-Identifier: Apache-2.0
// Memory: a cellular automaton, bulk copies, narrow loads.
#include "kernel.h"

enum { kSide = 512, kRounds = 220 };
static uint8_t world[kSide + 2][kSide + 2], next_world[kSide + 2][kSide + 2];

static void step(int x_and_y[2]) {
  for (int y = 1; y <= kSide; y++) {
    for (int x = 1; x <= kSide; x++) {
      int count = 0;
      for (int dy = -1; dy <= 1; dy++) {
        const uint8_t* row = &world[y + dy][x - 1];
        count += row[0] + row[1] + row[2];
      }
      count -= world[y][x];
      next_world[y][x] = count == 3 || (count == 2 && world[y][x]);
    }
  }
  memcpy(world, next_world, sizeof world);
  world[x_and_y[0]][x_and_y[1]] = 1;
}

int main(void) {
  uint32_t seed = 23;
  for (int y = 1; y <= kSide; y++) {
    for (int x = 1; x <= kSide; x++) world[y][x] = next_random(&seed) >> 31;
  }
  uint64_t sum = 0;
  for (int round = 0; round < kRounds; round++) {
    int spark[2] = {1 + (int)(next_random(&seed) % kSide), 1 + (int)(next_random(&seed) % kSide)};
    step(spark);
    for (int i = 1; i <= kSide; i++) sum = mix(sum, world[i][i]);
  }
  return finish(sum);
}
