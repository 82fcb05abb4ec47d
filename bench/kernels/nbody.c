// SPDX-License-Identifier: Apache-2.0
// Floating point: five bodies, square roots and divisions.
#include <math.h>

#include "kernel.h"

enum { kBodies = 5, kSteps = 3000000 };
typedef struct {
  double x, y, z, vx, vy, vz, mass;
} Body;

static Body bodies[kBodies] = {
    {0, 0, 0, 0, 0, 0, 39.47841760435743},
    {4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 0.606326392995832, 2.81198684491626, -0.02521836165988763, 0.037693674870389493},
    {8.34336671824457987, 4.12479856412430479, -0.403523417114321381, -1.01077434617879, 1.82566237123041, 0.008415761376584154, 0.011286326131968767},
    {12.8943695621391310, -15.1111514016986312, -0.223307578892655734, 1.08279100644153, 0.868713018169608, -0.010832637401363636, 0.0017237240570597112},
    {15.3796971148509165, -25.9193146099879641, 0.179258772950371181, 0.979090732243898, 0.594698998647676, -0.034755955876765, 0.0020336868699246304}};

static void advance(double dt) {
  for (int i = 0; i < kBodies; i++) {
    Body* p = &bodies[i];
    for (int j = i + 1; j < kBodies; j++) {
      Body* q = &bodies[j];
      const double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
      const double square = dx * dx + dy * dy + dz * dz;
      const double magnitude = dt / (square * sqrt(square));
      p->vx -= dx * q->mass * magnitude, p->vy -= dy * q->mass * magnitude, p->vz -= dz * q->mass * magnitude;
      q->vx += dx * p->mass * magnitude, q->vy += dy * p->mass * magnitude, q->vz += dz * p->mass * magnitude;
    }
  }
  for (int i = 0; i < kBodies; i++) {
    Body* p = &bodies[i];
    p->x += dt * p->vx, p->y += dt * p->vy, p->z += dt * p->vz;
  }
}

int main(void) {
  for (int i = 0; i < kSteps; i++) advance(0.01);
  uint64_t sum = 0;
  for (int i = 0; i < kBodies; i++) sum = mix_double(sum, bodies[i].x);
  return finish(sum);
}
