#include "Codes.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define TARGET
#define NAME(name) name##_plain
enum { ROW_BIAS = 1 };

TARGET VK_INLINE int32x4_t add(int32x4_t sum, uint8x16_t row, int8x16_t query) {
  int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(row)));
  int16x8_t high = vreinterpretq_s16_u16(vmovl_high_u8(row));
  int16x8_t q_low = vmovl_s8(vget_low_s8(query)), q_high = vmovl_high_s8(query);
  sum = vmlal_high_s16(vmlal_s16(sum, vget_low_s16(low), vget_low_s16(q_low)), low, q_low);
  return vmlal_high_s16(vmlal_s16(sum, vget_low_s16(high), vget_low_s16(q_high)), high, q_high);
}

#include "CodesNEONBody.h"
#endif
