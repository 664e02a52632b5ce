// Three variants, by what the processor multiplies: bytes of mixed sign (i8mm), bytes of one sign
// (dotprod; rows then get their 128 taken off), or only to 16 bits. The sums are the same.
#include "Codes.h"

#if defined(__aarch64__)
#include <arm_neon.h>

vk_score_function vk_score_codes_i8mm, vk_score_codes_dotprod, vk_score_codes_plain;
vk_prefix_filter_function vk_prefix_filter_i8mm, vk_prefix_filter_dotprod, vk_prefix_filter_plain;

void vk_score_codes_neon(const vk_codes *codes, const vk_code_query *query, const uint32_t *rows,
                         size_t count, uint32_t *keys) {
  int extras = vk_extras();
  if (extras & VK_EXTRA_NEON_I8MM) {
    vk_score_codes_i8mm(codes, query, rows, count, keys);
  } else if (extras & VK_EXTRA_NEON_DOT) {
    vk_score_codes_dotprod(codes, query, rows, count, keys);
  } else {
    vk_score_codes_plain(codes, query, rows, count, keys);
  }
}

size_t vk_prefix_filter_neon(const vk_codes *codes, const vk_code_query *query,
                             const vk_prefix *prefix, uint32_t key, uint32_t *rows, size_t count) {
  int extras = vk_extras();
  if (extras & VK_EXTRA_NEON_I8MM)
    return vk_prefix_filter_i8mm(codes, query, prefix, key, rows, count);
  if (extras & VK_EXTRA_NEON_DOT)
    return vk_prefix_filter_dotprod(codes, query, prefix, key, rows, count);
  return vk_prefix_filter_plain(codes, query, prefix, key, rows, count);
}

int32_t vk_signed_code_neon(const uint8_t *code, int8_t *target, uint32_t stride) {
  int32x4_t sum = vdupq_n_s32(0);
  for (uint32_t i = 0; i < stride; i += 16) {
    int8x16_t part = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(code + i), vdupq_n_u8(0x80)));
    sum = vpadalq_s16(sum, vpaddlq_s8(part));
    vst1q_s8(target + i, part);
  }
  return vaddvq_s32(sum);
}
#endif
