// The loops over rows, included once by each instruction set after it has defined
//   TARGET, NAME(x)
//   kept_query  what stays of the query in registers: keep(query, columns)
//   dots        the four sums of bytes times query: dots(query, rows[4], columns)
//   ROW_BIAS    1 where dots() are of the unsigned bytes, 0 where they are of byte - 128
//   HAS_NIBBLES 1 for 4-bit codes, otherwise not at all
// where a column is 64 bytes, and `columns` a constant for codes of up to eight, so that the loop over them
// is unrolled.

#ifndef HAS_NIBBLES
#define HAS_NIBBLES 0
#endif

/// See vk_squared.
TARGET VK_INLINE four_floats squares(four_floats lengths) {
#pragma STDC FP_CONTRACT OFF
  const four_floats most = {__FLT_MAX__, __FLT_MAX__, __FLT_MAX__, __FLT_MAX__};
  four_floats square = lengths * lengths;
  four_ints small = square < most;
  return (four_floats)((small & (four_ints)square) | (~small & (four_ints)most));
}

/// The keys of four rows whose step and length, or length alone, are kept beside their codes; see vk_key_of.
TARGET VK_INLINE four_keys other_keys(const vk_codes *codes, const vk_code_query *query,
                                      const uint32_t *rows, four_ints exact) {
#pragma STDC FP_CONTRACT OFF
  const vk_aux *a = vk_aux_address(codes, rows[0]), *b = vk_aux_address(codes, rows[1]);
  const vk_aux *c = vk_aux_address(codes, rows[2]), *d = vk_aux_address(codes, rows[3]);
  const four_floats scale = {a->scale, b->scale, c->scale, d->scale};
  const four_floats second = {a->norm2, b->norm2, c->norm2, d->norm2};
  const four_floats norm2 = HAS_NIBBLES ? squares(scale) : second;
  const float twice = 2.0f * query->scale;
  four_floats product = scale * __builtin_convertvector(exact, four_floats);
  four_floats cross = product * twice;
  four_floats order = vk_metric_form(codes->form) == VK_FORM_DOT ? -product : norm2 - cross;
  // vk_ordered_key: all bits of a negative number are turned, of another one the sign.
  four_ints bits = (four_ints)order;
  return (four_keys)bits ^ ((four_keys)(bits >> 31) | 0x80000000u);
}

TARGET VK_INLINE four_keys keys_of(const vk_codes *codes, const vk_code_query *query,
                                   const kept_query *kept, const uint32_t *rows,
                                   uint32_t columns) {
  const uint8_t *const addresses[4] = {
      vk_code_address(codes, rows[0]), vk_code_address(codes, rows[1]),
      vk_code_address(codes, rows[2]), vk_code_address(codes, rows[3])};
  four_ints sums = dots(kept, addresses, columns);
  const int32_t taken = ROW_BIAS ? query->bias : 0;
  four_ints bias = {taken, taken, taken, taken};
  if (vk_is_cosine(codes)) return (four_keys)(bias - sums) ^ 0x80000000u;
  return other_keys(codes, query, rows, sums - bias);
}

/// The keys of up to three rows.
TARGET VK_INLINE void score_few(const vk_codes *codes, const vk_code_query *query,
                                const kept_query *kept, const uint32_t *rows, size_t count,
                                uint32_t *keys, uint32_t columns) {
  if (count == 0) return;
  const uint32_t padded[4] = {rows[0], rows[count > 1 ? 1 : 0], rows[count > 2 ? 2 : 0], rows[0]};
  four_keys result = keys_of(codes, query, kept, padded, columns);
  for (size_t k = 0; k < count; k++) keys[k] = result[k];
}

TARGET VK_INLINE void score(const vk_codes *codes, const vk_code_query *query, const uint32_t *rows,
                            size_t count, uint32_t *keys, uint32_t columns) {
  const kept_query kept = keep(query, columns);
  if (count < 4) {
    score_few(codes, query, &kept, rows, count, keys, columns);
    return;
  }
  // The last four overlap those before: how many would be left over cannot be foreseen.
  const size_t last = count - 4;
  for (size_t i = 0; i < last + 4; i += 4) {
    const size_t start = i < last ? i : last;
    four_keys result = keys_of(codes, query, &kept, rows + start, columns);
    __builtin_memcpy(keys + start, &result, sizeof result);
  }
}

