// 4-bit codes, made of 8-bit ones: half the memory for every row that a walk looks at.
#ifndef VK_NIBBLES_H
#define VK_NIBBLES_H

/// Bytes of a row's 4-bit code: half of its 8-bit one, a multiple of 64. In each 64 bytes the low halves
/// are components 128 k to 128 k + 63, the high ones the next 64.
static inline uint32_t vk_nibble_stride(uint32_t stride) { return (stride + 127) / 128 * 64; }

/// Packs `count` rows of 8-bit cosine codes into 4-bit ones.
/// - rounding: VK_ROUND_…; the one that keeps lengths keeps those of the 8-bit codes.
void vk_pack_nibbles(const uint8_t *codes, uint32_t stride, size_t count, int rounding,
                     uint8_t *nibbles);

/// A query for 4-bit codes, from one for 8-bit codes whose buffer has zeros up to twice the stride of
/// the 4-bit codes.
void vk_nibble_query(const vk_code_query *query, vk_code_query *nibble_query);
#endif
