// Prints a digest over the results of every field kernel for fixed pseudo-random operands. Scripts/check-arm64 compiles it for
// this machine and for arm64 and compares the lines.
#include <stdio.h>
#include <stdlib.h>

#include "CFieldKernels.h"

static uint64_t state, digest;

static uint64_t next(void) {
    // SplitMix64
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void absorb(const void *words, size_t bytes) {
    for (size_t i = 0; i < bytes / 8; i++) {
        digest = (digest ^ ((const uint64_t *)words)[i]) * 0x100000001b3;
        digest ^= digest >> 29;
    }
}

/// Elements at the edges and random ones; always canonical.
#define ELEMENT(N)                                                                                                         \
    static afk_limbs##N element##N(int32_t f) {                                                                            \
        afk_limbs##N a = {{0}};                                                                                            \
        uint64_t kind = next() % 16;                                                                                       \
        if (kind == 0) return a;                                                                                           \
        if (kind == 1) return afk_one##N(f);                                                                               \
        if (kind == 2) return afk_negate##N(afk_one##N(f), f);                                                             \
        do {                                                                                                               \
            for (int i = 0; i < N; i++) a.l[i] = next();                                                                   \
            a.l[N - 1] &= afk_modulus##N(f).l[N - 1] | afk_modulus##N(f).l[N - 1] >> 1 | afk_modulus##N(f).l[N - 1] >> 2;  \
        } while (!afk_is_canonical##N(a, f));                                                                              \
        return a;                                                                                                          \
    }                                                                                                                      \
    static void field##N(int32_t f) {                                                                                      \
        for (int i = 0; i < 2000; i++) {                                                                                   \
            afk_limbs##N a = element##N(f), b = element##N(f), r;                                                          \
            r = afk_multiply##N(a, b, f), absorb(&r, sizeof r);                                                            \
            r = afk_add##N(a, b, f), absorb(&r, sizeof r);                                                                 \
            r = afk_subtract##N(a, b, f), absorb(&r, sizeof r);                                                            \
            r = afk_negate##N(a, f), absorb(&r, sizeof r);                                                                 \
            r = afk_select##N(a, b, (int32_t)(next() & 1)), absorb(&r, sizeof r);                                          \
            r = afk_to_montgomery##N(a, f), absorb(&r, sizeof r);                                                          \
            r = afk_from_montgomery##N(a, f), absorb(&r, sizeof r);                                                        \
            uint64_t flags[2] = {(uint64_t)afk_is_zero##N(a), (uint64_t)afk_is_equal##N(a, b)};                            \
            absorb(flags, sizeof flags);                                                                                   \
        }                                                                                                                  \
    }
ELEMENT(4)
ELEMENT(6)

#define TOWER(CURVE, N, F)                                                                                                 \
    static void tower_##CURVE(void) {                                                                                      \
        afk_limbs##N a[12], b[12], r[12];                                                                                  \
        for (int round = 0; round < 500; round++) {                                                                        \
            for (int i = 0; i < 12; i++) a[i] = element##N(F), b[i] = element##N(F);                                       \
            afk_##CURVE##_fp2_multiply(r, a, b), absorb(r, 2 * sizeof *r);                                                 \
            afk_##CURVE##_fp2_square(r, a), absorb(r, 2 * sizeof *r);                                                      \
            afk_##CURVE##_fp6_multiply(r, a, b), absorb(r, 6 * sizeof *r);                                                 \
            afk_##CURVE##_fp12_multiply(r, a, b), absorb(r, sizeof r);                                                     \
            afk_##CURVE##_fp12_square(r, a), absorb(r, sizeof r);                                                          \
            afk_##CURVE##_fp12_cyclotomic_square(r, a), absorb(r, sizeof r);                                               \
            afk_##CURVE##_fp12_compressed_squares(r, a, round % 4), absorb(r, sizeof r);                                   \
            afk_##CURVE##_fp12_multiply_line(r, a, b), absorb(r, sizeof r);                                                \
            afk_##CURVE##_fp12_multiply_unit_line(r, a, b), absorb(r, sizeof r);                                           \
        }                                                                                                                  \
    }
TOWER(bn254, 4, AFK_BN254_FP)
TOWER(bls12_381, 6, AFK_BLS12_381_FP)

static void run(const char *name) {
    state = 1, digest = 0xcbf29ce484222325;
    field4(AFK_BN254_FP), field4(AFK_BN254_FR), field4(AFK_BLS12_381_FR), field6(AFK_BLS12_381_FP);
    tower_bn254(), tower_bls12_381();
    printf("%s %016llx\n", name, (unsigned long long)digest);
}

int main(void) {
    afk_force_portable(1);
    run("portable");
    afk_force_portable(0);
    if (afk_uses_adx) run("assembly");
    return 0;
}
