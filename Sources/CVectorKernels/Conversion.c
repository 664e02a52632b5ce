// Changes of element type. Loops without a variant of their own are left to the compiler's vectors.
#include "Conversion.h"
#pragma STDC FP_CONTRACT OFF

static void vk_f16_to_f32_scalar(const void *source, float *target, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint16_t half;
    __builtin_memcpy(&half, (const char *)source + 2 * i, 2);
    target[i] = vk_float_of_half(half);
  }
}

static void vk_f32_to_f16_scalar(const void *source, uint16_t *target, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float value;
    __builtin_memcpy(&value, (const char *)source + 4 * i, 4);
    target[i] = vk_half_of_float(value);
  }
}

void vk_f16_to_f32(const void *source, float *target, size_t count) {
  VK_DISPATCH(vk_f16_to_f32, source, target, count);
}

void vk_f32_to_f16(const void *source, uint16_t *target, size_t count) {
  VK_DISPATCH(vk_f32_to_f16, source, target, count);
}

void vk_f64_to_f32(const void *source, float *target, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double value;
    __builtin_memcpy(&value, (const char *)source + 8 * i, 8);
    target[i] = (float)value;
  }
}

void vk_u8_to_f32(const void *source, float *target, size_t count) {
  const uint8_t *bytes = source;
  for (size_t i = 0; i < count; i++) target[i] = bytes[i];
}

void vk_i8_to_f32(const void *source, float *target, size_t count) {
  const int8_t *bytes = source;
  for (size_t i = 0; i < count; i++) target[i] = bytes[i];
}

void vk_to_f32(int element, const void *source, float *target, size_t count) {
  if (element == VK_ELEMENT_F16) {
    vk_f16_to_f32(source, target, count);
  } else if (element == VK_ELEMENT_I8) {
    vk_i8_to_f32(source, target, count);
  } else {
    __builtin_memcpy(target, source, 4 * count);
  }
}

// A value is infinite or NaN exactly if its exponent is all ones; then adding one in the exponent's
// place carries into the sign.
int vk_all_finite_f32(const void *values, size_t count) {
  uint32_t carries = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    __builtin_memcpy(&bits, (const char *)values + 4 * i, 4);
    carries |= (bits & 0x7FFFFFFFu) + 0x00800000u;
  }
  return carries >> 31 == 0;
}

int vk_all_finite_f16(const void *values, size_t count) {
  uint16_t carries = 0;
  for (size_t i = 0; i < count; i++) {
    uint16_t bits;
    __builtin_memcpy(&bits, (const char *)values + 2 * i, 2);
    carries |= (uint16_t)((bits & 0x7FFFu) + 0x0400u);
  }
  return carries >> 15 == 0;
}

float vk_squared_norm_f32(const float *values, size_t count) {
  float lanes[16] = {0};
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int k = 0; k < 16; k++) lanes[k] += values[i + k] * values[i + k];
  }
  for (int k = 0; i < count; i++, k++) lanes[k] += values[i] * values[i];
  for (int width = 8; width > 0; width /= 2) {
    for (int k = 0; k < width; k++) lanes[k] += lanes[k + width];
  }
  return lanes[0];
}
