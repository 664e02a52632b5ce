#ifndef VK_CODING_H
#define VK_CODING_H
#include <stddef.h>
#include <stdint.h>
#pragma clang assume_nonnull begin

// From a vector to its 8-bit code. Every result is bit-identical on every machine: only single IEEE
// operations in a fixed order, without contraction.

struct vk_code_query;
struct vk_aux;

/// A seeded orthogonal map of `padded` components, by which every component carries alike.
///
/// Each round multiplies by the round's factors and applies a Hadamard transform to one window of
/// `window` components. A factor is a random sign, times 1/sqrt(window) inside the round's window.
/// Where `padded` is a power of two the window is everything, in 3 rounds; otherwise there are 4
/// and the window alternates between the start and the end of the vector.
typedef struct vk_rotation {
  const float *factors;  ///< rounds * padded floats, 64-byte aligned
  uint32_t padded;       ///< the dimension rounded up to a multiple of 64
  uint32_t window;       ///< the largest power of two up to `padded`
  uint32_t rounds;
} vk_rotation;

/// The dimension rounded up to a multiple of 64: bytes of a code, floats of a rotated vector.
static inline uint32_t vk_padded(uint32_t dimension) { return (dimension + 63u) & ~63u; }
/// Floats that vk_rotation_prepare writes for this dimension.
size_t vk_rotation_factor_count(uint32_t dimension);
/// Fills `rotation`, which keeps `factors` (64-byte aligned), from a SplitMix64 of `seed`.
void vk_rotation_prepare(uint64_t seed, uint32_t dimension, float *factors, vk_rotation *rotation);
/// Rotates `padded` floats (64-byte aligned) in place.
void vk_rotate(const vk_rotation *rotation, float *values);

/// Codes `count` rows at base + i * row_stride into codes + i * padded.
///
/// Under VK_FORM_COSINE a component of the unit vector is 4/127/sqrt(padded) per step and clamped
/// to 127 steps. So it is with VK_FORM_NIBBLES, for codes that 4-bit ones are to be made of, whatever
/// the metric; aux[i].scale is then the row's length. Otherwise the row's largest component is 127
/// steps and aux[i] says how long a step is.
/// - rounding: VK_ROUND_….
/// - element: VK_ELEMENT_… of the rows, `dimension` components each, no alignment needed.
/// - scratch: `padded` floats, 64-byte aligned.
void vk_encode_rows(const vk_rotation *rotation, int form, int rounding, int element,
                    uint32_t dimension, const void *base, size_t row_stride, size_t count,
                    float *scratch, uint8_t *codes, struct vk_aux *_Nullable aux);

/// Codes a query of `dimension` floats into `buffer` (`padded` signed bytes, 64-byte aligned), as a row of its
/// own length; a narrow one, for 8-bit codes, has 63 steps where a row has 127.
void vk_encode_query(const vk_rotation *rotation, int form, int rounding, int is_narrow,
                     uint32_t dimension, const float *values, float *scratch, int8_t *buffer,
                     struct vk_code_query *query);

#pragma clang assume_nonnull end
#endif
