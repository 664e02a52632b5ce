// Without branches on what the batch holds, of which a mispredicted one would throw away the reads from
// memory that the processor had begun ahead.
#if defined(__x86_64__)
#include "PoolInsertion.h"
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,popcnt")))
#define TARGET_INLINE TARGET VK_INLINE

// Comparisons are of signed numbers here: entries have their top bit turned in registers.
static const uint64_t TOP_BIT = 1ull << 63;

/// Brings the 64-bit lanes of a mask's bits to the front, in 32-bit halves.
static const uint32_t PACKED[16][8] __attribute__((aligned(32))) = {
    {0, 1, 0, 1, 0, 1, 0, 1}, {0, 1, 0, 1, 0, 1, 0, 1}, {2, 3, 0, 1, 0, 1, 0, 1},
    {0, 1, 2, 3, 0, 1, 0, 1}, {4, 5, 0, 1, 0, 1, 0, 1}, {0, 1, 4, 5, 0, 1, 0, 1},
    {2, 3, 4, 5, 0, 1, 0, 1}, {0, 1, 2, 3, 4, 5, 0, 1}, {6, 7, 0, 1, 0, 1, 0, 1},
    {0, 1, 6, 7, 0, 1, 0, 1}, {2, 3, 6, 7, 0, 1, 0, 1}, {0, 1, 2, 3, 6, 7, 0, 1},
    {4, 5, 6, 7, 0, 1, 0, 1}, {0, 1, 4, 5, 6, 7, 0, 1}, {2, 3, 4, 5, 6, 7, 0, 1},
    {0, 1, 2, 3, 4, 5, 6, 7}};

TARGET_INLINE __m256i flipped(__m256i entries) {
  return _mm256_xor_si256(entries, _mm256_set1_epi64x((long long)TOP_BIT));
}

TARGET_INLINE __m256i least_of(__m256i a, __m256i b) {
  return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
}

TARGET_INLINE __m256i greatest_of(__m256i a, __m256i b) {
  return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b));
}

/// Each lane one place up, the last one first.
TARGET_INLINE __m256i rotated(__m256i entries) { return _mm256_permute4x64_epi64(entries, 0x93); }

/// Puts each fresh entry in its place among N times four ascending ones, all of which stay in registers
/// meanwhile, and in its stead what is pushed out at their end: that comes next to the entries after them.
TARGET_INLINE void insert_in_registers(uint64_t *entries, uint64_t *fresh, uint32_t n,
                                       const uint32_t N) {
  const __m256i none = _mm256_set1_epi64x((long long)TOP_BIT);
  __m256i parts[10];
#pragma clang loop unroll(full)
  for (uint32_t i = 0; i < N; i++)
    parts[i] = flipped(_mm256_loadu_si256((const __m256i *)(entries + 4 * i)));
  for (uint32_t j = 0; j < n; j++) {
    const __m256i x = _mm256_set1_epi64x((long long)fresh[j]);
    fresh[j] = (uint64_t)_mm256_extract_epi64(greatest_of(parts[N - 1], x), 3);
    // Of each: max(the one before it, min(itself, x)), as the AVX-512 variant says.
    __m256i above = rotated(parts[N - 1]);
#pragma clang loop unroll(full)
    for (uint32_t i = N - 1; i > 0; i--) {
      const __m256i below = rotated(parts[i - 1]);
      parts[i] = greatest_of(_mm256_blend_epi32(above, below, 3), least_of(parts[i], x));
      above = below;
    }
    parts[0] = greatest_of(_mm256_blend_epi32(above, none, 3), least_of(parts[0], x));
  }
#pragma clang loop unroll(full)
  for (uint32_t i = 0; i < N; i++)
    _mm256_storeu_si256((__m256i *)(entries + 4 * i), flipped(parts[i]));
}

TARGET void vk_pool_insert_avx2(vk_pool *pool, const uint32_t *ids, const uint32_t *keys,
                                uint32_t count) {
  uint64_t fresh[VK_POOL_BATCH + 4];
  uint64_t *entries = pool->entries;
  const __m256i worst = flipped(_mm256_set1_epi64x((long long)vk_pool_worst(pool)));
  __m256i least = _mm256_set1_epi64x(INT64_MAX);
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; i += 4) {
    const __m128i lanes = _mm_setr_epi32(0, 1, 2, 3);
    const __m128i there = _mm_cmpgt_epi32(_mm_set1_epi32((int)(count - i)), lanes);
    __m256i key = _mm256_cvtepu32_epi64(_mm_maskload_epi32((const int *)(keys + i), there));
    __m256i id = _mm256_cvtepu32_epi64(_mm_maskload_epi32((const int *)(ids + i), there));
    __m256i entry =
        flipped(_mm256_or_si256(_mm256_slli_epi64(key, 32), _mm256_slli_epi64(id, 1)));
    __m256i nearer =
        _mm256_and_si256(_mm256_cmpgt_epi64(worst, entry), _mm256_cvtepi32_epi64(there));
    least = _mm256_blendv_epi8(least, least_of(least, entry), nearer);
    const uint32_t mask = (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(nearer));
    __m256i order = _mm256_load_si256((const __m256i *)PACKED[mask]);
    _mm256_storeu_si256((__m256i *)(fresh + n), _mm256_permutevar8x32_epi32(entry, order));
    n += (uint32_t)__builtin_popcount(mask);
  }
  if (n == 0) return;
  least = least_of(least, _mm256_permute4x64_epi64(least, 0x4E));
  least = least_of(least, _mm256_permute4x64_epi64(least, 0xB1));
  __m256i before = _mm256_setzero_si256();
  for (uint32_t i = 0; i < pool->size; i += 4) {
    __m256i part = flipped(_mm256_loadu_si256((const __m256i *)(entries + i)));
    before = _mm256_sub_epi64(before, _mm256_cmpgt_epi64(least, part));
  }
  __m128i half = _mm_add_epi64(_mm256_castsi256_si128(before), _mm256_extracti128_si256(before, 1));
  const uint32_t first = (uint32_t)(_mm_cvtsi128_si64(half) + _mm_extract_epi64(half, 1));
  const uint32_t end = (pool->capacity + 7) / 8 * 8;
  for (uint32_t start = first / 8 * 8, part; start < end; start += part) {
    const uint32_t left = end - start;
    // Five times eight entries are as many as the registers hold.
    part = left <= 40 ? left : 32;
    switch (part / 8) {
      case 1: insert_in_registers(entries + start, fresh, n, 2); break;
      case 2: insert_in_registers(entries + start, fresh, n, 4); break;
      case 3: insert_in_registers(entries + start, fresh, n, 6); break;
      case 4: insert_in_registers(entries + start, fresh, n, 8); break;
      default: insert_in_registers(entries + start, fresh, n, 10);
    }
  }
  vk_pool_finish(pool, n, first);
}
#endif
