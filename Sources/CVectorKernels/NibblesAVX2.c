// Products of 0 to 15 with -127 to 127: two of them fit 16 bits, so bytes are multiplied directly.
#if defined(__x86_64__)
#include "CodesAVX2.h"

#define NAME(name) name##_nibbles_avx2
#define HAS_NIBBLES 1

TARGET VK_INLINE __m256i add_row(__m256i sum, const uint8_t *row, __m256i first, __m256i second) {
  const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
  __m256i both = _mm256_loadu_si256((const __m256i *)row);
  __m256i products = _mm256_add_epi16(
      _mm256_maddubs_epi16(_mm256_and_si256(both, low), first),
      _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(both, 4), low), second));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(products, ones));
}

TARGET VK_INLINE four_ints dots(const kept_query *query, const uint8_t *const rows[4],
                                uint32_t columns) {
  __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
  for (uint32_t i = 0; i < 64 * columns; i += 32) {
    const int8_t *code = query->code + 2 * (i & ~63u) + (i & 63);
    __m256i first = _mm256_load_si256((const __m256i *)code);
    __m256i second = _mm256_load_si256((const __m256i *)(code + 64));
    a = add_row(a, rows[0] + i, first, second);
    b = add_row(b, rows[1] + i, first, second);
    c = add_row(c, rows[2] + i, first, second);
    d = add_row(d, rows[3] + i, first, second);
  }
  return sums_of(a, b, c, d);
}

#include "CodesLoop.h"
#endif
