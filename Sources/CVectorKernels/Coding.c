// Coding of vectors: the seeded rotation, rows and queries; also the baseline build of the body.
#include "Coding.h"

#include "Codes.h"

#define TARGET
#define NAME(name) name##_scalar
#include "CodingBody.h"

static uint64_t split_mix(uint64_t *state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static void lay_out(uint32_t dimension, vk_rotation *rotation) {
  rotation->padded = vk_padded(dimension);
  rotation->window = 64;
  while (2 * rotation->window <= rotation->padded) rotation->window *= 2;
  rotation->rounds = rotation->window == rotation->padded ? 3 : 4;
}

size_t vk_rotation_factor_count(uint32_t dimension) {
  vk_rotation rotation;
  lay_out(dimension, &rotation);
  return (size_t)rotation.rounds * rotation.padded;
}

void vk_rotation_prepare(uint64_t seed, uint32_t dimension, float *factors, vk_rotation *rotation) {
  lay_out(dimension, rotation);
  rotation->factors = factors;
  const uint32_t padded = rotation->padded, window = rotation->window;
  // 1/sqrt(window): halved for each factor of four, and once by sqrt(2) for an odd power of two.
  float scale = 1;
  uint32_t rest = window;
  for (; rest >= 4; rest /= 4) scale *= 0.5f;
  if (rest == 2) scale *= 0x1.6a09e6p-1f;
  for (uint32_t round = 0; round < rotation->rounds; round++) {
    uint32_t start = round % 2 ? padded - window : 0;
    for (uint32_t i = 0; i < padded; i += 64) {
      uint64_t bits = split_mix(&seed);
      for (uint32_t k = 0; k < 64; k++) {
        float size = i + k >= start && i + k < start + window ? scale : 1;
        factors[(size_t)round * padded + i + k] = (bits >> k) & 1 ? -size : size;
      }
    }
  }
}

void vk_rotate(const vk_rotation *rotation, float *values) {
  VK_DISPATCH(vk_rotate, rotation, values);
}

/// The most steps of a row's component, and of a query's that is narrow (vk_code_query).
enum { TOP = 127, NARROW_TOP = 63 };

static void encode(const vk_rotation *rotation, int form, int rounding, int top, float *values,
                   uint8_t *code, vk_aux *aux) {
  VK_DISPATCH(vk_encode, rotation, form, rounding, top, values, code, aux);
}

static void widen(int element, const void *source, uint32_t dimension, uint32_t padded,
                  float *values) {
  vk_to_f32(element, source, values, dimension);
  for (uint32_t i = dimension; i < padded; i++) values[i] = 0;
}

void vk_encode_rows(const vk_rotation *rotation, int form, int rounding, int element,
                    uint32_t dimension, const void *base, size_t row_stride, size_t count,
                    float *scratch, uint8_t *codes, vk_aux *aux) {
  for (size_t i = 0; i < count; i++) {
    const char *row = (const char *)base + i * row_stride;
    vk_aux of_row;
    widen(element, row, dimension, rotation->padded, scratch);
    encode(rotation, form, rounding, TOP, scratch, codes + i * rotation->padded, &of_row);
    if (aux) aux[i] = of_row;
  }
}

void vk_encode_query(const vk_rotation *rotation, int form, int rounding, int is_narrow,
                     uint32_t dimension, const float *values, float *scratch, int8_t *buffer,
                     vk_code_query *query) {
  const int top = is_narrow ? NARROW_TOP : TOP;
  vk_aux aux;
  widen(VK_ELEMENT_F32, values, dimension, rotation->padded, scratch);
  encode(rotation, form, rounding, top, scratch, (uint8_t *)buffer, &aux);
  int32_t sum = vk_signed_code((const uint8_t *)buffer, buffer, rotation->padded);
  *query = (vk_code_query){.code = buffer,
                           .bias = 128 * sum,
                           .scale = aux.scale,
                           .norm2 = aux.norm2,
                           .is_narrow = is_narrow};
}

// What one step of a cosine key is worth: a step of the query in the unit vector, times one of the row; a
// level of a 4-bit code is 10.64 of the latter.
static double cosine_key_step(int form, uint32_t padded, const vk_code_query *query) {
  const double most = 4.0 / __builtin_sqrt((double)padded), step = most / TOP;
  const double of_query = query->is_narrow ? most / NARROW_TOP : step;
  return of_query * (vk_has_nibbles((uint32_t)form) ? 10.64 * step : step);
}

float vk_estimated_order(int form, uint32_t padded, const vk_code_query *query, uint32_t key) {
  if (vk_metric_form((uint32_t)form) == VK_FORM_COSINE) {
    const double steps = (double)(int32_t)(key ^ 0x80000000u);
    return (float)(1.0 + steps * cosine_key_step(form, padded, query));
  }
  const float value = vk_of_ordered_key(key);
  if (vk_metric_form((uint32_t)form) == VK_FORM_DOT) return value * query->scale;
  return value + query->norm2;
}

uint32_t vk_key_of_estimated_order(int form, uint32_t padded, const vk_code_query *query,
                                   float order) {
  if (vk_metric_form((uint32_t)form) == VK_FORM_COSINE) {
    const double step = cosine_key_step(form, padded, query);
    const double steps = __builtin_floor(((double)order - 1.0) / step);
    if (steps <= (double)INT32_MIN) return 0;
    if (!(steps < (double)INT32_MAX)) return UINT32_MAX;
    return (uint32_t)(int32_t)steps ^ 0x80000000u;
  }
  // Under DOT a query of zeros tells no two rows apart.
  const float value = vk_metric_form((uint32_t)form) == VK_FORM_DOT ? order / query->scale
                                                                   : order - query->norm2;
  return __builtin_isfinite(value) ? vk_ordered_key(value)
                                   : (value < 0 ? 0 : UINT32_MAX);
}
