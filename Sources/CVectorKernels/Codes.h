// The variants behind the scores of codes, and what completes an integer dot product to a key.
#ifndef VK_CODES_INTERNAL_H
#define VK_CODES_INTERNAL_H
#include "Dispatch.h"

/// Of four rows: the sums, and the keys made of them.
typedef int32_t four_ints __attribute__((vector_size(16)));
typedef uint32_t four_keys __attribute__((vector_size(16)));
typedef float four_floats __attribute__((vector_size(16)));

/// `vk_score_codes` for 4-bit codes.
void vk_score_nibbles(const vk_codes *codes, const vk_code_query *query, const uint32_t *rows,
                      size_t count, uint32_t *keys);

/// `vk_query_from_row` for 4-bit codes.
void vk_query_from_nibbles(const vk_codes *codes, uint32_t row, int8_t *buffer,
                           vk_code_query *query);

typedef void vk_score_function(const vk_codes *codes, const vk_code_query *query,
                               const uint32_t *rows, size_t count, uint32_t *keys);

typedef size_t vk_prefix_filter_function(const vk_codes *codes, const vk_code_query *query,
                                         const vk_prefix *prefix, uint32_t key, uint32_t *rows,
                                         size_t count);

/// Copies a row's code as signed bytes, components less 128; returns their sum. May be in place.
typedef int32_t vk_signed_code_function(const uint8_t *code, int8_t *target, uint32_t stride);
int32_t vk_signed_code(const uint8_t *code, int8_t *target, uint32_t stride);

#if defined(__x86_64__)
vk_signed_code_function vk_signed_code_avx2, vk_signed_code_avx512;
vk_score_function vk_score_codes_avx2, vk_score_codes_avx512;
vk_score_function vk_score_codes_nibbles_avx2, vk_score_codes_nibbles_avx512;
vk_prefix_filter_function vk_prefix_filter_avx2, vk_prefix_filter_avx512;
vk_prefix_filter_function vk_prefix_filter_nibbles_avx2, vk_prefix_filter_nibbles_avx512;
#elif defined(__aarch64__)
vk_signed_code_function vk_signed_code_neon;
vk_score_function vk_score_codes_neon;
vk_score_function vk_score_codes_nibbles_neon;
vk_prefix_filter_function vk_prefix_filter_neon, vk_prefix_filter_nibbles_neon;
#endif

VK_INLINE const vk_aux *vk_aux_address(const vk_codes *codes, uint32_t row) {
  uint64_t base = codes->directory[row >> codes->shift];
  return (const vk_aux *)(base + codes->aux_offset) + (row & ((1u << codes->shift) - 1));
}

VK_INLINE const vk_nibble_aux *vk_nibble_aux_address(const vk_codes *codes, uint32_t row) {
  return (const vk_nibble_aux *)vk_aux_address(codes, row);
}

/// Whether keys order by the dot product alone.
VK_INLINE int vk_is_cosine(const vk_codes *codes) {
  return vk_metric_form(codes->form) == VK_FORM_COSINE;
}

/// The squared length of a row of 4-bit codes; finite, or a difference from it might not be a number.
VK_INLINE float vk_squared(float length) {
  float square = length * length;
  return square < __FLT_MAX__ ? square : __FLT_MAX__;
}

/// The key of a row from its dot product with the query's code, the bias already taken off.
VK_INLINE uint32_t vk_key_of(const vk_codes *codes, const vk_code_query *query, uint32_t row,
                             int32_t dot) {
#pragma STDC FP_CONTRACT OFF
  if (vk_is_cosine(codes)) return (uint32_t)(-dot) ^ 0x80000000u;
  const vk_aux *aux = vk_aux_address(codes, row);
  float product = aux->scale * (float)dot;
  if (vk_metric_form(codes->form) == VK_FORM_DOT) return vk_ordered_key(-product);
  float norm2 = vk_has_nibbles(codes->form) ? vk_squared(aux->scale) : aux->norm2;
  float twice = 2.0f * query->scale;
  float cross = twice * product;
  return vk_ordered_key(norm2 - cross);
}
#endif
