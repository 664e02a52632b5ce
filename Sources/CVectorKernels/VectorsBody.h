// The body of the kernels of Vectors.h, included once by each instruction set after it has defined
//   TARGET    the attribute of its functions
//   lanes     a vector of WIDTH floats: zeros(), load(element, row, i), load_tail(…, count),
//             difference(a, b), product_sum(a, b, sum), store_sums(lanes[4], float[4])
//   words     a vector of WORDS 16-bit integers: load_words(row, i), load_words_tail(…, count),
//             word_difference(a, b)
//   integers  their 32-bit sums: integer_zeros(), word_product_sum(a, b, sum),
//             store_integer_sums(integers[4], uint32_t[4])
// One row has one accumulator and four rows go together: the additions of the four overlap, and a
// row's result does not depend on its neighbours. Rows that come from memory are read one after the
// other all the same: as one stream, not as four, they come up to a tenth sooner (Zen 5).

#pragma STDC FP_CONTRACT OFF

TARGET VK_INLINE void add_floats(lanes q, lanes x, lanes *value, lanes *norm, int metric) {
  if (metric == VK_METRIC_L2) {
    lanes d = difference(q, x);
    *value = product_sum(d, d, *value);
  } else {
    *value = product_sum(q, x, *value);
  }
  if (metric == VK_METRIC_COSINE) *norm = product_sum(x, x, *norm);
}

/// The whole lines of a row, while as much memory is asked for from `next` on; returns where they end.
TARGET VK_INLINE size_t stream_floats(const char *q, const char *row, size_t count, size_t line,
                                      const char *next, lanes *value, lanes *norm, int element,
                                      int metric) {
  size_t i = 0;
  // Unrolled, since the processor looks only so many instructions ahead.
#pragma clang loop unroll_count(4)
  for (; i + line <= count; i += line) {
    __builtin_prefetch(next + i / line * 64);
    for (size_t j = i; j < i + line; j += WIDTH) {
      add_floats(load(VK_ELEMENT_F32, q, j), load(element, row, j), value, norm, metric);
    }
  }
  return i;
}

TARGET VK_INLINE void four_floats(const vk_vector_query *query, const void *const pointers[4],
                                  float values[4], float norms[4], int element, int metric,
                                  const char *next) {
  const char *const rows[4] = {pointers[0], pointers[1], pointers[2], pointers[3]};
  const char *q = (const char *)query->values;
  const size_t count = query->dimension;
  const size_t bytes = element == VK_ELEMENT_F32 ? 4 : element == VK_ELEMENT_F16 ? 2 : 1;
  // Components in a cache line of a row, or a vector where that is more.
  const size_t line = 64 / bytes < WIDTH ? WIDTH : 64 / bytes;
  lanes value[4], norm[4];
  for (int k = 0; k < 4; k++) value[k] = norm[k] = zeros();
  size_t i = 0;
  if (next) {
    for (int k = 0; k < 4; k++) {
      i = stream_floats(q, rows[k], count, line, next, &value[k], &norm[k], element, metric);
      next += i / line * 64;
    }
  }
  for (; i + WIDTH <= count; i += WIDTH) {
    lanes part = load(VK_ELEMENT_F32, q, i);
    for (int k = 0; k < 4; k++) {
      add_floats(part, load(element, rows[k], i), &value[k], &norm[k], metric);
    }
  }
  if (i < count) {
    lanes part = load_tail(VK_ELEMENT_F32, q, i, count - i);
    for (int k = 0; k < 4; k++) {
      add_floats(part, load_tail(element, rows[k], i, count - i), &value[k], &norm[k], metric);
    }
  }
  store_sums(value, values);
  if (metric == VK_METRIC_COSINE) store_sums(norm, norms);
}

TARGET VK_INLINE void add_words(words q, words x, integers *value, integers *norm, int metric) {
  if (metric == VK_METRIC_L2) {
    words d = word_difference(q, x);
    *value = word_product_sum(d, d, *value);
  } else {
    *value = word_product_sum(q, x, *value);
  }
  if (metric == VK_METRIC_COSINE) *norm = word_product_sum(x, x, *norm);
}

