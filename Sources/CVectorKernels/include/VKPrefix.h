// The first columns of codes: enough to tell of most rows that they are not near.
#ifndef VK_PREFIX_H
#define VK_PREFIX_H
#include <stddef.h>
#include <stdint.h>
#pragma clang assume_nonnull begin

struct vk_codes;
struct vk_code_query;

/// How many columns of 64 bytes of codes of `stride` bytes are looked at first; 0: such codes are read at once.
/// What is kept of rows depends on it.
static inline uint32_t vk_prefix_columns(uint32_t stride) {
  const uint32_t columns = stride / 64;
  // Of two too few are saved: 10 % fewer queries. Of long codes less than a quarter tells too little, more is
  // read of too many.
  return columns < 3 ? 0 : columns < 8 ? 1 : columns / 4;
}

/// Whether a search over `codes` is quicker by looking at first columns first.
///
/// The machine decides, not the instruction set in use, so that a forced one changes no answer. Graphs, which
/// are the same on all machines, are built by looking whatever this says.
int vk_prefix_pays(const struct vk_codes *codes);

/// What a query has in the first `columns` times 64 bytes of the codes that it is scored against.
///
/// Codes are of rotated vectors, so that what lies in these columns is a random part of them, and says what
/// the whole product will be about: the hypothesis test of ADSampling (Gao & Long, SIGMOD 2023), for inner
/// products with what the query's own part is known to be, and where the row's own is kept with that.
typedef struct vk_prefix {
  uint32_t columns;  ///< 0: codes too short, or 8-bit ones with an aux, or a query of zeros
  int32_t bias;      ///< what the product of unsigned bytes has too much

  // Under VK_FORM_COSINE:
  float share;   ///< of the squared length of the query, in 0...1
  float spread;  ///< a standard deviation of the product of a row at a right angle
  float length;  ///< the product of a row in the direction of the query
  float error2;  ///< the squared length of a code's error, of that of a row

  // Otherwise:
  float part;     ///< the length of the query
  float inverse;  ///< one by the product of a whole row in the direction of the query
  float scatter;  ///< how far a row at a right angle may seem to be from that, as a cosine
} vk_prefix;

/// Fills `prefix` for scoring rows of `codes` for `query`. The same on every instruction set.
void vk_prefix_prepare(const struct vk_codes *codes, const struct vk_code_query *query,
                       vk_prefix *prefix);

/// Under VK_FORM_COSINE the least product in the prefix of rows whose key may be below `key`, but for one in
/// fifteen of those that just are.
int32_t vk_prefix_least(const vk_prefix *prefix, uint32_t key);

/// Keeps those of `rows`, in their order, whose key may be below `key` by their product in the prefix, but for
/// one in fifteen of those that just are; returns how many. `prefix->columns` is not 0, and `rows` has room for
/// `count` rounded up to a multiple of 4.
size_t vk_prefix_filter(const struct vk_codes *codes, const struct vk_code_query *query,
                        const vk_prefix *prefix, uint32_t key, uint32_t *rows, size_t count);

#pragma clang assume_nonnull end
#endif
