// What Scripts/check-hot-loops --self-test looks at: stand-ins for kernels, and defects for any machine.
#include <stddef.h>

__attribute__((noinline)) size_t vk_score_codes(size_t value) {
  __asm__ volatile("" : "+r"(value));
  return value * 31 + 7;
}

void vk_add_score(size_t *value) { *value += vk_score_codes(*value); }

#ifdef PLANTED
__attribute__((noinline)) void swift_retain(void *object) { __asm__ volatile("" : : "r"(object)); }
__attribute__((noinline)) static size_t local(size_t value) { return vk_score_codes(value) ^ 1; }

size_t vk_walk(size_t count) {
  size_t sum = 0;
  for (size_t i = 0; i < count; i++) sum += vk_score_codes(i) + local(i);
  return sum;
}

size_t vk_planted_retain(void *object, size_t count) {
  for (size_t i = 0; i < count; i++) {
    swift_retain(object);
    count -= vk_score_codes(i) & 1;
  }
  return count;
}

void vk_planted_tail(void *object) { swift_retain(object); }

size_t vk_planted_pointer(size_t (*next)(size_t), size_t count) {
  size_t sum = 0;
  for (size_t i = 0; i < count; i++) sum += next(i);
  return sum;
}
#endif
