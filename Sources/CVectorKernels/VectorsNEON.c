#include "Conversion.h"
#include "Vectors.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define TARGET
enum { WIDTH = 4, WORDS = 8 };
typedef float32x4_t lanes;
typedef int16x8_t words;
typedef int32x4_t integers;

VK_INLINE lanes zeros(void) { return vdupq_n_f32(0); }
VK_INLINE lanes difference(lanes a, lanes b) { return vsubq_f32(a, b); }
VK_INLINE lanes product_sum(lanes a, lanes b, lanes sum) { return vfmaq_f32(sum, a, b); }

VK_INLINE lanes load(int element, const char *row, size_t i) {
  if (element == VK_ELEMENT_F32) {
    return vreinterpretq_f32_u8(vld1q_u8((const uint8_t *)row + 4 * i));
  }
  if (element == VK_ELEMENT_F16) {
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8((const uint8_t *)row + 2 * i)));
  }
  uint32_t four;
  __builtin_memcpy(&four, row + i, 4);
  int16x8_t wide = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four)));
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}

// Loads past the end of a row could leave the mapped memory, so the rest is copied first.
VK_INLINE lanes load_tail(int element, const char *row, size_t i, size_t count) {
  char copy[4 * WIDTH] = {0};
  size_t bytes = element == VK_ELEMENT_F32 ? 4 : element == VK_ELEMENT_F16 ? 2 : 1;
  __builtin_memcpy(copy, row + bytes * i, bytes * count);
  return load(element, copy, 0);
}

VK_INLINE void store_sums(const lanes sums[4], float result[4]) {
  vst1q_f32(result, vpaddq_f32(vpaddq_f32(sums[0], sums[1]), vpaddq_f32(sums[2], sums[3])));
}

VK_INLINE integers integer_zeros(void) { return vdupq_n_s32(0); }
VK_INLINE words word_difference(words a, words b) { return vsubq_s16(a, b); }
VK_INLINE integers word_product_sum(words a, words b, integers sum) {
  return vmlal_high_s16(vmlal_s16(sum, vget_low_s16(a), vget_low_s16(b)), a, b);
}

VK_INLINE words load_words(const char *row, size_t i) {
  return vmovl_s8(vld1_s8((const int8_t *)row + i));
}

VK_INLINE words load_words_tail(const char *row, size_t i, size_t count) {
  char copy[WORDS] = {0};
  __builtin_memcpy(copy, row + i, count);
  return load_words(copy, 0);
}

VK_INLINE void store_integer_sums(const integers sums[4], uint32_t result[4]) {
  integers all = vpaddq_s32(vpaddq_s32(sums[0], sums[1]), vpaddq_s32(sums[2], sums[3]));
  vst1q_u32(result, vreinterpretq_u32_s32(all));
}

#include "VectorsBody.h"

vk_four *const vk_fours_neon[VK_KERNEL_ELEMENTS][3] = FOURS;

void vk_f16_to_f32_neon(const void *source, float *target, size_t count) {
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) vst1q_f32(target + i, load(VK_ELEMENT_F16, source, i));
  if (i == count) return;
  float rest[WIDTH];
  vst1q_f32(rest, load_tail(VK_ELEMENT_F16, source, i, count - i));
  __builtin_memcpy(target + i, rest, 4 * (count - i));
}

void vk_f32_to_f16_neon(const void *source, uint16_t *target, size_t count) {
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    float16x4_t halves = vcvt_f16_f32(load(VK_ELEMENT_F32, source, i));
    vst1_u16(target + i, vreinterpret_u16_f16(halves));
  }
  if (i == count) return;
  uint16_t rest[WIDTH];
  lanes tail = load_tail(VK_ELEMENT_F32, source, i, count - i);
  vst1_u16(rest, vreinterpret_u16_f16(vcvt_f16_f32(tail)));
  __builtin_memcpy(target + i, rest, 2 * (count - i));
}
#endif
