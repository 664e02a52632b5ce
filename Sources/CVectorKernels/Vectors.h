// Inner kernels of the full-precision distances: one call measures four rows.
#ifndef VK_VECTORS_INTERNAL_H
#define VK_VECTORS_INTERNAL_H
#include "Dispatch.h"

/// Sums over four rows at once: under dot and cosine the inner products, under L2 the squared
/// distances; under cosine also the rows' squared lengths. Rows in a cache have `next` null; of others
/// as much memory is asked for from there on as they take.
typedef void vk_four(const vk_vector_query *query, const void *const rows[4], const char *next,
                     float values[4], float norms[4]);

/// Index of the integer kernels beside the VK_ELEMENT_… types.
enum { VK_INTEGERS = 3, VK_KERNEL_ELEMENTS = 4 };

/// The kernels of an instruction set by element type (or VK_INTEGERS) and metric.
#if defined(__x86_64__)
extern vk_four *const vk_fours_avx2[VK_KERNEL_ELEMENTS][3];
extern vk_four *const vk_fours_avx512[VK_KERNEL_ELEMENTS][3];
#elif defined(__aarch64__)
extern vk_four *const vk_fours_neon[VK_KERNEL_ELEMENTS][3];
#endif
#endif
