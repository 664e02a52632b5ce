#include "Codes.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET VK_TARGET_AVX512
#define NAME(name) name##_avx512
enum { ROW_BIAS = 1 };

/// Codes of up to 512 bytes keep their query in eight registers.
typedef struct kept_query {
  const int8_t *code;
  __m512i columns[8];
} kept_query;

TARGET VK_INLINE kept_query keep(const int8_t *code, uint32_t columns) {
  kept_query kept;
  kept.code = code;
  for (uint32_t i = 0; i < 8; i++) {
    kept.columns[i] =
        columns <= 8 && i < columns ? _mm512_load_si512(code + 64 * i) : _mm512_setzero_si512();
  }
  return kept;
}

TARGET VK_INLINE four_ints dots(const kept_query *query, const uint8_t *const rows[4],
                              uint32_t columns) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (uint32_t i = 0; i < columns; i++) {
    __m512i q = columns <= 8 ? query->columns[i] : _mm512_load_si512(query->code + 64 * i);
    a = _mm512_dpbusd_epi32(a, _mm512_loadu_si512(rows[0] + 64 * i), q);
    b = _mm512_dpbusd_epi32(b, _mm512_loadu_si512(rows[1] + 64 * i), q);
    c = _mm512_dpbusd_epi32(c, _mm512_loadu_si512(rows[2] + 64 * i), q);
    d = _mm512_dpbusd_epi32(d, _mm512_loadu_si512(rows[3] + 64 * i), q);
  }
  // Transposed on the way: pairs of two rows, then all four rows in each 128 bits.
  __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  __m256i half =
      _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  return (four_ints)_mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

#include "CodesLoop.h"

TARGET int32_t vk_signed_code_avx512(const uint8_t *code, int8_t *target, uint32_t stride) {
  const __m512i top = _mm512_set1_epi8((char)0x80), ones = _mm512_set1_epi8(1);
  __m512i sum = _mm512_setzero_si512();
  for (uint32_t i = 0; i < stride; i += 64) {
    __m512i part = _mm512_xor_si512(_mm512_loadu_si512(code + i), top);
    sum = _mm512_dpbusd_epi32(sum, ones, part);
    _mm512_storeu_si512(target + i, part);
  }
  return _mm512_reduce_add_epi32(sum);
}
#endif
