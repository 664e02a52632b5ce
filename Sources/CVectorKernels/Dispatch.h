// Which instruction set the dispatching functions use, and what each may assume of the machine.
#ifndef VK_DISPATCH_H
#define VK_DISPATCH_H
#include "CVectorKernels.h"

#if defined(__x86_64__)
#define VK_TARGET_AVX2 __attribute__((target("avx2,fma,f16c,sse4.2,pclmul")))
#define VK_TARGET_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,f16c,sse4.2,pclmul")))
#endif
#define VK_INLINE static inline __attribute__((always_inline))

/// Optional instructions beside the instruction set.
enum {
  VK_EXTRA_NEON_DOT = 1,
  VK_EXTRA_NEON_I8MM = 2,
  VK_EXTRA_NEON_CRC = 4
};

/// The VK_EXTRA_… bits this machine has.
int vk_extras(void);

/// `return name_<instruction set>(arguments)` for a function that has one variant for each.
#if defined(__x86_64__)
#define VK_DISPATCH(name, ...)                                     \
  switch (vk_isa_current()) {                                      \
    case VK_ISA_AVX512: return name##_avx512(__VA_ARGS__);         \
    case VK_ISA_AVX2: return name##_avx2(__VA_ARGS__);             \
    default: return name##_scalar(__VA_ARGS__);                    \
  }
#elif defined(__aarch64__)
#define VK_DISPATCH(name, ...)                                     \
  switch (vk_isa_current()) {                                      \
    case VK_ISA_NEON: return name##_neon(__VA_ARGS__);             \
    default: return name##_scalar(__VA_ARGS__);                    \
  }
#else
#define VK_DISPATCH(name, ...) return name##_scalar(__VA_ARGS__)
#endif
#endif
