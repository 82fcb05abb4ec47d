// SPDX-License-Identifier: Apache-2.0
// Direct calls: recursion with little work in each call.
#include "kernel.h"

__attribute__((noinline)) static uint32_t fibonacci(uint32_t n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

__attribute__((noinline)) static uint32_t ackermann(uint32_t m, uint32_t n) {
  if (m == 0) return n + 1;
  return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

__attribute__((noinline)) static int32_t tak(int32_t x, int32_t y, int32_t z) {
  return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

int main(void) {
  uint64_t sum = mix(0, fibonacci(41));
  for (uint32_t n = 0; n < 12; n++) sum = mix(sum, ackermann(2, n * 60));
  for (int32_t n = 0; n < 300; n++) sum = mix(sum, (uint32_t)tak(18 + (n & 1), 12, 6));
  return finish(sum);
}
