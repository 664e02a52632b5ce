// Scores of 4-bit codes: half the memory of a walk, for codes long enough to bear it.
#include "Codes.h"

// A component's byte is component * sqrt(n) * 127 / 4 + 128. For normally distributed components of
// unit variance sixteen levels 0.335 apart lose the least (Max 1960), here 10.64 steps of a byte.
static uint8_t nibble_of(uint8_t code) {
  // (code - 128) / 10.64 + 7.5, rounded, in sixteenths of integers so that it is exact everywhere.
  int32_t scaled = ((int32_t)code - 128) * 100 + 7980;
  int32_t level = (scaled + 532) / 1064;
  if (scaled + 532 < 0) level = 0;
  return (uint8_t)(level > 15 ? 15 : level);
}

/// As keep_length of 8-bit codes, in integers: a hundredth of a step is 1, a level 1064.
static void keep_length(const uint8_t *code, uint32_t stride, uint8_t *nibbles) {
  enum { STEP = 100, LEVEL = 1064 };
  int64_t rest = 0;
  for (uint32_t i = 0; i < stride; i++) {
    int32_t x = (int32_t)code[i] - 128;
    int32_t level = nibbles[(i / 128) * 64 + (i & 63)] >> (i & 64 ? 4 : 0) & 15;
    rest += (int64_t)x * ((2 * level - 15) * (LEVEL / 2) - STEP * x);
  }
  for (int32_t least = LEVEL / 4; least >= 0; least -= LEVEL / 4) {
    for (uint32_t i = 0; i < stride; i++) {
      if (rest > -LEVEL && rest < LEVEL) return;
      uint8_t *nibble = nibbles + (i / 128) * 64 + (i & 63);
      const int shift = i & 64 ? 4 : 0;
      int32_t x = (int32_t)code[i] - 128, level = *nibble >> shift & 15;
      int32_t error = (2 * level - 15) * (LEVEL / 2) - STEP * x;
      int32_t turn = error > 0 ? -1 : 1;
      int64_t after = rest + (int64_t)turn * LEVEL * x;
      if ((error < 0 ? -error : error) <= least || level + turn < 0 || level + turn > 15) continue;
      if ((after < 0 ? -after : after) >= (rest < 0 ? -rest : rest)) continue;
      *nibble = (uint8_t)((*nibble & ~(15 << shift)) | (level + turn) << shift);
      rest = after;
    }
  }
}

void vk_pack_nibbles(const uint8_t *codes, uint32_t stride, size_t count, int rounding,
                     uint8_t *nibbles) {
  uint8_t table[256];
  for (int i = 0; i < 256; i++) table[i] = nibble_of((uint8_t)i);
  const uint32_t target_stride = vk_nibble_stride(stride);
  for (size_t row = 0; row < count; row++) {
    const uint8_t *source = codes + row * stride;
    uint8_t *target = nibbles + row * target_stride;
    for (uint32_t column = 0; column < target_stride; column += 64) {
      const uint32_t low = 2 * column, high = low + 64;
      for (uint32_t i = 0; i < 64; i++) {
        uint8_t second = high + i < stride ? table[source[high + i]] : 0;
        target[column + i] = (uint8_t)(table[source[low + i]] | second << 4);
      }
    }
    if (rounding == VK_ROUND_KEEPING_LENGTH) keep_length(source, stride, target);
  }
}

void vk_nibble_query(const vk_code_query *query, vk_code_query *nibble_query) {
  *nibble_query = *query;
  // 7.5 levels are zero; the bias of 8-bit codes is 128 times the sum.
  nibble_query->bias = query->bias / 128 * 15 / 2;
}

void vk_score_codes_nibbles_scalar(const vk_codes *codes, const vk_code_query *query,
                                   const uint32_t *rows, size_t count, uint32_t *keys) {
  for (size_t i = 0; i < count; i++) {
    const uint8_t *row = vk_code_address(codes, rows[i]);
    int32_t sum = 0;
    for (uint32_t k = 0; k < codes->stride; k++) {
      const int8_t *q = query->code + 2 * (k & ~63u) + (k & 63);
      sum += (row[k] & 15) * q[0] + (row[k] >> 4) * q[64];
    }
    keys[i] = vk_key_of(codes, query, rows[i], sum - query->bias);
  }
}

void vk_score_nibbles(const vk_codes *codes, const vk_code_query *query, const uint32_t *rows,
                      size_t count, uint32_t *keys) {
  VK_DISPATCH(vk_score_codes_nibbles, codes, query, rows, count, keys);
}
