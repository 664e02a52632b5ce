#include "Coding.h"

#if defined(__x86_64__)
#define TARGET VK_TARGET_AVX2
#define NAME(name) name##_avx2
#include "CodingBody.h"
#endif
