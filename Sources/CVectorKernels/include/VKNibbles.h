// 4-bit codes, made of 8-bit ones: half the memory for every row that a walk looks at.
#ifndef VK_NIBBLES_H
#define VK_NIBBLES_H

/// Bytes of a row's 4-bit code: half of its 8-bit one, a multiple of 64. In each 64 bytes the low halves
/// are components 128 k to 128 k + 63, the high ones the next 64.
static inline uint32_t vk_nibble_stride(uint32_t stride) { return (stride + 127) / 128 * 64; }

/// Packs `count` rows of 8-bit codes, made for that (VK_FORM_NIBBLES) or under VK_FORM_COSINE, into 4-bit ones.
/// - rounding: VK_ROUND_…; the one that keeps lengths keeps those of the 8-bit codes.
void vk_pack_nibbles(const uint8_t *codes, uint32_t stride, size_t count, int rounding,
                     uint8_t *nibbles);

/// What 4-bit codes have beside them except under VK_FORM_COSINE.
/// - aux: What vk_encode_rows said of the rows with VK_FORM_NIBBLES.
void vk_describe_nibbles(const uint8_t *nibbles, uint32_t nibble_stride, size_t count,
                         const vk_aux *aux, vk_nibble_aux *target);

/// A query for 4-bit codes, from one for 8-bit codes of `padded` components whose buffer has zeros up to twice
/// the stride of the 4-bit codes.
void vk_nibble_query(const vk_code_query *query, uint32_t padded, vk_code_query *nibble_query);
#endif
