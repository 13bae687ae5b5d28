// Which instruction sets may be used: the processor has them and the operating system saves their registers.
#include "kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>

static uint64_t xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static int detect(void) {
    unsigned a, b, c, d;
    int forms = 1 << ASSAY_HASH_PORTABLE;
    if (!__get_cpuid_count(1, 0, &a, &b, &c, &d)) return forms;
    const int ssse3 = c >> 9 & 1, sse41 = c >> 19 & 1, osxsave = c >> 27 & 1, avx = c >> 28 & 1;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return forms;
    if (ssse3 && sse41 && (b >> 29 & 1)) forms |= 1 << ASSAY_HASH_SHA_NI;
    if (!osxsave || !avx) return forms;
    const uint64_t saved = xcr0();
    if ((saved & 0x6) == 0x6 && (b >> 5 & 1)) forms |= 1 << ASSAY_HASH_AVX2;
    // F, DQ, BW and VL, with opmask and both halves of the 512-bit registers saved.
    const unsigned wanted = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    if ((saved & 0xe6) == 0xe6 && (b & wanted) == wanted) forms |= 1 << ASSAY_HASH_AVX512;
    return forms;
}
#else
static int detect(void) { return 1 << ASSAY_HASH_PORTABLE; }
#endif

int assay_hash_supports(int form) {
    // Every thread that finds zero computes the same value, so a relaxed store is enough.
    static int forms;
    int known = __atomic_load_n(&forms, __ATOMIC_RELAXED);
    if (known == 0) {
        known = detect();
        __atomic_store_n(&forms, known, __ATOMIC_RELAXED);
    }
    return form >= 0 && form < 8 && (known >> form & 1);
}
