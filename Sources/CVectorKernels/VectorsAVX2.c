#include "Conversion.h"
#include "Vectors.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET VK_TARGET_AVX2
enum { WIDTH = 8, WORDS = 16 };
typedef __m256 lanes;
typedef __m256i words, integers;

TARGET VK_INLINE lanes zeros(void) { return _mm256_setzero_ps(); }
TARGET VK_INLINE lanes difference(lanes a, lanes b) { return _mm256_sub_ps(a, b); }
TARGET VK_INLINE lanes product_sum(lanes a, lanes b, lanes sum) {
  return _mm256_fmadd_ps(a, b, sum);
}

TARGET VK_INLINE lanes load(int element, const char *row, size_t i) {
  if (element == VK_ELEMENT_F32) return _mm256_loadu_ps((const float *)(row + 4 * i));
  if (element == VK_ELEMENT_F16) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(row + 2 * i)));
  }
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(row + i))));
}

// Loads past the end of a row could leave the mapped memory, so the rest is copied first.
TARGET VK_INLINE lanes load_tail(int element, const char *row, size_t i, size_t count) {
  char copy[4 * WIDTH] = {0};
  size_t bytes = element == VK_ELEMENT_F32 ? 4 : element == VK_ELEMENT_F16 ? 2 : 1;
  __builtin_memcpy(copy, row + bytes * i, bytes * count);
  return load(element, copy, 0);
}

TARGET VK_INLINE void store_sums(const lanes sums[4], float result[4]) {
  __m256 ab = _mm256_hadd_ps(sums[0], sums[1]), cd = _mm256_hadd_ps(sums[2], sums[3]);
  __m256 halves = _mm256_hadd_ps(ab, cd);
  __m128 high = _mm256_extractf128_ps(halves, 1);
  _mm_storeu_ps(result, _mm_add_ps(_mm256_castps256_ps128(halves), high));
}

TARGET VK_INLINE integers integer_zeros(void) { return _mm256_setzero_si256(); }
TARGET VK_INLINE words word_difference(words a, words b) { return _mm256_sub_epi16(a, b); }
TARGET VK_INLINE integers word_product_sum(words a, words b, integers sum) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

TARGET VK_INLINE words load_words(const char *row, size_t i) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(row + i)));
}

TARGET VK_INLINE words load_words_tail(const char *row, size_t i, size_t count) {
  char copy[WORDS] = {0};
  __builtin_memcpy(copy, row + i, count);
  return load_words(copy, 0);
}

TARGET VK_INLINE void store_integer_sums(const integers sums[4], uint32_t result[4]) {
  __m256i ab = _mm256_hadd_epi32(sums[0], sums[1]), cd = _mm256_hadd_epi32(sums[2], sums[3]);
  __m256i halves = _mm256_hadd_epi32(ab, cd);
  __m128i all =
      _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
  _mm_storeu_si128((__m128i *)result, all);
}

#include "VectorsBody.h"

vk_four *const vk_fours_avx2[VK_KERNEL_ELEMENTS][3] = FOURS;

TARGET void vk_f16_to_f32_avx2(const void *source, float *target, size_t count) {
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    _mm256_storeu_ps(target + i, load(VK_ELEMENT_F16, source, i));
  }
  if (i == count) return;
  float rest[WIDTH];
  _mm256_storeu_ps(rest, load_tail(VK_ELEMENT_F16, source, i, count - i));
  __builtin_memcpy(target + i, rest, 4 * (count - i));
}

TARGET void vk_f32_to_f16_avx2(const void *source, uint16_t *target, size_t count) {
  enum { NEAREST = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    __m128i halves = _mm256_cvtps_ph(load(VK_ELEMENT_F32, source, i), NEAREST);
    _mm_storeu_si128((__m128i *)(target + i), halves);
  }
  if (i == count) return;
  uint16_t rest[WIDTH];
  lanes tail = load_tail(VK_ELEMENT_F32, source, i, count - i);
  _mm_storeu_si128((__m128i *)rest, _mm256_cvtps_ph(tail, NEAREST));
  __builtin_memcpy(target + i, rest, 2 * (count - i));
}
#endif
