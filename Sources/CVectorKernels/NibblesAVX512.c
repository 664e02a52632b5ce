#include "Codes.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET VK_TARGET_AVX512
#define NAME(name) name##_nibbles_avx512
enum { ROW_BIAS = 1 };

/// Rows of up to 256 bytes keep their query, twice as long, in eight registers.
typedef struct kept_query {
  const int8_t *code;
  __m512i columns[8];
} kept_query;

TARGET VK_INLINE kept_query keep(const int8_t *code, uint32_t columns) {
  kept_query kept;
  kept.code = code;
  for (uint32_t i = 0; i < 8; i++) {
    kept.columns[i] = columns <= 4 && i < 2 * columns ? _mm512_load_si512(code + 64 * i)
                                                      : _mm512_setzero_si512();
  }
  return kept;
}

TARGET VK_INLINE __m512i add_row(__m512i sum, const uint8_t *row, __m512i first, __m512i second) {
  const __m512i low = _mm512_set1_epi8(15);
  __m512i both = _mm512_loadu_si512(row);
  sum = _mm512_dpbusd_epi32(sum, _mm512_and_si512(both, low), first);
  return _mm512_dpbusd_epi32(sum, _mm512_and_si512(_mm512_srli_epi16(both, 4), low), second);
}

TARGET VK_INLINE four_ints dots(const kept_query *query, const uint8_t *const rows[4],
                                uint32_t columns) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (uint32_t i = 0; i < columns; i++) {
    __m512i first = columns <= 4 ? query->columns[2 * i] : _mm512_load_si512(query->code + 128 * i);
    __m512i second =
        columns <= 4 ? query->columns[2 * i + 1] : _mm512_load_si512(query->code + 128 * i + 64);
    a = add_row(a, rows[0] + 64 * i, first, second);
    b = add_row(b, rows[1] + 64 * i, first, second);
    c = add_row(c, rows[2] + 64 * i, first, second);
    d = add_row(d, rows[3] + 64 * i, first, second);
  }
  __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  __m256i half =
      _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  return (four_ints)_mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

#include "CodesLoop.h"
#endif
