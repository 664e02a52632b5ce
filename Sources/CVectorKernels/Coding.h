// The variants behind coding: one body (CodingBody.h), compiled for each instruction set.
#ifndef VK_CODING_INTERNAL_H
#define VK_CODING_INTERNAL_H
#include "Dispatch.h"

/// Rotates values in place.
typedef void vk_rotate_function(const vk_rotation *rotation, float *values);
/// Turns `padded` floats, which it overwrites, into a code of at most `top` steps a component. `aux` is filled
/// whatever the form.
typedef void vk_encode_function(const vk_rotation *rotation, int form, int rounding, int top,
                                float *values, uint8_t *code, vk_aux *aux);

vk_rotate_function vk_rotate_scalar;
vk_encode_function vk_encode_scalar;
#if defined(__x86_64__)
vk_rotate_function vk_rotate_avx2, vk_rotate_avx512;
vk_encode_function vk_encode_avx2, vk_encode_avx512;
#elif defined(__aarch64__)
// The baseline of the architecture has NEON.
#define vk_rotate_neon vk_rotate_scalar
#define vk_encode_neon vk_encode_scalar
#endif
#endif
