// What the scores of 8-bit and of 4-bit codes share under AVX-512; each includes CodesLoop.h after it.
#include "Codes.h"
#include <immintrin.h>

#define TARGET VK_TARGET_AVX512
enum { ROW_BIAS = 1 };

/// A query of up to 512 bytes stays in eight registers, a longer one is read where it lies.
typedef struct kept_query {
  const int8_t *code;
  __m512i parts[8];
} kept_query;

/// Keeps a query of 64 bytes times `parts`.
TARGET VK_INLINE kept_query keep_parts(const int8_t *code, uint32_t parts) {
  kept_query kept;
  kept.code = code;
  for (uint32_t i = 0; i < 8; i++) {
    kept.parts[i] =
        parts <= 8 && i < parts ? _mm512_load_si512(code + 64 * i) : _mm512_setzero_si512();
  }
  return kept;
}

/// Bytes 64 * i to 64 * i + 63 of a query of `parts`.
TARGET VK_INLINE __m512i part_of(const kept_query *query, uint32_t parts, uint32_t i) {
  return parts <= 8 ? query->parts[i] : _mm512_load_si512(query->code + 64 * i);
}

/// The sums of four rows' lanes.
TARGET VK_INLINE four_ints sums_of(__m512i a, __m512i b, __m512i c, __m512i d) {
  // Transposed on the way: pairs of two rows, then all four rows in each 128 bits.
  __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  __m256i half =
      _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  return (four_ints)_mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}
