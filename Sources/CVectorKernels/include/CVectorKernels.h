#ifndef CVECTORKERNELS_H
#define CVECTORKERNELS_H
#include <stddef.h>
#include <stdint.h>

// The kernels of the search: distances between full-precision vectors, and scores of 8-bit codes.
// One function per instruction set behind each entry; the scalar one is the specification.

/// How a code's integer dot product becomes a key by which smaller means nearer.
enum {
  VK_FORM_COSINE = 0,  ///< unit vectors on one fixed scale: key orders by -dot; no aux
  VK_FORM_DOT = 1,     ///< key orders by -(row scale * dot)
  VK_FORM_L2 = 2,      ///< key orders by row norm2 - 2 * query scale * row scale * dot
  /// Added to one of the others: for the 4-bit codes of VKNibbles.h, whose scale is the row's length.
  VK_FORM_NIBBLES = 4
};

/// Whether codes of this form are 4-bit ones.
static inline int vk_has_nibbles(uint32_t form) { return (form & VK_FORM_NIBBLES) != 0; }
/// The form without the width of codes.
static inline uint32_t vk_metric_form(uint32_t form) { return form & 3; }

/// How components become the steps of a code.
enum {
  VK_ROUND_NEAREST = 0,  ///< each to the nearest step; norm2 is the row's
  /// A few to the second nearest, so that a code's product with its own row is the row's squared length;
  /// under VK_FORM_L2 all to the nearest, and norm2 is the code's. Then what rounding does to a distance
  /// shrinks with the distance; otherwise it is as large between neighbours as between strangers.
  VK_ROUND_KEEPING_LENGTH = 1
};

/// What a row's code alone does not say; unused under VK_FORM_COSINE.
typedef struct vk_aux {
  float scale;  ///< a component is about scale * (code - 128)
  float norm2;  ///< squared Euclidean length of the row, or of its code (VK_ROUND_…)
} vk_aux;

/// The same of a 4-bit code, in its place.
typedef struct vk_nibble_aux {
  float length;  ///< Euclidean length of the row
  float first;   ///< length of the first lines of its code (vk_prefix_columns), in levels
} vk_nibble_aux;

/// Where the codes of the rows of one collection are; 4-bit ones are laid out as VKNibbles.h says.
///
/// Row r's code starts at directory[r >> shift] + (r & ((1 << shift) - 1)) * stride: `stride` bytes
/// (a multiple of 64, 64-byte aligned), component + 128 each, padded with 128 (that is zero).
/// Its vk_aux or vk_nibble_aux is at directory[r >> shift] + aux_offset + (r & mask) * 8.
typedef struct vk_codes {
  const uint64_t *directory;
  uint32_t shift;
  uint32_t stride;
  uint32_t form;
  uint32_t aux_offset;
} vk_codes;

/// A query against codes: vk_query_stride signed bytes (64-byte aligned) with what completes the key.
typedef struct vk_code_query {
  const int8_t *code;
  int32_t bias;  ///< 128 (4-bit codes: 7.5) * sum of code, subtracted from the unsigned dot product
  float scale;
  float norm2;
  /// Whether all components are within ±64, as those of a coded vector for 8-bit codes are: two products
  /// with bytes then fit 16 bits, in which AVX2 adds them up. The sums are the same in any case.
  int32_t is_narrow;
} vk_code_query;

/// The address of a row's code.
static inline const uint8_t *vk_code_address(const vk_codes *codes, uint32_t row) {
  uint64_t base = codes->directory[row >> codes->shift];
  return (const uint8_t *)(base + (uint64_t)(row & ((1u << codes->shift) - 1)) * codes->stride);
}

/// Asks the second-level cache, which can wait for more lines at a time than the first, for all that the
/// key of a row is made of.
static inline void vk_prefetch_code(const vk_codes *codes, uint32_t row) {
  const uint8_t *p = vk_code_address(codes, row);
  for (uint32_t i = 0; i < codes->stride; i += 64) __builtin_prefetch(p + i, 0, 2);
  if (vk_metric_form(codes->form) == VK_FORM_COSINE) return;
  uint64_t aux = codes->directory[row >> codes->shift] + codes->aux_offset;
  __builtin_prefetch((const vk_aux *)aux + (row & ((1u << codes->shift) - 1)), 0, 2);
}

