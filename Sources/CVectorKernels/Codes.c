// Scores of 8-bit codes: the scalar definition and the dispatch.
#include "Codes.h"

static int32_t dot_scalar(const uint8_t *row, const vk_code_query *query, uint32_t count) {
  int32_t sum = 0;
  for (uint32_t i = 0; i < count; i++) sum += (int32_t)row[i] * query->code[i];
  return sum - query->bias;
}

static void vk_score_codes_scalar(const vk_codes *codes, const vk_code_query *query,
                                  const uint32_t *rows, size_t count, uint32_t *keys) {
  for (size_t i = 0; i < count; i++) {
    int32_t dot = dot_scalar(vk_code_address(codes, rows[i]), query, codes->stride);
    keys[i] = vk_key_of(codes, query, rows[i], dot);
  }
}

static int32_t vk_signed_code_scalar(const uint8_t *code, int8_t *target, uint32_t stride) {
  int32_t sum = 0;
  for (uint32_t i = 0; i < stride; i++) {
    target[i] = (int8_t)(code[i] ^ 0x80);
    sum += target[i];
  }
  return sum;
}

int32_t vk_signed_code(const uint8_t *code, int8_t *target, uint32_t stride) {
  VK_DISPATCH(vk_signed_code, code, target, stride);
}

void vk_score_codes(const vk_codes *codes, const vk_code_query *query, const uint32_t *rows,
                    size_t count, uint32_t *keys) {
  if (vk_has_nibbles(codes->form)) {
    vk_score_nibbles(codes, query, rows, count, keys);
    return;
  }
  VK_DISPATCH(vk_score_codes, codes, query, rows, count, keys);
}

void vk_query_from_row(const vk_codes *codes, uint32_t row, int8_t *buffer, vk_code_query *query) {
  if (vk_has_nibbles(codes->form)) {
    vk_query_from_nibbles(codes, row, buffer, query);
    return;
  }
  int32_t sum = vk_signed_code(vk_code_address(codes, row), buffer, codes->stride);
  query->code = buffer;
  query->bias = 128 * sum;
  query->scale = 1;
  query->norm2 = 0;
  if (codes->form != VK_FORM_COSINE) {
    const vk_aux *aux = vk_aux_address(codes, row);
    query->scale = aux->scale;
    query->norm2 = aux->norm2;
  }
}
