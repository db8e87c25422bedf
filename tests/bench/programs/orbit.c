/* Five bodies under gravity in double precision; compiled once for x87 and once for SSE2 (NAME). */
#include "bench.h"
#include <string.h>

enum { BODIES = 5 };

uint32_t NAME(uint32_t rounds) {
  double place[BODIES][3], speed[BODIES][3], mass[BODIES];
  for (int n = 0; n < BODIES; n++) {
    mass[n] = n == 0 ? 40 : 0.01 / n;
    for (int axis = 0; axis < 3; axis++) {
      place[n][axis] = n * (1.5 + axis) * (axis & n & 1 ? -1 : 1);
      speed[n][axis] = n == 0 ? 0 : (axis - 1) * 2.0 / n;
    }
  }
  while (rounds-- > 0) {
    for (int n = 0; n < BODIES; n++)
      for (int m = n + 1; m < BODIES; m++) {
        double d[3], square = 0;
        for (int axis = 0; axis < 3; axis++) {
          d[axis] = place[n][axis] - place[m][axis];
          square += d[axis] * d[axis];
        }
        const double pull = 0.001 / (square * __builtin_sqrt(square));
        for (int axis = 0; axis < 3; axis++) {
          speed[n][axis] -= d[axis] * mass[m] * pull;
          speed[m][axis] += d[axis] * mass[n] * pull;
        }
      }
    for (int n = 0; n < BODIES; n++)
      for (int axis = 0; axis < 3; axis++) place[n][axis] += 0.001 * speed[n][axis];
  }
  double energy = 0;
  for (int n = 0; n < BODIES; n++)
    for (int axis = 0; axis < 3; axis++) energy += mass[n] * speed[n][axis] * speed[n][axis];
  uint64_t bits;
  memcpy(&bits, &energy, sizeof bits);
  return (uint32_t)(bits ^ bits >> 32);
}
