#include "Codes.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define TARGET __attribute__((target("dotprod")))
#define NAME(name) name##_dotprod
enum { ROW_BIAS = 0 };

TARGET VK_INLINE int32x4_t add(int32x4_t sum, uint8x16_t row, int8x16_t query) {
  int8x16_t signed_row = vreinterpretq_s8_u8(veorq_u8(row, vdupq_n_u8(0x80)));
  return vdotq_s32(sum, signed_row, query);
}

#include "CodesNEONBody.h"
#endif
