#include "Conversion.h"
#include "Vectors.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET VK_TARGET_AVX512
enum { WIDTH = 16, WORDS = 32 };
typedef __m512 lanes;
typedef __m512i words, integers;

TARGET VK_INLINE lanes zeros(void) { return _mm512_setzero_ps(); }
TARGET VK_INLINE lanes difference(lanes a, lanes b) { return _mm512_sub_ps(a, b); }
TARGET VK_INLINE lanes product_sum(lanes a, lanes b, lanes sum) {
  return _mm512_fmadd_ps(a, b, sum);
}

TARGET VK_INLINE lanes load(int element, const char *row, size_t i) {
  if (element == VK_ELEMENT_F32) return _mm512_loadu_ps(row + 4 * i);
  if (element == VK_ELEMENT_F16) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(row + 2 * i)));
  }
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(row + i))));
}

TARGET VK_INLINE lanes load_tail(int element, const char *row, size_t i, size_t count) {
  __mmask16 mask = (__mmask16)((1u << count) - 1);
  if (element == VK_ELEMENT_F32) return _mm512_maskz_loadu_ps(mask, row + 4 * i);
  if (element == VK_ELEMENT_F16) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, row + 2 * i));
  }
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, row + i)));
}

TARGET VK_INLINE void store_sums(const lanes sums[4], float result[4]) {
  // Transposed on the way: pairs of two rows, then all four rows in each 128 bits.
  __m512 a = sums[0], b = sums[1], c = sums[2], d = sums[3];
  __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  __m512 all = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xEE));
  __m256 half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
  _mm_storeu_ps(result, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
}

TARGET VK_INLINE integers integer_zeros(void) { return _mm512_setzero_si512(); }
TARGET VK_INLINE words word_difference(words a, words b) { return _mm512_sub_epi16(a, b); }
TARGET VK_INLINE integers word_product_sum(words a, words b, integers sum) {
  return _mm512_dpwssd_epi32(sum, a, b);
}

TARGET VK_INLINE words load_words(const char *row, size_t i) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(row + i)));
}

TARGET VK_INLINE words load_words_tail(const char *row, size_t i, size_t count) {
  return _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8((1u << count) - 1, row + i));
}

TARGET VK_INLINE void store_integer_sums(const integers sums[4], uint32_t result[4]) {
  __m512i a = sums[0], b = sums[1], c = sums[2], d = sums[3];
  __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  _mm_storeu_si128((__m128i *)result, four);
}

#include "VectorsBody.h"

vk_four *const vk_fours_avx512[VK_KERNEL_ELEMENTS][3] = FOURS;

TARGET void vk_f16_to_f32_avx512(const void *source, float *target, size_t count) {
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    _mm512_storeu_ps(target + i, load(VK_ELEMENT_F16, source, i));
  }
  __mmask16 mask = (__mmask16)((1u << (count - i)) - 1);
  _mm512_mask_storeu_ps(target + i, mask, load_tail(VK_ELEMENT_F16, source, i, count - i));
}

TARGET void vk_f32_to_f16_avx512(const void *source, uint16_t *target, size_t count) {
  enum { NEAREST = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    __m256i halves = _mm512_cvtps_ph(load(VK_ELEMENT_F32, source, i), NEAREST);
    _mm256_storeu_si256((__m256i *)(target + i), halves);
  }
  __mmask16 mask = (__mmask16)((1u << (count - i)) - 1);
  lanes rest = load_tail(VK_ELEMENT_F32, source, i, count - i);
  _mm256_mask_storeu_epi16(target + i, mask, _mm512_cvtps_ph(rest, NEAREST));
}
#endif
