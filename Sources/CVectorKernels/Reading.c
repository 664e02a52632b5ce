// A plain loop over memory, which kernels are measured against.
#include "Dispatch.h"

/// Eight words, wherever they lie.
typedef uint64_t line __attribute__((vector_size(64), aligned(8), may_alias));

/// In the widest registers there are and with two sums, so that the loop waits for memory and for nothing else.
VK_INLINE uint64_t read_sum(const void *words, size_t count) {
  const uint64_t *p = words;
  line even = {0}, odd = {0};
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    even += *(const line *)(p + i);
    odd += *(const line *)(p + i + 8);
  }
  even += odd;
  uint64_t sum = 0;
  for (int k = 0; k < 8; k++) sum += even[k];
  for (; i < count; i++) sum += p[i];
  return sum;
}

static uint64_t vk_read_sum_scalar(const void *words, size_t count) {
  return read_sum(words, count);
}

#if defined(__x86_64__)
VK_TARGET_AVX2 static uint64_t vk_read_sum_avx2(const void *words, size_t count) {
  return read_sum(words, count);
}

VK_TARGET_AVX512 static uint64_t vk_read_sum_avx512(const void *words, size_t count) {
  return read_sum(words, count);
}
#elif defined(__aarch64__)
static uint64_t vk_read_sum_neon(const void *words, size_t count) {
  return read_sum(words, count);
}
#endif

uint64_t vk_read_sum(const void *words, size_t count) { VK_DISPATCH(vk_read_sum, words, count); }
