// The first columns of cosine codes: enough to tell of most rows that they are not near.
#ifndef VK_PREFIX_H
#define VK_PREFIX_H
#include <stddef.h>
#include <stdint.h>
#pragma clang assume_nonnull begin

struct vk_codes;
struct vk_code_query;

/// What a query has in the first `columns` times 64 bytes of the codes that it is scored against.
///
/// Codes are of rotated vectors, so that what lies in these columns is a random part of them, and says what
/// the whole product will be about: the hypothesis test of ADSampling (Gao & Long, SIGMOD 2023), for inner
/// products with what the query's own part is known to be.
typedef struct vk_prefix {
  uint32_t columns;  ///< 0: codes too short, or of another form, or a query of zeros
  int32_t bias;      ///< what the product of unsigned bytes has too much
  int32_t offset;    ///< what padding adds to every product of whole codes
  float share;       ///< of the squared length of the query, in 0...1
  float spread;      ///< a standard deviation of the product of a row at a right angle
  float length;      ///< the product of a row in the direction of the query
  float error2;      ///< the squared length of a code's error, of that of a row
} vk_prefix;

/// Fills `prefix` for scoring rows of `codes` for `query`. The same on every instruction set.
void vk_prefix_prepare(const struct vk_codes *codes, const struct vk_code_query *query,
                       vk_prefix *prefix);

/// The least product in the prefix of rows whose key may be below `key`, but for one in fifteen of those that
/// just are.
int32_t vk_prefix_least(const vk_prefix *prefix, uint32_t key);

/// Keeps those of `rows`, in their order, whose product in the prefix is at least `least`; returns how many.
/// `prefix->columns` is not 0.
size_t vk_prefix_filter(const struct vk_codes *codes, const struct vk_code_query *query,
                        const vk_prefix *prefix, int32_t least, uint32_t *rows, size_t count);

#pragma clang assume_nonnull end
#endif
