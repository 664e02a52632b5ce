#if defined(__x86_64__)
#include "CodesAVX512.h"

#define NAME(name) name##_avx512

TARGET VK_INLINE kept_query keep(const vk_code_query *query, uint32_t columns) {
  return keep_parts(query->code, columns);
}

TARGET VK_INLINE four_ints dots(const kept_query *query, const uint8_t *const rows[4],
                              uint32_t columns) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (uint32_t i = 0; i < columns; i++) {
    __m512i q = part_of(query, columns, i);
    a = _mm512_dpbusd_epi32(a, _mm512_loadu_si512(rows[0] + 64 * i), q);
    b = _mm512_dpbusd_epi32(b, _mm512_loadu_si512(rows[1] + 64 * i), q);
    c = _mm512_dpbusd_epi32(c, _mm512_loadu_si512(rows[2] + 64 * i), q);
    d = _mm512_dpbusd_epi32(d, _mm512_loadu_si512(rows[3] + 64 * i), q);
  }
  return sums_of(a, b, c, d);
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
