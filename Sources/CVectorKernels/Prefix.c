// Which rows cannot be near, by the first columns of their codes.
#include "Codes.h"
#include <math.h>
#pragma STDC FP_CONTRACT OFF

/// Standard deviations that a row's product may be below what is expected of it.
static const float SPREADS = 1.5f;

/// A step of a cosine code, and a level of a 4-bit one: so many make a unit vector's usual component.
static const float STEPS = 127.0f / 4, LEVELS = 127.0f / 4 / 10.64f;

/// The squared length of a code's error, of a unit vector's: (Max 1960) for 4 bits where codes keep lengths.
/// A narrow query's is four times that of an 8-bit row.
static const float STEP_ERROR2 = 1e-4f, LEVEL_ERROR2 = 0.0135f;

int vk_prefix_pays(const vk_codes *codes) {
  const uint32_t first = vk_prefix_columns(codes->stride);
  // A first look makes a walk wait for memory twice at each step. Where a whole product is cheap that is won
  // back with long codes alone, of which many columns need not be read.
  return vk_isa_available(VK_ISA_AVX512) ? first > 1 : first > 0;
}

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

/// Whether the last 64 components stand for none: half of a column that has no other half.
static int is_padded(const int8_t *last) {
  for (uint32_t k = 0; k < 64; k++) {
    if (last[k]) return 0;
  }
  return 1;
}

void vk_prefix_prepare(const vk_codes *codes, const vk_code_query *query, vk_prefix *prefix) {
  *prefix = (vk_prefix){0};
  const int has_nibbles = vk_has_nibbles(codes->form);
  const uint32_t first = vk_prefix_columns(codes->stride);
  if (first == 0 || !(has_nibbles || vk_is_cosine(codes))) return;
  const uint32_t components = vk_query_stride(codes);
  const uint32_t inside = first * (has_nibbles ? 128 : 64);
  int32_t sum, rest_sum;
  int64_t squares, rest;
  sums_of_query(query->code, inside, &sum, &squares);
  sums_of_query(query->code + inside, components - inside, &rest_sum, &rest);
  const float all = (float)(squares + rest);
  if (!(all > 0)) return;
  const uint32_t count =
      has_nibbles && is_padded(query->code + components - 64) ? components - 64 : components;
  const float step_error2 = query->is_narrow ? 5 * STEP_ERROR2 : STEP_ERROR2;
  const float error2 = has_nibbles ? LEVEL_ERROR2 : step_error2;
  const float row = (has_nibbles ? LEVELS : STEPS) * sqrtf((float)count);
  prefix->columns = first;
  prefix->bias = has_nibbles ? sum * 15 / 2 : sum * 128;
  if (vk_is_cosine(codes)) {
    prefix->share = (float)squares / all;
    prefix->error2 = error2;
    prefix->length = row * sqrtf(all);
    const float unequal = prefix->share * (1.0f - prefix->share) / (float)count;
    prefix->spread = prefix->length * sqrtf(unequal > 0 ? unequal : 0);
    return;
  }
  prefix->part = sqrtf((float)squares);
  prefix->inverse = 1.0f / (row * sqrtf(all) * sqrtf(1.0f + error2));
  prefix->scatter = SPREADS * sqrtf((float)(count - inside) / ((float)count * (float)inside));
}

int32_t vk_prefix_least(const vk_prefix *prefix, uint32_t key) {
  const float product = -(float)(int32_t)(key ^ 0x80000000u);
  // The nearer a row is, the less of it is at a right angle to the query and left to chance; but for its
  // code's own errors, which are.
  const float cosine = product / prefix->length;
  const float aside = 1.0f + prefix->error2 - cosine * cosine;
  const float margin = SPREADS * prefix->spread * sqrtf(aside > 0 ? aside : 0);
  const float expected = product * prefix->share;
  const float least = expected - margin;
  return least > -2147483000.0f && least < 2147483000.0f ? (int32_t)least : INT32_MIN;
}

/// The least product of a row of 4-bit codes whose key may be below `worst`.
///
/// What the first lines of two vectors have of their cosine is off from it by (1 - cosine²) times what chance
/// does to so many components (a correlation's error), and both their lengths there are known.
static float least_of_row(const vk_codes *codes, const vk_code_query *query, const vk_prefix *prefix,
                          float worst, uint32_t row) {
  const vk_nibble_aux *aux = vk_nibble_aux_address(codes, row);
  const int is_dot = vk_metric_form(codes->form) == VK_FORM_DOT;
  const float twice = 2.0f * query->scale;
  const float needed = is_dot ? 0.0f - worst : vk_squared(aux->length) - worst;
  const float unit = is_dot ? aux->length : twice * aux->length;
  const float cosine = needed / unit * prefix->inverse;
  const float square = cosine * cosine;
  const float aside = 1.0f - square;
  const float margin = prefix->scatter * (aside > 0 ? aside : 0);
  return prefix->part * aux->first * (cosine - margin);
}

VK_INLINE size_t filter_scalar(const vk_codes *codes, const vk_code_query *query,
                               const vk_prefix *prefix, uint32_t key, uint32_t *rows, size_t count,
                               int has_nibbles) {
  const int is_cosine = vk_is_cosine(codes);
  const int32_t least = is_cosine ? vk_prefix_least(prefix, key) : 0;
  const float worst = vk_of_ordered_key(key);
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *row = vk_code_address(codes, rows[i]);
    int32_t dot = -prefix->bias;
    for (uint32_t k = 0; k < 64 * prefix->columns; k++) {
      if (has_nibbles) {
        const int8_t *q = query->code + 2 * (k & ~63u) + (k & 63);
        dot += (row[k] & 15) * q[0] + (row[k] >> 4) * q[64];
      } else {
        dot += row[k] * query->code[k];
      }
    }
    const int enough = is_cosine ? dot >= least
                                 : (float)dot >= least_of_row(codes, query, prefix, worst, rows[i]);
    rows[kept] = rows[i];
    kept += (size_t)enough;
  }
  return kept;
}

static size_t vk_prefix_filter_scalar(const vk_codes *codes, const vk_code_query *query,
                                      const vk_prefix *prefix, uint32_t key, uint32_t *rows,
                                      size_t count) {
  return filter_scalar(codes, query, prefix, key, rows, count, 0);
}

static size_t vk_prefix_filter_nibbles_scalar(const vk_codes *codes, const vk_code_query *query,
                                              const vk_prefix *prefix, uint32_t key, uint32_t *rows,
                                              size_t count) {
  return filter_scalar(codes, query, prefix, key, rows, count, 1);
}

static size_t filter_bytes(const vk_codes *codes, const vk_code_query *query,
                           const vk_prefix *prefix, uint32_t key, uint32_t *rows, size_t count) {
  VK_DISPATCH(vk_prefix_filter, codes, query, prefix, key, rows, count);
}

size_t vk_prefix_filter(const vk_codes *codes, const vk_code_query *query, const vk_prefix *prefix,
                        uint32_t key, uint32_t *rows, size_t count) {
  if (!vk_has_nibbles(codes->form)) return filter_bytes(codes, query, prefix, key, rows, count);
  VK_DISPATCH(vk_prefix_filter_nibbles, codes, query, prefix, key, rows, count);
}
