// CRC-32C by SSE 4.2. The instruction takes three cycles and can start every cycle, so three
// stretches are summed at once; two carry-less products then move the first two past the bytes that
// follow them.
#include "Checksum.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("sse4.2,pclmul")))

TARGET VK_INLINE uint64_t word_at(const uint8_t *p) {
  uint64_t word;
  __builtin_memcpy(&word, p, 8);
  return word;
}

/// The product whose 8-byte checksum is `crc` moved on; `power` is x^(8 * bytes - 33) reflected.
TARGET VK_INLINE uint64_t product(uint32_t crc, uint32_t power) {
  __m128i a = _mm_cvtsi32_si128((int)crc), b = _mm_cvtsi32_si128((int)power);
  return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(a, b, 0));
}

/// How far ahead of the sum memory is asked for, into the second-level cache: three stretches that are
/// read side by side are more than prefetchers in hardware follow.
enum { AHEAD = 12288 };

/// Sums 3 * `stretch` bytes; the powers are for two stretches and for one.
TARGET VK_INLINE uint32_t three(uint32_t crc, const uint8_t *p, size_t stretch, uint32_t power2,
                                uint32_t power1) {
  uint64_t a = crc, b = 0, c = 0;
  for (size_t i = 0; i < stretch; i += 64) {
    for (size_t line = 0; line < 192; line += 64) __builtin_prefetch(p + 3 * i + AHEAD + line, 0, 2);
    for (size_t k = i; k < i + 64; k += 8) {
      a = _mm_crc32_u64(a, word_at(p + k));
      b = _mm_crc32_u64(b, word_at(p + stretch + k));
      c = _mm_crc32_u64(c, word_at(p + 2 * stretch + k));
    }
  }
  uint64_t moved = product((uint32_t)a, power2) ^ product((uint32_t)b, power1);
  return (uint32_t)(_mm_crc32_u64(0, moved) ^ c);
}

TARGET uint32_t vk_crc32c_sse42(uint32_t crc, const uint8_t *p, size_t count) {
  for (; count >= 3 * 2048; count -= 3 * 2048, p += 3 * 2048) {
    crc = three(crc, p, 2048, 0x82f89c77u, 0xa51b6135u);
  }
  for (; count >= 3 * 256; count -= 3 * 256, p += 3 * 256) {
    crc = three(crc, p, 256, 0xdd7e3b0cu, 0xb9e02b86u);
  }
  for (; count >= 8; count -= 8, p += 8) crc = (uint32_t)_mm_crc32_u64(crc, word_at(p));
  for (; count > 0; count--, p++) crc = _mm_crc32_u8(crc, *p);
  return crc;
}
#endif