#define WITH_COLUMNS(call)                        \
  switch (codes->stride / 64) {                   \
    case 1: { enum { N = 1 }; call; break; }      \
    case 2: { enum { N = 2 }; call; break; }      \
    case 3: { enum { N = 3 }; call; break; }      \
    case 4: { enum { N = 4 }; call; break; }      \
    case 5: { enum { N = 5 }; call; break; }      \
    case 6: { enum { N = 6 }; call; break; }      \
    case 7: { enum { N = 7 }; call; break; }      \
    case 8: { enum { N = 8 }; call; break; }      \
    default: { uint32_t N = codes->stride / 64; call; } \
  }

/// The least products of four rows of 4-bit codes whose key may be below `worst`; see least_of_row.
TARGET VK_INLINE four_floats least_of_rows(const vk_codes *codes, const vk_code_query *query,
                                           const vk_prefix *prefix, float worst,
                                           const uint32_t *rows) {
#pragma STDC FP_CONTRACT OFF
  const vk_nibble_aux *a = vk_nibble_aux_address(codes, rows[0]);
  const vk_nibble_aux *b = vk_nibble_aux_address(codes, rows[1]);
  const vk_nibble_aux *c = vk_nibble_aux_address(codes, rows[2]);
  const vk_nibble_aux *d = vk_nibble_aux_address(codes, rows[3]);
  const four_floats length = {a->length, b->length, c->length, d->length};
  const four_floats first = {a->first, b->first, c->first, d->first};
  const four_floats none = {0, 0, 0, 0};
  const int is_dot = vk_metric_form(codes->form) == VK_FORM_DOT;
  const float twice = 2.0f * query->scale;
  four_floats needed = is_dot ? none - worst : squares(length) - worst;
  four_floats unit = is_dot ? length : twice * length;
  four_floats cosine = needed / unit * prefix->inverse;
  four_floats square = cosine * cosine;
  four_floats aside = 1.0f - square;
  aside = (four_floats)((four_ints)aside & (aside > none));
  four_floats margin = prefix->scatter * aside;
  return prefix->part * first * (cosine - margin);
}

/// The first `columns` of codes against what a query has there; see vk_prefix_filter.
TARGET VK_INLINE size_t filter(const vk_codes *codes, const vk_code_query *query,
                               const vk_prefix *prefix, uint32_t key, uint32_t *rows, size_t count,
                               uint32_t columns) {
  const kept_query kept = keep(query, columns);
  const int32_t taken = ROW_BIAS ? prefix->bias : 0;
  const four_ints bias = {taken, taken, taken, taken};
  const int is_cosine = !HAS_NIBBLES || vk_is_cosine(codes);
  const int32_t least = is_cosine ? vk_prefix_least(prefix, key) : 0;
  const float worst = vk_of_ordered_key(key);
  size_t near = 0;
  for (size_t i = 0; i < count; i += 4) {
    const int32_t present = count - i < 4 ? (int32_t)(count - i) : 4;
    const uint32_t group[4] = {rows[i], rows[present > 1 ? i + 1 : i],
                               rows[present > 2 ? i + 2 : i], rows[present > 3 ? i + 3 : i]};
    const uint8_t *const addresses[4] = {
        vk_code_address(codes, group[0]), vk_code_address(codes, group[1]),
        vk_code_address(codes, group[2]), vk_code_address(codes, group[3])};
    const four_ints products = dots(&kept, addresses, columns) - bias;
    const four_ints near_enough =
        is_cosine ? products >= least
                  : __builtin_convertvector(products, four_floats) >=
                        least_of_rows(codes, query, prefix, worst, group);
    const four_ints lanes = {0, 1, 2, 3};
    const four_ints enough = near_enough & (lanes < present);
    // Written in any case, since whether a row is near cannot be predicted.
    for (size_t k = 0; k < 4; k++) {
      rows[near] = group[k];
      near += (size_t)(enough[k] & 1);
    }
  }
  return near;
}

TARGET size_t NAME(vk_prefix_filter)(const vk_codes *codes, const vk_code_query *query,
                                     const vk_prefix *prefix, uint32_t key, uint32_t *rows,
                                     size_t count) {
  switch (prefix->columns) {
    case 1: return filter(codes, query, prefix, key, rows, count, 1);
    case 2: return filter(codes, query, prefix, key, rows, count, 2);
    case 3: return filter(codes, query, prefix, key, rows, count, 3);
    default: return filter(codes, query, prefix, key, rows, count, prefix->columns);
  }
}

TARGET void NAME(vk_score_codes)(const vk_codes *codes, const vk_code_query *query,
                                 const uint32_t *rows, size_t count, uint32_t *keys) {
  WITH_COLUMNS(score(codes, query, rows, count, keys, N))
}
