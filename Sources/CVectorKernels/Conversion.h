// The variants behind the conversions of halves, and the scalar definition of a single one.
#ifndef VK_CONVERSION_INTERNAL_H
#define VK_CONVERSION_INTERNAL_H
#include "Dispatch.h"

static inline float vk_float_of_half(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
  uint32_t exponent = (half >> 10) & 31u, fraction = half & 1023u;
  union { uint32_t bits; float value; } result;
  if (exponent == 0) {
    // A subnormal half is a whole number of 2^-24.
    result.value = (float)fraction * 0x1p-24f;
    result.bits |= sign;
  } else if (exponent == 31) {
    result.bits = sign | 0x7F800000u | fraction << 13 | (fraction ? 0x00400000u : 0);
  } else {
    result.bits = sign | (exponent + 112) << 23 | fraction << 13;
  }
  return result.value;
}

static inline uint16_t vk_half_of_float(float value) {
  union { float value; uint32_t bits; } source = {value};
  uint32_t sign = (source.bits >> 16) & 0x8000u, magnitude = source.bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return (uint16_t)(sign | 0x7E00u | ((magnitude >> 13) & 0x1FFu));
  if (magnitude >= 0x47800000u) return (uint16_t)(sign | 0x7C00u);
  if (magnitude < 0x38800000u) {
    // Below 2^-14: adding 0.5 leaves the whole number of 2^-24, rounded, in the low bits.
    union { uint32_t bits; float value; } sum = {magnitude};
    sum.value += 0.5f;
    return (uint16_t)(sign | (sum.bits - 0x3F000000u));
  }
  // Rounding may carry into the exponent, and from the largest into infinity, as it should.
  uint32_t odd = (magnitude >> 13) & 1u;
  return (uint16_t)(sign | ((magnitude - 0x38000000u + 0xFFFu + odd) >> 13));
}

#if defined(__x86_64__)
void vk_f16_to_f32_avx2(const void *source, float *target, size_t count);
void vk_f16_to_f32_avx512(const void *source, float *target, size_t count);
void vk_f32_to_f16_avx2(const void *source, uint16_t *target, size_t count);
void vk_f32_to_f16_avx512(const void *source, uint16_t *target, size_t count);
#elif defined(__aarch64__)
void vk_f16_to_f32_neon(const void *source, float *target, size_t count);
void vk_f32_to_f16_neon(const void *source, uint16_t *target, size_t count);
#endif
#endif
