#include "Codes.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define TARGET __attribute__((target("i8mm,dotprod")))
#define NAME(name) name##_i8mm
enum { ROW_BIAS = 1 };

TARGET VK_INLINE int32x4_t add(int32x4_t sum, uint8x16_t row, int8x16_t query) {
  return vusdotq_s32(sum, row, query);
}

#include "CodesNEONBody.h"
#endif
