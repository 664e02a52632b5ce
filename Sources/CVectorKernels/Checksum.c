// CRC-32C: the crc32 instruction where there is one, in three interleaved streams; else tables.
#include "Checksum.h"

#include <stdatomic.h>

static const uint32_t polynomial = 0x82F63B78u;

static uint32_t tables[8][256];
static atomic_int tables_state;  // 0 empty, 1 being filled, 2 ready

static void fill_tables(void) {
  int state = 0;
  if (atomic_compare_exchange_strong(&tables_state, &state, 1)) {
    for (uint32_t i = 0; i < 256; i++) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? polynomial : 0);
      tables[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++) {
      for (int k = 1; k < 8; k++) {
        uint32_t shorter = tables[k - 1][i];
        tables[k][i] = (shorter >> 8) ^ tables[0][shorter & 255];
      }
    }
    atomic_store_explicit(&tables_state, 2, memory_order_release);
  }
  while (atomic_load_explicit(&tables_state, memory_order_acquire) != 2) {
  }
}

static uint32_t vk_crc32c_scalar(uint32_t crc, const uint8_t *p, size_t count) {
  if (atomic_load_explicit(&tables_state, memory_order_acquire) != 2) fill_tables();
  for (; count >= 8; count -= 8, p += 8) {
    uint64_t word;
    __builtin_memcpy(&word, p, 8);
    word ^= crc;
    crc = tables[7][word & 255] ^ tables[6][(word >> 8) & 255] ^ tables[5][(word >> 16) & 255] ^
          tables[4][(word >> 24) & 255] ^ tables[3][(word >> 32) & 255] ^
          tables[2][(word >> 40) & 255] ^ tables[1][(word >> 48) & 255] ^ tables[0][word >> 56];
  }
  for (; count > 0; count--, p++) crc = (crc >> 8) ^ tables[0][(crc ^ *p) & 255];
  return crc;
}

#if defined(__x86_64__)
// Both instruction sets have the same checksum instructions.
#define vk_crc32c_avx2 vk_crc32c_sse42
#define vk_crc32c_avx512 vk_crc32c_sse42
#elif defined(__aarch64__)
static uint32_t vk_crc32c_neon(uint32_t crc, const uint8_t *p, size_t count) {
  return vk_extras() & VK_EXTRA_NEON_CRC ? vk_crc32c_arm(crc, p, count)
                                         : vk_crc32c_scalar(crc, p, count);
}
#endif

static uint32_t update(uint32_t crc, const uint8_t *p, size_t count) {
  VK_DISPATCH(vk_crc32c, crc, p, count);
}

uint32_t vk_crc32c(uint32_t crc, const void *bytes, size_t count) {
  return ~update(~crc, bytes, count);
}
