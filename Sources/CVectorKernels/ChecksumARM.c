// CRC-32C by the checksum instructions of ARMv8, in three interleaved stretches as on x86.
// Stretches are long enough that joining them by plain shifts and exclusive ors does not matter.
#include "Checksum.h"

#if defined(__aarch64__)
#include <arm_acle.h>

#define TARGET __attribute__((target("crc")))

enum { STRETCH = 4096 };
/// x^(8 * bytes) modulo the polynomial, reflected, for two stretches and for one.
static const uint32_t past_two = 0x28461564u, past_one = 0x35d73a62u;

static inline uint64_t word_at(const uint8_t *p) {
  uint64_t word;
  __builtin_memcpy(&word, p, 8);
  return word;
}

/// The product of two polynomials modulo that of the checksum.
static uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (int bit = 31; bit >= 0; bit--) {
    product ^= b & (0u - ((a >> bit) & 1));
    b = (b >> 1) ^ (0x82F63B78u & (0u - (b & 1)));
  }
  return product;
}

TARGET uint32_t vk_crc32c_arm(uint32_t crc, const uint8_t *p, size_t count) {
  for (; count >= 3 * STRETCH; count -= 3 * STRETCH, p += 3 * STRETCH) {
    uint32_t b = 0, c = 0;
    for (size_t i = 0; i < STRETCH; i += 64) {
      // As far ahead as three stretches, into the second-level cache, in the order of memory.
      for (size_t line = 0; line < 192; line += 64) {
        __builtin_prefetch(p + 3 * (STRETCH + i) + line, 0, 2);
      }
      for (size_t k = i; k < i + 64; k += 8) {
        crc = __crc32cd(crc, word_at(p + k));
        b = __crc32cd(b, word_at(p + STRETCH + k));
        c = __crc32cd(c, word_at(p + 2 * STRETCH + k));
      }
    }
    crc = multiply(past_two, crc) ^ multiply(past_one, b) ^ c;
  }
  for (; count >= 8; count -= 8, p += 8) crc = __crc32cd(crc, word_at(p));
  for (; count > 0; count--, p++) crc = __crc32cb(crc, *p);
  return crc;
}
#endif
