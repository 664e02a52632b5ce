// Rotation and rounding in vectors of sixteen floats, included once by each instruction set after
// it has defined TARGET and NAME(x). The compiler splits the vectors as the set requires: each lane
// sees the same single IEEE operations in the same order, so that results are the same to the bit.
#pragma STDC FP_CONTRACT OFF
// Vectors are passed only between functions that are always inlined, so no calling convention
// matters.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float floats __attribute__((ext_vector_type(16)));
typedef int32_t ints __attribute__((ext_vector_type(16)));
typedef uint8_t bytes __attribute__((ext_vector_type(16)));

/// One level of a Hadamard transform inside a vector: `other` holds the partner of each lane.
TARGET VK_INLINE floats level(floats x, floats other, ints negative) {
  union { floats f; ints i; } flipped = {x};
  flipped.i ^= negative;
  return other + flipped.f;
}

/// The four levels inside a vector.
TARGET VK_INLINE floats levels_of_16(floats x) {
  const int32_t m = INT32_MIN;
  const ints by1 = {0, m, 0, m, 0, m, 0, m, 0, m, 0, m, 0, m, 0, m};
  const ints by2 = {0, 0, m, m, 0, 0, m, m, 0, 0, m, m, 0, 0, m, m};
  const ints by4 = {0, 0, 0, 0, m, m, m, m, 0, 0, 0, 0, m, m, m, m};
  const ints by8 = {0, 0, 0, 0, 0, 0, 0, 0, m, m, m, m, m, m, m, m};
  x = level(x, __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14),
            by1);
  x = level(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13),
            by2);
  x = level(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11),
            by4);
  return level(
      x, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7), by8);
}

/// Two levels across four vectors.
TARGET VK_INLINE void two_levels(floats *a, floats *b, floats *c, floats *d) {
  floats ab = *a + *b, a_b = *a - *b, cd = *c + *d, c_d = *c - *d;
  *a = ab + cd;
  *b = a_b + c_d;
  *c = ab - cd;
  *d = a_b - c_d;
}

/// Multiplies by the factors and applies an unscaled Hadamard transform to `count` values, a power
/// of two of at least 64.
TARGET VK_INLINE void hadamard(float *values, const float *factors, uint32_t count) {
  for (uint32_t i = 0; i < count; i += 64) {
    floats *x = (floats *)(values + i);
    const floats *f = (const floats *)(factors + i);
    floats a = levels_of_16(x[0] * f[0]), b = levels_of_16(x[1] * f[1]);
    floats c = levels_of_16(x[2] * f[2]), d = levels_of_16(x[3] * f[3]);
    two_levels(&a, &b, &c, &d);
    x[0] = a;
    x[1] = b;
    x[2] = c;
    x[3] = d;
  }
  uint32_t half = 64;
  for (; 4 * half <= count; half *= 4) {
    for (uint32_t start = 0; start < count; start += 4 * half) {
      for (uint32_t i = start; i < start + half; i += 16) {
        floats *a = (floats *)(values + i), *b = (floats *)(values + i + half);
        floats *c = (floats *)(values + i + 2 * half), *d = (floats *)(values + i + 3 * half);
        two_levels(a, b, c, d);
      }
    }
  }
  if (half == count) return;
  for (uint32_t i = 0; i < half; i += 16) {
    floats *a = (floats *)(values + i), *b = (floats *)(values + i + half);
    floats sum = *a + *b, difference = *a - *b;
    *a = sum;
    *b = difference;
  }
}

TARGET void NAME(vk_rotate)(const vk_rotation *rotation, float *values) {
  const uint32_t padded = rotation->padded, window = rotation->window;
  for (uint32_t round = 0; round < rotation->rounds; round++) {
    const float *factors = rotation->factors + (size_t)round * padded;
    uint32_t start = round % 2 ? padded - window : 0;
    hadamard(values + start, factors + start, window);
    uint32_t rest = start ? 0 : window, rest_end = start ? start : padded;
    for (uint32_t i = rest; i < rest_end; i += 16) {
      *(floats *)(values + i) *= *(const floats *)(factors + i);
    }
  }
}

TARGET VK_INLINE float sum_of_lanes(floats sum) {
  float lanes[16];
  __builtin_memcpy(lanes, &sum, sizeof lanes);
  for (int width = 8; width > 0; width /= 2) {
    for (int k = 0; k < width; k++) lanes[k] += lanes[k + width];
  }
  return lanes[0];
}

TARGET VK_INLINE float squared_norm(const float *values, uint32_t count) {
  floats sum = 0;
  for (uint32_t i = 0; i < count; i += 16) {
    floats x = *(const floats *)(values + i);
    sum += x * x;
  }
  return sum_of_lanes(sum);
}

TARGET VK_INLINE float largest_magnitude(const float *values, uint32_t count) {
  floats most = 0;
  for (uint32_t i = 0; i < count; i += 16) {
    union { floats f; ints i; } x = {*(const floats *)(values + i)};
    x.i &= INT32_MAX;
    most = x.f > most ? x.f : most;
  }
  float result = 0;
  for (int k = 0; k < 16; k++) result = most[k] > result ? most[k] : result;
  return result;
}

