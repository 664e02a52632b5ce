#if defined(__x86_64__)
#include "CodesAVX512.h"

#define NAME(name) name##_nibbles_avx512
#define HAS_NIBBLES 1

TARGET VK_INLINE kept_query keep(const vk_code_query *query, uint32_t columns) {
  // The query is twice as long as a row.
  return keep_parts(query->code, 2 * columns);
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
    __m512i first = part_of(query, 2 * columns, 2 * i);
    __m512i second = part_of(query, 2 * columns, 2 * i + 1);
    a = add_row(a, rows[0] + 64 * i, first, second);
    b = add_row(b, rows[1] + 64 * i, first, second);
    c = add_row(c, rows[2] + 64 * i, first, second);
    d = add_row(d, rows[3] + 64 * i, first, second);
  }
  return sums_of(a, b, c, d);
}

#include "CodesLoop.h"
#endif
