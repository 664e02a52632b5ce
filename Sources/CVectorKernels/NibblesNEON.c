#include "Codes.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define TARGET
#define NAME(name) name##_nibbles_neon
#define HAS_NIBBLES 1
enum { ROW_BIAS = 1 };

#include "CodesQueryInPlace.h"

TARGET VK_INLINE int32x4_t add_products(int32x4_t sum, uint8x16_t levels, int8x16_t query) {
  int8x16_t row = vreinterpretq_s8_u8(levels);
  sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(row), vget_low_s8(query)));
  return vpadalq_s16(sum, vmull_s8(vget_high_s8(row), vget_high_s8(query)));
}

TARGET VK_INLINE int32x4_t add_row(int32x4_t sum, const uint8_t *row, int8x16_t first,
                                   int8x16_t second) {
  uint8x16_t both = vld1q_u8(row);
  sum = add_products(sum, vandq_u8(both, vdupq_n_u8(15)), first);
  return add_products(sum, vshrq_n_u8(both, 4), second);
}

TARGET VK_INLINE four_ints dots(const kept_query *query, const uint8_t *const rows[4],
                                uint32_t columns) {
  int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a;
  for (uint32_t i = 0; i < 64 * columns; i += 16) {
    const int8_t *code = query->code + 2 * (i & ~63u) + (i & 63);
    int8x16_t first = vld1q_s8(code), second = vld1q_s8(code + 64);
    a = add_row(a, rows[0] + i, first, second);
    b = add_row(b, rows[1] + i, first, second);
    c = add_row(c, rows[2] + i, first, second);
    d = add_row(d, rows[3] + i, first, second);
  }
  return (four_ints)vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
}

#include "CodesLoop.h"
#endif
