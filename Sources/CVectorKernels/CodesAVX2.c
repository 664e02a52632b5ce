// The instruction that multiplies bytes directly saturates at 32767, which two products of 255 and 64 do
// not reach. For queries with greater components bytes are widened to 16 bits, in twice the instructions.
#if defined(__x86_64__)
#include "CodesAVX2.h"

#define NAME(name) name##_avx2

TARGET VK_INLINE __m256i add_narrow(__m256i sum, const uint8_t *row, __m256i query) {
  __m256i pairs = _mm256_maddubs_epi16(_mm256_loadu_si256((const __m256i *)row), query);
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

TARGET VK_INLINE __m256i add_wide(__m256i sum, const uint8_t *row, __m256i query) {
  __m256i wide = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)row));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(wide, query));
}

TARGET VK_INLINE four_ints dots(const kept_query *query, const uint8_t *const rows[4],
                              uint32_t columns) {
  __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
  if (query->is_narrow) {
    for (uint32_t i = 0; i < 64 * columns; i += 32) {
      __m256i q = _mm256_load_si256((const __m256i *)(query->code + i));
      a = add_narrow(a, rows[0] + i, q);
      b = add_narrow(b, rows[1] + i, q);
      c = add_narrow(c, rows[2] + i, q);
      d = add_narrow(d, rows[3] + i, q);
    }
    return sums_of(a, b, c, d);
  }
  for (uint32_t i = 0; i < 64 * columns; i += 16) {
    __m256i q = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(query->code + i)));
    a = add_wide(a, rows[0] + i, q);
    b = add_wide(b, rows[1] + i, q);
    c = add_wide(c, rows[2] + i, q);
    d = add_wide(d, rows[3] + i, q);
  }
  return sums_of(a, b, c, d);
}

#include "CodesLoop.h"

TARGET int32_t vk_signed_code_avx2(const uint8_t *code, int8_t *target, uint32_t stride) {
  // The sums of absolute differences from zero add up unsigned bytes; each has 128 too many.
  const __m256i top = _mm256_set1_epi8((char)0x80);
  __m256i sum = _mm256_setzero_si256();
  for (uint32_t i = 0; i < stride; i += 32) {
    __m256i part = _mm256_loadu_si256((const __m256i *)(code + i));
    sum = _mm256_add_epi64(sum, _mm256_sad_epu8(part, _mm256_setzero_si256()));
    _mm256_storeu_si256((__m256i *)(target + i), _mm256_xor_si256(part, top));
  }
  __m128i half = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  return (int32_t)(_mm_cvtsi128_si64(half) + _mm_extract_epi64(half, 1)) - 128 * (int32_t)stride;
}
#endif
