// The dot products of NEON, included once by each variant after it has defined TARGET, NAME(x),
// add(sum, row, query), which adds sixteen products of bytes, and ROW_BIAS as for CodesLoop.h.
#include <arm_neon.h>

#include "CodesQueryInPlace.h"

TARGET VK_INLINE four_ints dots(const kept_query *query, const uint8_t *const rows[4],
                                uint32_t columns) {
  int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a;
  for (uint32_t i = 0; i < 64 * columns; i += 16) {
    int8x16_t q = vld1q_s8(query->code + i);
    a = add(a, vld1q_u8(rows[0] + i), q);
    b = add(b, vld1q_u8(rows[1] + i), q);
    c = add(c, vld1q_u8(rows[2] + i), q);
    d = add(d, vld1q_u8(rows[3] + i), q);
  }
  return (four_ints)vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
}

#include "CodesLoop.h"
