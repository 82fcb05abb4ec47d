// SPDX-License-Identifier: Apache-2.0
// Floating point in registers, an unpredictable exit from the inner loop.
#include "kernel.h"

enum { kWidth = 1000, kHeight = 1000, kIterations = 400 };

int main(void) {
  uint64_t sum = 0;
  for (int row = 0; row < kHeight; row++) {
    for (int column = 0; column < kWidth; column++) {
      const double cx = column * 3.0 / kWidth - 2.2, cy = row * 2.4 / kHeight - 1.2;
      double x = 0, y = 0;
      int n = 0;
      for (; n < kIterations; n++) {
        const double xx = x * x, yy = y * y;
        if (xx + yy > 4) break;
        y = 2 * x * y + cy;
        x = xx - yy + cx;
      }
      sum = mix(sum, n);
    }
  }
  return finish(sum);
}
