// Portable products of 4 and 6 words with 128-bit arithmetic, and the choice of kernels. The same functions in assembly
// stand in kernels_x86_64.S; both are tested against GMP and against each other.
#include "CFieldKernels.h"

typedef unsigned __int128 uint128_t;

/// Coarsely integrated operand scanning with the carry word kept, so that it serves every odd modulus.
static inline __attribute__((always_inline)) void multiply(
    uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *p, uint64_t inverse, int n) {
    uint64_t t[8] = {0};
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) {
        uint128_t s = 0;
#pragma clang loop unroll(full)
        for (int j = 0; j < n; j++) {
            s += (uint128_t)a[j] * b[i] + t[j];
            t[j] = (uint64_t)s;
            s >>= 64;
        }
        s += t[n];
        t[n] = (uint64_t)s;
        uint64_t carry = (uint64_t)(s >> 64);
        uint64_t m = t[0] * inverse;
        s = ((uint128_t)m * p[0] + t[0]) >> 64;
#pragma clang loop unroll(full)
        for (int j = 1; j < n; j++) {
            s += (uint128_t)m * p[j] + t[j];
            t[j - 1] = (uint64_t)s;
            s >>= 64;
        }
        s += t[n];
        t[n - 1] = (uint64_t)s;
        t[n] = carry + (uint64_t)(s >> 64);
    }
    afk_subtract_once(r, t, p, t[n], n);
}

static inline __attribute__((always_inline)) void multiply_wide(
    uint64_t *r, const uint64_t *a, const uint64_t *b, int n) {
    uint64_t t[12] = {0};
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) {
        uint128_t s = 0;
#pragma clang loop unroll(full)
        for (int j = 0; j < n; j++) {
            s += (uint128_t)a[j] * b[i] + t[i + j];
            t[i + j] = (uint64_t)s;
            s >>= 64;
        }
        t[i + n] = (uint64_t)s;
    }
    memcpy(r, t, sizeof(uint64_t) * 2 * (size_t)n);
}

static inline __attribute__((always_inline)) void reduce(
    uint64_t *r, const uint64_t *wide, const uint64_t *p, uint64_t inverse, int n) {
    uint64_t t[6];
    memcpy(t, wide, sizeof(uint64_t) * (size_t)n);
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) {
        uint64_t m = t[0] * inverse;
        uint128_t s = ((uint128_t)m * p[0] + t[0]) >> 64;
#pragma clang loop unroll(full)
        for (int j = 1; j < n; j++) {
            s += (uint128_t)m * p[j] + t[j];
            t[j - 1] = (uint64_t)s;
            s >>= 64;
        }
        t[n - 1] = (uint64_t)s;
    }
    uint64_t carry = afk_add_words(t, t, wide + n, n);
    afk_subtract_once(r, t, p, carry, n);
}

void afk_montgomery_multiply4_portable(
    uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *p, uint64_t inverse) {
    multiply(r, a, b, p, inverse, 4);
}

void afk_montgomery_multiply6_portable(
    uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *p, uint64_t inverse) {
    multiply(r, a, b, p, inverse, 6);
}

void afk_wide_multiply4_portable(uint64_t *r, const uint64_t *a, const uint64_t *b) { multiply_wide(r, a, b, 4); }
void afk_wide_multiply6_portable(uint64_t *r, const uint64_t *a, const uint64_t *b) { multiply_wide(r, a, b, 6); }

void afk_reduce4_portable(uint64_t *r, const uint64_t *t, const uint64_t *p, uint64_t inverse) {
    reduce(r, t, p, inverse, 4);
}

void afk_reduce6_portable(uint64_t *r, const uint64_t *t, const uint64_t *p, uint64_t inverse) {
    reduce(r, t, p, inverse, 6);
}

int32_t afk_uses_adx = 0;

#if AFK_HAS_ASSEMBLY
#include <cpuid.h>

int32_t afk_select(void) {
    unsigned a, b, c, d;
    int has = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 8)) != 0 && (b & (1u << 19)) != 0;
    afk_uses_adx = has;
    return has;
}

/// Runs before any Swift code, so the choice needs no lock.
__attribute__((constructor)) static void select_at_load(void) { afk_select(); }
#else
int32_t afk_select(void) { return 0; }
#endif

void afk_force_portable(int32_t portable) {
    if (portable) afk_uses_adx = 0;
    else afk_select();
}
