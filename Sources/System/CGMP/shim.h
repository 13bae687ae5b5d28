// Names for GMP's macros, which Swift does not import, and a modular inverse on caller's limbs.
#ifndef ASSAY_CGMP_SHIM_H
#define ASSAY_CGMP_SHIM_H

#include <gmp.h>
#include <stdint.h>
#include <string.h>

static inline int assay_mpz_sign(const mpz_t x) { return mpz_sgn(x); }
static inline int assay_mpz_is_odd(const mpz_t x) { return mpz_odd_p(x) != 0; }

/// result = 1 / value mod modulus for `count` (at most 16) little-endian limbs. Returns 0 when there is no inverse.
static inline int assay_mpn_inverse(void *result, const void *value, const void *modulus, int count) {
    mp_limb_t u[17], v[17], g[17], s[18];
    mp_size_t used = 0;
    int size = count;
    while (size > 0 && ((const mp_limb_t *)value)[size - 1] == 0) size--;
    if (size == 0 || count > 16) return 0;
    memcpy(u, modulus, sizeof(uint64_t) * (size_t)count);
    memcpy(v, value, sizeof(uint64_t) * (size_t)count);
    // gcdext wants the longer operand first and gives the factor of that one; equal lengths are valid either way round.
    // A value with a zero top word is too rare to deserve more than the general routine.
    if (size == count) {
        mp_size_t length = mpn_gcdext(g, s, &used, v, count, u, count);
        if (length != 1 || g[0] != 1) return 0;
        mp_size_t magnitude = used < 0 ? -used : used;
        memset(result, 0, sizeof(uint64_t) * (size_t)count);
        memcpy(result, s, sizeof(uint64_t) * (size_t)magnitude);
        if (used < 0) mpn_sub_n(result, modulus, result, count);
        return 1;
    }
    mpz_t a, m;
    int found;
    mpz_init(a);
    mpz_init(m);
    mpz_import(a, (size_t)count, -1, 8, 0, 0, value);
    mpz_import(m, (size_t)count, -1, 8, 0, 0, modulus);
    found = mpz_invert(a, a, m);
    memset(result, 0, sizeof(uint64_t) * (size_t)count);
    if (found) mpz_export(result, NULL, -1, 8, 0, 0, a);
    mpz_clear(a);
    mpz_clear(m);
    return found;
}

#endif
