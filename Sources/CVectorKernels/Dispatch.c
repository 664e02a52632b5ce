#include "Dispatch.h"

#include <stdatomic.h>
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

// Both are -1 until asked for. Threads that find -1 at once work out the same value.
static _Atomic int current_isa = -1;
static _Atomic int current_extras = -1;

int vk_isa_available(int isa) {
  switch (isa) {
    case VK_ISA_SCALAR: return 1;
#if defined(__x86_64__)
    case VK_ISA_AVX2:
      __builtin_cpu_init();
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c") && __builtin_cpu_supports("sse4.2") &&
             __builtin_cpu_supports("pclmul");
    case VK_ISA_AVX512:
      return vk_isa_available(VK_ISA_AVX2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__)
    case VK_ISA_NEON: return 1;
#endif
    default: return 0;
  }
}

int vk_isa_current(void) {
  int isa = atomic_load_explicit(&current_isa, memory_order_relaxed);
  if (isa >= 0) return isa;
  int best = VK_ISA_SCALAR;
  for (int candidate = VK_ISA_AVX2; candidate <= VK_ISA_NEON; candidate++) {
    if (vk_isa_available(candidate)) best = candidate;
  }
  // Only the first answer is kept, so that a concurrent vk_isa_force is not undone.
  int unset = -1;
  if (atomic_compare_exchange_strong_explicit(&current_isa, &unset, best, memory_order_relaxed,
                                              memory_order_relaxed)) {
    return best;
  }
  return unset;
}

int vk_isa_force(int isa) {
  if (!vk_isa_available(isa)) return -1;
  atomic_store_explicit(&current_isa, isa, memory_order_relaxed);
  return 0;
}

#if defined(__aarch64__) && defined(__APPLE__)
static int has_feature(const char *name) {
  int value = 0;
  size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, 0, 0) == 0 && value != 0;
}
#endif

static int find_extras(void) {
  int extras = 0;
#if defined(__aarch64__) && defined(__linux__)
  // Bits of the kernel's asm/hwcap.h, which older headers lack.
  if (getauxval(AT_HWCAP) & (1ul << 7)) extras |= VK_EXTRA_NEON_CRC;
  if (getauxval(AT_HWCAP) & (1ul << 20)) extras |= VK_EXTRA_NEON_DOT;
  if (getauxval(AT_HWCAP2) & (1ul << 13)) extras |= VK_EXTRA_NEON_I8MM;
#elif defined(__aarch64__) && defined(__APPLE__)
  if (has_feature("hw.optional.armv8_crc32")) extras |= VK_EXTRA_NEON_CRC;
  if (has_feature("hw.optional.arm.FEAT_DotProd")) extras |= VK_EXTRA_NEON_DOT;
  if (has_feature("hw.optional.arm.FEAT_I8MM")) extras |= VK_EXTRA_NEON_I8MM;
#endif
  return extras;
}

int vk_extras(void) {
  int extras = atomic_load_explicit(&current_extras, memory_order_relaxed);
  if (extras < 0) {
    extras = find_extras();
    atomic_store_explicit(&current_extras, extras, memory_order_relaxed);
  }
  return extras;
}
