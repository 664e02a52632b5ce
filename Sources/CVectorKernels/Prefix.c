// Which rows cannot be near, by the first columns of their codes.
#include "Codes.h"
#include <math.h>
#pragma STDC FP_CONTRACT OFF

/// Standard deviations that a row's product may be below what is expected of it.
static const float SPREADS = 1.5f;

/// A step of a cosine code, and a level of a 4-bit one: so many make a unit vector's usual component.
static const float STEPS = 127.0f / 4, LEVELS = 127.0f / 4 / 10.64f;

/// The squared length of a code's error, of a unit vector's: (Max 1960) for 4 bits where codes keep lengths.
static const float STEP_ERROR2 = 1e-4f, LEVEL_ERROR2 = 0.0135f;

/// Sum and sum of squares of `count` signed bytes, a multiple of 64.
static void sums_of_query(const int8_t *code, uint32_t count, int32_t *sum, int64_t *squares) {
  *sum = 0;
  *squares = 0;
  for (uint32_t i = 0; i < count; i += 64) {
    int32_t part = 0, squared = 0;
    for (uint32_t k = 0; k < 64; k++) {
      part += code[i + k];
      squared += code[i + k] * code[i + k];
    }
    *sum += part;
    *squares += squared;
  }
}

/// Whether the last 64 components stand for none: a row's half of a column that has no other half.
static int is_padded(const int8_t *last) {
  for (uint32_t k = 0; k < 64; k++) {
    if (last[k] != -15) return 0;
  }
  return 1;
}

void vk_prefix_prepare(const vk_codes *codes, const vk_code_query *query, vk_prefix *prefix) {
  *prefix = (vk_prefix){0};
  const int is_nibbles = codes->form == VK_FORM_COSINE_NIBBLES;
  const uint32_t columns = codes->stride / 64;
  // Of two lines too few are saved: 10 % fewer queries.
  if (!vk_is_cosine(codes) || columns < 3) return;
  // A quarter of the lines of long codes: less tells too little, more is read of too many.
  const uint32_t first = columns < 8 ? 1 : columns / 4;
  const uint32_t components = vk_query_stride(codes);
  const uint32_t inside = first * (is_nibbles ? 128 : 64);
  int32_t sum, rest_sum;
  int64_t squares, rest;
  sums_of_query(query->code, inside, &sum, &squares);
  sums_of_query(query->code + inside, components - inside, &rest_sum, &rest);
  uint32_t count = components;
  if (is_nibbles && is_padded(query->code + components - 64)) {
    rest -= 64 * 15 * 15;
    count -= 64;
    prefix->offset = 64 * 15 * 15 / 2;
  }
  const float all = (float)(squares + rest);
  if (!(all > 0)) return;
  const float row = (is_nibbles ? LEVELS : STEPS) * sqrtf((float)count);
  prefix->columns = first;
  prefix->bias = is_nibbles ? sum * 15 / 2 : sum * 128;
  prefix->share = (float)squares / all;
  prefix->error2 = is_nibbles ? LEVEL_ERROR2 : STEP_ERROR2;
  prefix->length = row * sqrtf(all);
  const float unequal = prefix->share * (1.0f - prefix->share) / (float)count;
  prefix->spread = prefix->length * sqrtf(unequal > 0 ? unequal : 0);
}

int32_t vk_prefix_least(const vk_prefix *prefix, uint32_t key) {
  const int64_t whole = -(int64_t)(int32_t)(key ^ 0x80000000u) - prefix->offset;
  const float product = (float)whole;
  // The nearer a row is, the less of it is at a right angle to the query and left to chance; but for its
  // code's own errors, which are.
  const float cosine = product / prefix->length;
  const float aside = 1.0f + prefix->error2 - cosine * cosine;
  const float margin = SPREADS * prefix->spread * sqrtf(aside > 0 ? aside : 0);
  const float expected = product * prefix->share;
  const float least = expected - margin;
  return least > -2147483000.0f && least < 2147483000.0f ? (int32_t)least : INT32_MIN;
}

VK_INLINE size_t filter_scalar(const vk_codes *codes, const vk_code_query *query,
                               const vk_prefix *prefix, int32_t least, uint32_t *rows, size_t count,
                               int is_nibbles) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *row = vk_code_address(codes, rows[i]);
    int32_t dot = -prefix->bias;
    for (uint32_t k = 0; k < 64 * prefix->columns; k++) {
      if (is_nibbles) {
        const int8_t *q = query->code + 2 * (k & ~63u) + (k & 63);
        dot += (row[k] & 15) * q[0] + (row[k] >> 4) * q[64];
      } else {
        dot += row[k] * query->code[k];
      }
    }
    rows[kept] = rows[i];
    kept += dot >= least;
  }
  return kept;
}

static size_t vk_prefix_filter_scalar(const vk_codes *codes, const vk_code_query *query,
                                      const vk_prefix *prefix, int32_t least, uint32_t *rows,
                                      size_t count) {
  return filter_scalar(codes, query, prefix, least, rows, count, 0);
}

static size_t vk_prefix_filter_nibbles_scalar(const vk_codes *codes, const vk_code_query *query,
                                              const vk_prefix *prefix, int32_t least,
                                              uint32_t *rows, size_t count) {
  return filter_scalar(codes, query, prefix, least, rows, count, 1);
}

static size_t filter_bytes(const vk_codes *codes, const vk_code_query *query,
                           const vk_prefix *prefix, int32_t least, uint32_t *rows, size_t count) {
  VK_DISPATCH(vk_prefix_filter, codes, query, prefix, least, rows, count);
}

size_t vk_prefix_filter(const vk_codes *codes, const vk_code_query *query, const vk_prefix *prefix,
                        int32_t least, uint32_t *rows, size_t count) {
  if (codes->form != VK_FORM_COSINE_NIBBLES)
    return filter_bytes(codes, query, prefix, least, rows, count);
  VK_DISPATCH(vk_prefix_filter_nibbles, codes, query, prefix, least, rows, count);
}
