// What the scores of 8-bit and of 4-bit codes share under AVX2; each includes CodesLoop.h after it.
#include "Codes.h"
#include <immintrin.h>

#define TARGET VK_TARGET_AVX2
enum { ROW_BIAS = 1 };

#include "CodesQueryInPlace.h"

/// The sums of four rows' lanes.
TARGET VK_INLINE four_ints sums_of(__m256i a, __m256i b, __m256i c, __m256i d) {
  __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
  return (four_ints)_mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}