/// The same for `count` rows, of each `lines` lines from the code's line `first` on, with what goes beside the
/// code where that is the first line; a constant where the loop over them is to be unrolled.
static inline __attribute__((always_inline)) void vk_prefetch_each(
    const vk_codes *codes, const uint32_t *rows, size_t count, uint32_t first, uint32_t lines) {
  const uint64_t *directory = codes->directory;
  const uint32_t shift = codes->shift, mask = (1u << shift) - 1, stride = codes->stride;
  const int has_aux = first == 0 && vk_metric_form(codes->form) != VK_FORM_COSINE;
  for (size_t i = 0; i < count; i++) {
    const uint64_t base = directory[rows[i] >> shift], place = rows[i] & mask;
    const char *code = (const char *)(base + place * stride) + 64 * first;
    for (uint32_t k = 0; k < lines; k++) __builtin_prefetch(code + 64 * k, 0, 2);
    if (has_aux) __builtin_prefetch((const vk_aux *)(base + codes->aux_offset) + place, 0, 2);
  }
}

/// `vk_prefetch_code` for `count` rows, of each the lines from `first` to before `end`.
static inline void vk_prefetch_codes(const vk_codes *codes, const uint32_t *rows, size_t count,
                                     uint32_t first, uint32_t end) {
  switch (end - first) {
    case 1: vk_prefetch_each(codes, rows, count, first, 1); break;
    case 2: vk_prefetch_each(codes, rows, count, first, 2); break;
    case 3: vk_prefetch_each(codes, rows, count, first, 3); break;
    case 4: vk_prefetch_each(codes, rows, count, first, 4); break;
    default: vk_prefetch_each(codes, rows, count, first, end - first);
  }
}

/// Asks the second-level cache for `lines` 64-byte lines from `address` on.
static inline void vk_prefetch_lines(const void *address, uint32_t lines) {
  for (uint32_t i = 0; i < lines; i++) __builtin_prefetch((const char *)address + 64 * i, 0, 2);
}

/// The distance that a key stands for, as near as codes of `padded` components can tell; under
/// VK_FORM_L2 its square, which may come out below zero.
/// - form: VK_FORM_… of the codes that were scored.
float vk_estimated_order(int form, uint32_t padded, const vk_code_query *query, uint32_t key);

/// The largest key that stands for no more than `order`, up to rounding: the inverse of
/// `vk_estimated_order`, or UINT32_MAX where every key does.
uint32_t vk_key_of_estimated_order(int form, uint32_t padded, const vk_code_query *query,
                                   float order);

/// Maps a finite float to an unsigned integer of the same order.
static inline uint32_t vk_ordered_key(float x) {
  union { float f; uint32_t u; } v = { x };
  return v.u & 0x80000000u ? ~v.u : v.u | 0x80000000u;
}

/// The float that `vk_ordered_key` was given.
static inline float vk_of_ordered_key(uint32_t key) {
  union { uint32_t u; float f; } v = { key & 0x80000000u ? key ^ 0x80000000u : ~key };
  return v.f;
}

/// keys[i] = the key of row rows[i] for the query, smaller is nearer; bit-identical on every
/// instruction set, since the dot product is an integer and the rest is a fixed sequence of single
/// IEEE operations (no contraction).
void vk_score_codes(const vk_codes *codes, const vk_code_query *query, const uint32_t *rows,
                    size_t count, uint32_t *keys);

/// Bytes of a query for these codes: one a component.
static inline uint32_t vk_query_stride(const vk_codes *codes) {
  return vk_has_nibbles(codes->form) ? 2 * codes->stride : codes->stride;
}

/// Fills `query` from a row's own code, for scoring rows against rows. `buffer`: vk_query_stride bytes,
/// aligned to 64.
///
/// From a 4-bit code come the levels as odd numbers from -15 to 15, so that under VK_FORM_COSINE the keys of
/// such queries are comparable among themselves alone. What pads a row is nothing to them.
void vk_query_from_row(const vk_codes *codes, uint32_t row, int8_t *buffer, vk_code_query *query);

/// Instruction sets, in rising order of preference on their architecture.
enum { VK_ISA_SCALAR = 0, VK_ISA_AVX2 = 1, VK_ISA_AVX512 = 2, VK_ISA_NEON = 3 };
/// Whether this machine has the instruction set.
int vk_isa_available(int isa);
/// The one in use by the dispatching functions; the best available unless forced.
int vk_isa_current(void);
/// Forces an available instruction set on all dispatching functions of the process (tests, benchmarks).
/// Returns 0, or -1 when it is not available.
int vk_isa_force(int isa);

#include "CandidatePool.h"
#include "VKChecksum.h"
#include "VKCoding.h"
#include "VKNibbles.h"
#include "VKPrefix.h"
#include "VKReading.h"
#include "VKConversion.h"
#include "VKVectors.h"
#endif
