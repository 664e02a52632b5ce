// Full-precision distances: the scalar definition, in doubles, and the loops over rows.
#include "Vectors.h"

#include "Conversion.h"
#pragma STDC FP_CONTRACT OFF

static double component(int element, const char *row, size_t i) {
  if (element == VK_ELEMENT_I8) return (double)((const int8_t *)row)[i];
  if (element == VK_ELEMENT_F16) {
    uint16_t half;
    __builtin_memcpy(&half, row + 2 * i, 2);
    return (double)vk_float_of_half(half);
  }
  float value;
  __builtin_memcpy(&value, row + 4 * i, 4);
  return (double)value;
}

/// 1 - cosine, where `lengths` is the product of both.
static float cosine_distance(double dot, double lengths) {
  if (!(lengths > 0)) return 1;
  double distance = 1 - dot / lengths;
  return distance < 0 ? 0 : distance > 2 ? 2 : (float)distance;
}

/// The specification: every sum in doubles, which no vector of floats overflows.
static float distance_scalar(const vk_vector_query *query, const void *row) {
  double dot = 0, norm2 = 0, squares = 0;
  for (size_t i = 0; i < query->dimension; i++) {
    double q = (double)query->values[i], x = component(query->element, row, i), d = q - x;
    dot += q * x;
    norm2 += x * x;
    squares += d * d;
  }
  if (query->metric == VK_METRIC_DOT) return (float)-dot;
  if (query->metric == VK_METRIC_L2) return (float)__builtin_sqrt(squares);
  return cosine_distance(dot, query->norm * __builtin_sqrt(norm2));
}

/// The distance from the sums of floats, or by the specification where floats did not carry them.
static float distance_of(const vk_vector_query *query, const void *row, float value, float norm2) {
  const float least = 0x1p-80f, most = 0x1p+126f;
  switch (query->metric) {
    case VK_METRIC_COSINE:
      if (!(norm2 > least && norm2 < most && value < most && value > -most)) break;
      return cosine_distance((double)value, query->norm * (double)__builtin_sqrtf(norm2));
    case VK_METRIC_DOT:
      if (!(value < most && value > -most)) break;
      return -value;
    default:
      if (!(value > least && value < most)) break;
      return __builtin_sqrtf(value);
  }
  return distance_scalar(query, row);
}

/// The kernel for a query, or null for the specification itself.
static vk_four *four_for(const vk_vector_query *query) {
  int element = query->bytes ? VK_INTEGERS : query->element;
  if (query->careful) return 0;
  switch (vk_isa_current()) {
#if defined(__x86_64__)
    case VK_ISA_AVX512: return vk_fours_avx512[element][query->metric];
    case VK_ISA_AVX2: return vk_fours_avx2[element][query->metric];
#elif defined(__aarch64__)
    case VK_ISA_NEON: return vk_fours_neon[element][query->metric];
#endif
    default: return 0;
  }
}

void vk_vector_query_prepare(int metric, int element, const float *values, uint32_t dimension,
                             int8_t *bytes, vk_vector_query *query) {
  double norm2 = 0;
  int whole = element == VK_ELEMENT_I8;
  for (uint32_t i = 0; i < dimension; i++) {
    float value = values[i];
    norm2 += (double)value * (double)value;
    whole = whole && value >= -128 && value <= 127 && (float)(int32_t)value == value;
  }
  for (uint32_t i = 0; whole && i < dimension; i++) bytes[i] = (int8_t)values[i];
  query->values = values;
  query->bytes = whole ? bytes : 0;
  query->norm = __builtin_sqrt(norm2);
  query->dimension = dimension;
  query->metric = (uint8_t)metric;
  query->element = (uint8_t)element;
  query->careful = !(norm2 > 0x1p-80 && norm2 < 0x1p+126) && norm2 != 0;
}

typedef float four_floats __attribute__((vector_size(16)));
typedef int32_t four_masks __attribute__((vector_size(16)));
typedef double four_doubles __attribute__((vector_size(32)));

