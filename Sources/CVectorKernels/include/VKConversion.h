#ifndef VK_CONVERSION_H
#define VK_CONVERSION_H
#include <stddef.h>
#include <stdint.h>
#pragma clang assume_nonnull begin

// Element types: what they hold and how one becomes another. Sources need no alignment.

/// How a component of a stored row is written.
enum {
  VK_ELEMENT_F32 = 0,  ///< IEEE binary32
  VK_ELEMENT_F16 = 1,  ///< IEEE binary16
  VK_ELEMENT_I8 = 2    ///< signed bytes
};

/// Bytes of one component.
static inline size_t vk_element_bytes(int element) {
  return element == VK_ELEMENT_F32 ? 4 : element == VK_ELEMENT_F16 ? 2 : 1;
}

/// Widens halves; exact, a signalling NaN becomes quiet.
void vk_f16_to_f32(const void *source, float *target, size_t count);
/// Rounds to the nearest half, ties to even; too large becomes infinite, subnormals are kept.
void vk_f32_to_f16(const void *source, uint16_t *target, size_t count);
/// Rounds to the nearest float, ties to even.
void vk_f64_to_f32(const void *source, float *target, size_t count);
/// Widens unsigned bytes; exact.
void vk_u8_to_f32(const void *source, float *target, size_t count);
/// Widens signed bytes; exact.
void vk_i8_to_f32(const void *source, float *target, size_t count);
/// Widens components of any VK_ELEMENT type; exact.
void vk_to_f32(int element, const void *source, float *target, size_t count);

/// Whether no float is infinite or NaN.
int vk_all_finite_f32(const void *values, size_t count);
/// Whether no half is infinite or NaN.
int vk_all_finite_f16(const void *values, size_t count);
/// Squared Euclidean length, summed in sixteen lanes; bit-identical on every machine.
float vk_squared_norm_f32(const float *values, size_t count);

#pragma clang assume_nonnull end
#endif
