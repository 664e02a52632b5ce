#ifndef VK_VECTORS_H
#define VK_VECTORS_H
#include <stddef.h>
#include <stdint.h>
#pragma clang assume_nonnull begin

// Distances from one query to rows as they are stored, in full precision. Smaller is nearer.

/// What distance means.
enum {
  VK_METRIC_COSINE = 0,  ///< 1 - cosine, in 0...2; 1 when either vector is zero
  VK_METRIC_DOT = 1,     ///< minus the inner product
  VK_METRIC_L2 = 2       ///< Euclidean distance (not squared)
};

/// A query with what does not depend on the row worked out. Values are borrowed from the caller.
typedef struct vk_vector_query {
  const float *values;              ///< `dimension` floats
  const int8_t *_Nullable bytes;    ///< the same as signed bytes, where rows are bytes and it fits
  double norm;                      ///< Euclidean length
  uint32_t dimension;               ///< 1...65536
  uint8_t metric;                   ///< VK_METRIC_…
  uint8_t element;                  ///< VK_ELEMENT_… of the rows
  uint8_t careful;                  ///< the length is beyond what float arithmetic carries
} vk_vector_query;

/// Fills `query`, which keeps `values` and perhaps `bytes` (room for `dimension` of them).
///
/// Byte rows are compared in integers, exactly, when every component of the query is a whole number
/// in -128...127; sums of 65536 components fit 32 bits.
void vk_vector_query_prepare(int metric, int element, const float *values, uint32_t dimension,
                             int8_t *bytes, vk_vector_query *query);

/// distances[i] = the distance to the row at rows[i]; rows need no alignment.
///
/// A row's result does not depend on its place in the list nor on which of the two forms is called.
/// Sums are floats; where they overflow or vanish, the row is summed again in doubles.
void vk_distances_gather(const vk_vector_query *query, const void *_Nonnull const *_Nonnull rows,
                         size_t count, float *distances);

/// distances[i] = the distance to the row at base + i * stride.
///
/// Memory is asked for 8 KB ahead, in the end from `after` on, where the scan continues. With that null nothing
/// is asked for: the rows are in a cache.
void vk_distances_scan(const vk_vector_query *query, const void *base, size_t stride, size_t count,
                       const void *_Nullable after, float *distances);

#pragma clang assume_nonnull end
#endif