/// As `stream_floats`, for all but what is left over of a row.
TARGET VK_INLINE size_t stream_words(const char *q, const char *row, size_t count, const char *next,
                                     integers *value, integers *norm, int metric) {
  size_t i = 0;
#pragma clang loop unroll_count(4)
  for (; i + WORDS <= count; i += WORDS) {
    if (i % 64 == 0) __builtin_prefetch(next + i);
    add_words(load_words(q, i), load_words(row, i), value, norm, metric);
  }
  return i;
}

TARGET VK_INLINE void four_integers(const vk_vector_query *query, const void *const pointers[4],
                                    float values[4], float norms[4], int metric, const char *next) {
  const char *const rows[4] = {pointers[0], pointers[1], pointers[2], pointers[3]};
  const char *q = (const char *)query->bytes;
  const size_t count = query->dimension;
  integers value[4], norm[4];
  for (int k = 0; k < 4; k++) value[k] = norm[k] = integer_zeros();
  size_t i = 0;
  if (next) {
    for (int k = 0; k < 4; k++) {
      i = stream_words(q, rows[k], count, next, &value[k], &norm[k], metric);
      next += i;
    }
  }
  for (; i + WORDS <= count; i += WORDS) {
    words part = load_words(q, i);
    for (int k = 0; k < 4; k++) {
      add_words(part, load_words(rows[k], i), &value[k], &norm[k], metric);
    }
  }
  if (i < count) {
    words part = load_words_tail(q, i, count - i);
    for (int k = 0; k < 4; k++) {
      add_words(part, load_words_tail(rows[k], i, count - i), &value[k], &norm[k], metric);
    }
  }
  // Squares of 65536 differences fill 32 bits but no more; products are signed.
  uint32_t sums[4];
  store_integer_sums(value, sums);
  for (int k = 0; k < 4; k++) {
    values[k] = metric == VK_METRIC_L2 ? (float)sums[k] : (float)(int32_t)sums[k];
  }
  if (metric != VK_METRIC_COSINE) return;
  store_integer_sums(norm, sums);
  for (int k = 0; k < 4; k++) norms[k] = (float)sums[k];
}

#define FLOATS(name, element, metric)                                                        \
  TARGET static void name(const vk_vector_query *query, const void *const rows[4],           \
                          const char *next, float values[4], float norms[4]) {               \
    if (next) {                                                                              \
      four_floats(query, rows, values, norms, element, metric, next);                        \
    } else {                                                                                 \
      four_floats(query, rows, values, norms, element, metric, NULL);                        \
    }                                                                                        \
  }
#define INTEGERS(name, metric)                                                               \
  TARGET static void name(const vk_vector_query *query, const void *const rows[4],           \
                          const char *next, float values[4], float norms[4]) {               \
    if (next) {                                                                              \
      four_integers(query, rows, values, norms, metric, next);                               \
    } else {                                                                                 \
      four_integers(query, rows, values, norms, metric, NULL);                               \
    }                                                                                        \
  }

FLOATS(f32_cosine, VK_ELEMENT_F32, VK_METRIC_COSINE)
FLOATS(f32_dot, VK_ELEMENT_F32, VK_METRIC_DOT)
FLOATS(f32_l2, VK_ELEMENT_F32, VK_METRIC_L2)
FLOATS(f16_cosine, VK_ELEMENT_F16, VK_METRIC_COSINE)
FLOATS(f16_dot, VK_ELEMENT_F16, VK_METRIC_DOT)
FLOATS(f16_l2, VK_ELEMENT_F16, VK_METRIC_L2)
FLOATS(i8_cosine, VK_ELEMENT_I8, VK_METRIC_COSINE)
FLOATS(i8_dot, VK_ELEMENT_I8, VK_METRIC_DOT)
FLOATS(i8_l2, VK_ELEMENT_I8, VK_METRIC_L2)
INTEGERS(integer_cosine, VK_METRIC_COSINE)
INTEGERS(integer_dot, VK_METRIC_DOT)
INTEGERS(integer_l2, VK_METRIC_L2)

/// The initialiser of the instruction set's table.
#define FOURS                                                                 \
  {{f32_cosine, f32_dot, f32_l2}, {f16_cosine, f16_dot, f16_l2},              \
   {i8_cosine, i8_dot, i8_l2}, {integer_cosine, integer_dot, integer_l2}}
