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

enum { STEP = 100, LEVEL = 1064 };

// What is known of a component by its byte alone; a hundredth of a step is 1, a level 1064.
typedef struct {
  /// Its level.
  uint8_t level[256];
  /// What it adds to the product of row and error.
  int32_t product[256];
  /// The way to its second nearest level.
  int8_t way[256];
  /// What going there would add; 0 where there is no such level.
  int32_t turn[256];
  /// The same, 0 also where the error is a quarter of a level at most.
  int32_t cheap_turn[256];
} nibble_table;

static void fill(nibble_table *table) {
  for (int code = 0; code < 256; code++) {
    const int32_t level = nibble_of((uint8_t)code), x = code - 128;
    const int32_t error = (2 * level - 15) * (LEVEL / 2) - STEP * x;
    const int32_t way = error > 0 ? -1 : 1;
    const int is_possible = error != 0 && level + way >= 0 && level + way <= 15;
    table->level[code] = (uint8_t)level;
    table->product[code] = x * error;
    table->way[code] = (int8_t)way;
    table->turn[code] = is_possible ? way * LEVEL * x : 0;
    table->cheap_turn[code] = (error < 0 ? -error : error) > LEVEL / 4 ? table->turn[code] : 0;
  }
}

VK_INLINE int64_t magnitude(int64_t value) { return value < 0 ? -value : value; }

/// Moves the level of a component by one.
static void turn(uint8_t *nibbles, uint32_t component, int way) {
  uint8_t *nibble = nibbles + (component / 128) * 64 + (component & 63);
  *nibble = (uint8_t)(*nibble + (component & 64 ? way * 16 : way));
}

VK_INLINE int level_at(const uint8_t *nibbles, uint32_t component) {
  return nibbles[(component / 128) * 64 + (component & 63)] >> (component & 64 ? 4 : 0) & 15;
}

/// As keep_length of 8-bit codes, in integers: components are turned that bring the product of row and
/// error nearer to 0, those that cost little first.
///
/// What a byte decides comes from the table: a branch on it could not be foreseen.
static void keep_length(const uint8_t *code, uint32_t stride, const nibble_table *table,
                        uint8_t *nibbles) {
  int64_t rest = 0;
  for (uint32_t i = 0; i < stride; i++) rest += table->product[code[i]];
  for (uint32_t i = 0; i < stride && magnitude(rest) >= LEVEL; i++) {
    int64_t after = rest + table->cheap_turn[code[i]];
    if (magnitude(after) >= magnitude(rest)) continue;
    turn(nibbles, i, table->way[code[i]]);
    rest = after;
  }
  for (uint32_t i = 0; i < stride && magnitude(rest) >= LEVEL; i++) {
    // What has been turned can be turned back.
    int sign = level_at(nibbles, i) == table->level[code[i]] ? 1 : -1;
    int64_t after = rest + sign * table->turn[code[i]];
    if (magnitude(after) >= magnitude(rest)) continue;
    turn(nibbles, i, sign * table->way[code[i]]);
    rest = after;
  }
}

void vk_pack_nibbles(const uint8_t *codes, uint32_t stride, size_t count, int rounding,
                     uint8_t *nibbles) {
  nibble_table table;
  fill(&table);
  const uint32_t target_stride = vk_nibble_stride(stride);
  for (size_t row = 0; row < count; row++) {
    const uint8_t *source = codes + row * stride;
    uint8_t *target = nibbles + row * target_stride;
    for (uint32_t column = 0; column < target_stride; column += 64) {
      const uint32_t low = 2 * column, high = low + 64;
      for (uint32_t i = 0; i < 64; i++) {
        uint8_t second = high + i < stride ? table.level[source[high + i]] : 0;
        target[column + i] = (uint8_t)(table.level[source[low + i]] | second << 4);
      }
    }
    if (rounding == VK_ROUND_KEEPING_LENGTH) keep_length(source, stride, &table, target);
  }
}

void vk_describe_nibbles(const uint8_t *nibbles, uint32_t nibble_stride, size_t count,
                         const vk_aux *aux, vk_nibble_aux *target) {
  const uint32_t bytes = 64 * vk_prefix_columns(nibble_stride);
  for (size_t row = 0; row < count; row++) {
    const uint8_t *code = nibbles + row * nibble_stride;
    uint32_t odd = 0;
    for (uint32_t i = 0; i < bytes; i++) {
      const int low = 2 * (code[i] & 15) - 15, high = 2 * (code[i] >> 4) - 15;
      odd += (uint32_t)(low * low + high * high);
    }
    target[row] = (vk_nibble_aux){.length = aux[row].scale,
                                  .first = 0.5f * __builtin_sqrtf((float)odd)};
  }
}

/// What a level of a row is, of the row's length.
static float level_of_unit(uint32_t padded) {
  return (float)(10.64 * 4.0 / 127.0 / __builtin_sqrt((double)padded));
}

void vk_nibble_query(const vk_code_query *query, uint32_t padded, vk_code_query *nibble_query) {
  *nibble_query = *query;
  // 7.5 levels are zero; the bias of 8-bit codes is 128 times the sum.
  nibble_query->bias = query->bias / 128 * 15 / 2;
  nibble_query->scale = query->scale * level_of_unit(padded);
}

typedef uint8_t levels __attribute__((ext_vector_type(16)));

/// Whether the high halves of a code's last line are padding: so many levels of 0 are of no row.
static int is_padded(const uint8_t *last) {
  levels any = 0;
  for (uint32_t i = 0; i < 64; i += 16) any |= *(const levels *)(last + i) >> 4;
  for (int k = 0; k < 16; k++) {
    if (any[k]) return 0;
  }
  return 1;
}

void vk_query_from_nibbles(const vk_codes *codes, uint32_t row, int8_t *buffer,
                           vk_code_query *query) {
  const uint32_t stride = codes->stride;
  const uint8_t *code = vk_code_address(codes, row);
  const int padded = is_padded(code + stride - 64);
  // Sixteen at a time, in whatever registers there are; a column adds at most 8 levels of 15 to a lane.
  uint32_t sum = 0;
  for (uint32_t column = 0; column < stride; column += 64) {
    levels total = 0;
    for (uint32_t i = 0; i < 64; i += 16) {
      const levels both = *(const levels *)(code + column + i);
      const levels low = both & 15, high = both >> 4;
      total += low + high;
      *(levels *)(buffer + 2 * column + i) = low * 2 - 15;
      *(levels *)(buffer + 2 * column + 64 + i) = high * 2 - 15;
    }
    for (int k = 0; k < 16; k++) sum += total[k];
  }
  const uint32_t components = 2 * stride - (padded ? 64 : 0);
  if (padded) __builtin_memset(buffer + components, 0, 64);
  // Components are 2 * level - 15; the bias is 7.5 times their sum, which is even.
  const int32_t odd = 2 * (int32_t)sum - 15 * (int32_t)components;
  *query = (vk_code_query){.code = buffer, .bias = odd / 2 * 15, .scale = 1, .norm2 = 0};
  if (vk_is_cosine(codes)) return;
  const float length = vk_nibble_aux_address(codes, row)->length;
  const float level = level_of_unit(components);
  // The query's components are twice its levels.
  query->scale = length * (0.5f * level * level);
  query->norm2 = vk_squared(length);
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