VK_INLINE four_floats roots_of(four_floats values) {
#if __has_builtin(__builtin_elementwise_sqrt)
  return __builtin_elementwise_sqrt(values);
#else
  for (int k = 0; k < 4; k++) values[k] = __builtin_sqrtf(values[k]);
  return values;
#endif
}

/// What `distance_of` gives for four rows, at once; 0 and nothing where it does not go by the sums of floats.
///
/// Roots and quotients one after the other cost a scan a few hundredths of its rate.
static int distances_of_four(const vk_vector_query *query, const float values[4],
                             const float norms[4], float *distances) {
  const float least = 0x1p-80f, most = 0x1p+126f;
  four_floats value, result;
  __builtin_memcpy(&value, values, sizeof value);
  four_masks fits = (value < most) & (value > -most);
  if (query->metric == VK_METRIC_COSINE) {
    four_floats norm2;
    __builtin_memcpy(&norm2, norms, sizeof norm2);
    fits &= (norm2 > least) & (norm2 < most);
    if (!(query->norm > 0)) return 0;
    const four_doubles lengths =
        query->norm * __builtin_convertvector(roots_of(norm2), four_doubles);
    const four_doubles cosine = __builtin_convertvector(value, four_doubles) / lengths;
    result = __builtin_convertvector(1 - cosine, four_floats);
    // Rounding keeps what is below 0 or above 2 there or makes it those.
    for (int k = 0; k < 4; k++) result[k] = result[k] < 0 ? 0 : result[k] > 2 ? 2 : result[k];
  } else if (query->metric == VK_METRIC_DOT) {
    result = -value;
  } else {
    fits &= value > least;
    result = roots_of(value);
  }
  if (!(fits[0] & fits[1] & fits[2] & fits[3])) return 0;
  __builtin_memcpy(distances, &result, sizeof result);
  return 1;
}

/// Measures `count` rows, up to four, through a kernel that always measures four.
static void measure(const vk_vector_query *query, vk_four *four, const void *const rows[4],
                    size_t count, const char *next, float *distances) {
  float values[4], norms[4];
  four(query, rows, next, values, norms);
  if (count == 4 && distances_of_four(query, values, norms, distances)) return;
  for (size_t k = 0; k < count; k++) {
    distances[k] = distance_of(query, rows[k], values[k], norms[k]);
  }
}

void vk_distances_gather(const vk_vector_query *query, const void *const *rows, size_t count,
                         float *distances) {
  vk_four *four = four_for(query);
  size_t i = 0;
  if (!four) {
    for (; i < count; i++) distances[i] = distance_scalar(query, rows[i]);
    return;
  }
  for (; i + 4 <= count; i += 4) measure(query, four, rows + i, 4, NULL, distances + i);
  if (i == count) return;
  const void *last[4];
  for (size_t k = 0; k < 4; k++) last[k] = rows[i + k < count ? i + k : i];
  measure(query, four, last, count - i, NULL, distances + i);
}

void vk_distances_scan(const vk_vector_query *query, const void *base, size_t stride, size_t count,
                       const void *after, float *distances) {
  // Farther, the first level of caches holds too much; nearer, memory answers too late.
  enum { AHEAD = 8192 };
  vk_four *four = four_for(query);
  const char *row = base;
  if (!four) {
    for (size_t i = 0; i < count; i++) distances[i] = distance_scalar(query, row + i * stride);
    return;
  }
  const size_t end = count * stride;
  for (size_t i = 0; i < count; i += 4) {
    size_t present = count - i < 4 ? count - i : 4;
    const void *rows[4];
    for (size_t k = 0; k < 4; k++) rows[k] = row + (i + (k < present ? k : 0)) * stride;
    const char *next = NULL;
    if (after) {
      const size_t place = i * stride + AHEAD;
      next = place < end ? row + place : (const char *)after + (place - end);
    }
    measure(query, four, rows, present, next, distances + i);
  }
}