/// code[i] = values[i] * steps rounded to the nearest, ties to even, within ±top, plus 128.
TARGET VK_INLINE void round_to_code(const float *values, uint32_t count, float steps, int top,
                                    uint8_t *code) {
  const floats low = (float)-top, high = (float)top;
  for (uint32_t i = 0; i < count; i += 16) {
    floats x = *(const floats *)(values + i) * steps;
    x = x > low ? x : low;
    x = x < high ? x : high;
    // Above 2^23 a float has no fraction: the sum is rounded and its low byte is the whole number.
    union { floats f; ints i; } rounded = {x + 12582912.0f};
    *(bytes *)(code + i) = __builtin_convertvector(rounded.i + 128, bytes);
  }
}

/// The steps of 16 components of a code.
TARGET VK_INLINE ints steps_of(const uint8_t *code) {
  return __builtin_convertvector(*(const bytes *)code, ints) - 128;
}

/// The squared length of a code, in steps; below 2^31.
TARGET VK_INLINE float squared_length(const uint8_t *code, uint32_t count) {
  ints sum = 0;
  for (uint32_t i = 0; i < count; i += 16) sum += steps_of(code + i) * steps_of(code + i);
  int32_t total = 0;
  for (int k = 0; k < 16; k++) total += sum[k];
  return (float)total;
}

/// Moves a few components to the second nearest step until the errors of all, times the values, add up to
/// nothing: first those that lie between two steps anyway, then others.
TARGET VK_INLINE void keep_length(const float *values, uint32_t count, float steps, int top,
                                  uint8_t *code) {
  floats sum = 0;
  for (uint32_t i = 0; i < count; i += 16) {
    floats x = *(const floats *)(values + i) * steps;
    sum += x * (__builtin_convertvector(steps_of(code + i), floats) - x);
  }
  float rest = sum_of_lanes(sum);
  // Beyond this nothing is gained: a squared length is 1 000 times the number of components.
  const float enough = 4;
  for (float least = 0.25f; least >= 0; least -= 0.25f) {
    for (uint32_t i = 0; i < count; i++) {
      float size = __builtin_fabsf(rest);
      if (size < enough) return;
      float x = values[i] * steps;
      float error = (float)((int32_t)code[i] - 128) - x;
      float change = error > 0 ? -x : x;
      int32_t moved = (int32_t)code[i] + (error > 0 ? -1 : 1);
      if (__builtin_fabsf(error) > least && __builtin_fabsf(rest + change) < size &&
          moved >= 128 - top && moved <= 128 + top) {
        code[i] = (uint8_t)moved;
        rest += change;
      }
    }
  }
}

/// What to multiply the rotated values by under VK_FORM_COSINE, and the length of all; rescues lengths whose
/// squares are beyond floats.
TARGET VK_INLINE float unit_steps(float *values, uint32_t count, float norm2, int top,
                                  float *length) {
  float most = 1;
  if (!(norm2 > 0x1p-80f && norm2 < 0x1p+100f)) {
    most = largest_magnitude(values, count);
    *length = 0;
    if (!(most > 0)) return 0;
    for (uint32_t i = 0; i < count; i += 16) *(floats *)(values + i) /= most;
    norm2 = squared_norm(values, count);
  }
  *length = most * __builtin_elementwise_sqrt(norm2);
  if (!(*length < __FLT_MAX__)) *length = __FLT_MAX__;
  // A component of a rotated unit vector is about 1/sqrt(count); four times that is the most.
  float unit = __builtin_elementwise_sqrt((float)count) / __builtin_elementwise_sqrt(norm2);
  return unit * ((float)top / 4.0f);
}

TARGET void NAME(vk_encode)(const vk_rotation *rotation, int form, int rounding, int top,
                            float *values, uint8_t *code, vk_aux *aux) {
  const uint32_t count = rotation->padded;
  float norm2 = squared_norm(values, count);
  if (form == VK_FORM_COSINE || vk_has_nibbles((uint32_t)form)) {
    float length;
    float steps = unit_steps(values, count, norm2, top, &length);
    NAME(vk_rotate)(rotation, values);
    round_to_code(values, count, steps, top, code);
    if (rounding == VK_ROUND_KEEPING_LENGTH) keep_length(values, count, steps, top, code);
    *aux = (vk_aux){.scale = vk_has_nibbles((uint32_t)form) ? length : 1, .norm2 = 0};
    return;
  }
  NAME(vk_rotate)(rotation, values);
  float most = largest_magnitude(values, count);
  // Below this the step could not be divided by; such a row is coded as zero.
  int zero = !(most > 0x1p-110f);
  const float steps = zero ? 0 : (float)top / most;
  round_to_code(values, count, steps, top, code);
  *aux = (vk_aux){.scale = zero ? 1 : most / (float)top, .norm2 = norm2};
  if (rounding != VK_ROUND_KEEPING_LENGTH || zero) return;
  if (form == VK_FORM_DOT) {
    keep_length(values, count, steps, top, code);
    return;
  }
  float length2 = aux->scale * aux->scale * squared_length(code, count);
  aux->norm2 = length2 < __FLT_MAX__ ? length2 : __FLT_MAX__;
}
