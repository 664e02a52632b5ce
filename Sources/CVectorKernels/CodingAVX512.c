#include "Coding.h"

#if defined(__x86_64__)
#define TARGET VK_TARGET_AVX512
#define NAME(name) name##_avx512
#include "CodingBody.h"
#endif
