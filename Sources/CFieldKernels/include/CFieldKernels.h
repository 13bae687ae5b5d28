// Limb arithmetic: Montgomery fields of 4 and 6 words, and the extension towers of two pairing curves.
//
// Field operations are inline and take values, so that Swift and the towers see through them; the products call either
// the generated x86-64 assembly or portable C, as `afk_uses_adx` says. No operation allocates or branches on its operands.
// Field elements are canonical (below the modulus) and in Montgomery form with R = 2^(64 words).
#ifndef ASSAY_FIELD_KERNELS_H
#define ASSAY_FIELD_KERNELS_H

#include <stdint.h>
#include <string.h>

#include "field_constants.h"

typedef struct {
    uint64_t l[4];
} afk_limbs4;

typedef struct {
    uint64_t l[6];
} afk_limbs6;

/// 1 when products go through the mulx/adcx/adox assembly. Set once by `afk_select`; 0 is always safe.
extern int32_t afk_uses_adx;

/// Looks at the processor once and chooses the kernels. Returns what was chosen.
int32_t afk_select(void);

/// Forces the portable kernels (1) or gives the choice back to the processor (0). For tests: not for use while other
/// threads compute, although both paths give the same results.
void afk_force_portable(int32_t portable);

#if defined(__x86_64__) && defined(__ELF__)
#define AFK_HAS_ASSEMBLY 1
void afk_montgomery_multiply4_adx(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *p, uint64_t inverse);
void afk_montgomery_multiply6_adx(uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *p, uint64_t inverse);
void afk_wide_multiply4_adx(uint64_t *r, const uint64_t *a, const uint64_t *b);
void afk_wide_multiply6_adx(uint64_t *r, const uint64_t *a, const uint64_t *b);
void afk_reduce4_adx(uint64_t *r, const uint64_t *t, const uint64_t *p, uint64_t inverse);
void afk_reduce6_adx(uint64_t *r, const uint64_t *t, const uint64_t *p, uint64_t inverse);
#else
#define AFK_HAS_ASSEMBLY 0
#endif

void afk_montgomery_multiply4_portable(
    uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *p, uint64_t inverse);
void afk_montgomery_multiply6_portable(
    uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *p, uint64_t inverse);
void afk_wide_multiply4_portable(uint64_t *r, const uint64_t *a, const uint64_t *b);
void afk_wide_multiply6_portable(uint64_t *r, const uint64_t *a, const uint64_t *b);
void afk_reduce4_portable(uint64_t *r, const uint64_t *t, const uint64_t *p, uint64_t inverse);
void afk_reduce6_portable(uint64_t *r, const uint64_t *t, const uint64_t *p, uint64_t inverse);

#if AFK_HAS_ASSEMBLY
#define AFK_CHOOSE(name, ...) (__builtin_expect(afk_uses_adx, 1) ? name##_adx(__VA_ARGS__) : name##_portable(__VA_ARGS__))
#else
#define AFK_CHOOSE(name, ...) name##_portable(__VA_ARGS__)
#endif

// The products, each through the chosen kernel.
#define AFK_PRODUCTS(N)                                                                                                    \
    static inline void afk_montgomery_multiply##N(                                                                         \
        uint64_t *r, const uint64_t *a, const uint64_t *b, const uint64_t *p, uint64_t inverse) {                          \
        AFK_CHOOSE(afk_montgomery_multiply##N, r, a, b, p, inverse);                                                       \
    }                                                                                                                      \
    static inline void afk_wide_multiply##N(uint64_t *r, const uint64_t *a, const uint64_t *b) {                           \
        AFK_CHOOSE(afk_wide_multiply##N, r, a, b);                                                                         \
    }                                                                                                                      \
    static inline void afk_reduce##N(uint64_t *r, const uint64_t *t, const uint64_t *p, uint64_t inverse) {                \
        AFK_CHOOSE(afk_reduce##N, r, t, p, inverse);                                                                       \
    }

AFK_PRODUCTS(4)
AFK_PRODUCTS(6)

static inline uint64_t afk_add_words(uint64_t *r, const uint64_t *a, const uint64_t *b, int n) {
    unsigned long long carry = 0;
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) r[i] = __builtin_addcll(a[i], b[i], carry, &carry);
    return carry;
}

static inline uint64_t afk_subtract_words(uint64_t *r, const uint64_t *a, const uint64_t *b, int n) {
    unsigned long long borrow = 0;
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) r[i] = __builtin_subcll(a[i], b[i], borrow, &borrow);
    return borrow;
}

/// All ones when `condition` is 1, zero when it is 0. The compiler must not learn that there are only two values: it would
/// branch, and on random field elements half of the branches are predicted wrong.
static inline uint64_t afk_mask(uint64_t condition) {
    uint64_t mask = 0 - condition;
    __asm__("" : "+r"(mask));
    return mask;
}

/// r = keep ? a : d for a mask `keep`.
static inline void afk_choose(uint64_t *r, const uint64_t *a, const uint64_t *d, uint64_t keep, int n) {
#if AFK_HAS_ASSEMBLY
    // One test and a conditional move per word; two groups, so that six words find registers.
    for (int i = 0; i < n; i += 2) {
        uint64_t x = d[i], y = d[i + 1];
        __asm__("testq %[k], %[k]\n\tcmovnzq %[a], %[x]\n\tcmovnzq %[b], %[y]"
                : [x] "+r"(x), [y] "+r"(y)
                : [k] "r"(keep), [a] "rm"(a[i]), [b] "rm"(a[i + 1])
                : "cc");
        r[i] = x;
        r[i + 1] = y;
    }
#else
    for (int i = 0; i < n; i++) r[i] = (a[i] & keep) | (d[i] & ~keep);
#endif
}

/// r = a mod p for a below 2p, whose bit 64n is `carry`.
static inline void afk_subtract_once(uint64_t *r, const uint64_t *a, const uint64_t *p, uint64_t carry, int n) {
    uint64_t d[6];
    uint64_t keep = afk_mask(afk_subtract_words(d, a, p, n) > carry);
    afk_choose(r, a, d, keep, n);
}

// One set of field operations per word count. `f` is an AFK_ constant of that count; it is a literal at every call, so the
// table lookups fold away.
#define AFK_FIELD(N)                                                                                                       \
    static inline afk_limbs##N afk_add##N(afk_limbs##N a, afk_limbs##N b, int32_t f) {                                      \
        uint64_t s[N];                                                                                                     \
        uint64_t carry = afk_add_words(s, a.l, b.l, N);                                                                    \
        afk_subtract_once(a.l, s, afk_fields##N[f].modulus, carry, N);                                                     \
        return a;                                                                                                          \
    }                                                                                                                      \
    static inline afk_limbs##N afk_subtract##N(afk_limbs##N a, afk_limbs##N b, int32_t f) {                                 \
        uint64_t mask, m[N];                                                                                               \
        mask = afk_mask(afk_subtract_words(a.l, a.l, b.l, N));                                                                 \
        for (int i = 0; i < N; i++) m[i] = afk_fields##N[f].modulus[i] & mask;                                             \
        afk_add_words(a.l, a.l, m, N);                                                                                     \
        return a;                                                                                                          \
    }                                                                                                                      \
    static inline int32_t afk_is_zero##N(afk_limbs##N a) {                                                                 \
        uint64_t bits = 0;                                                                                                 \
        for (int i = 0; i < N; i++) bits |= a.l[i];                                                                        \
        return bits == 0;                                                                                                  \
    }                                                                                                                      \
    static inline int32_t afk_is_equal##N(afk_limbs##N a, afk_limbs##N b) {                                                \
        uint64_t bits = 0;                                                                                                 \
        for (int i = 0; i < N; i++) bits |= a.l[i] ^ b.l[i];                                                               \
        return bits == 0;                                                                                                  \
    }                                                                                                                      \
    /* b when `choice` is 1, a when it is 0 */                                                                             \
    static inline afk_limbs##N afk_select##N(afk_limbs##N a, afk_limbs##N b, int32_t choice) {                             \
        uint64_t mask = afk_mask((uint64_t)choice);                                                                             \
        for (int i = 0; i < N; i++) a.l[i] = (a.l[i] & ~mask) | (b.l[i] & mask);                                           \
        return a;                                                                                                          \
    }                                                                                                                      \
    static inline afk_limbs##N afk_negate##N(afk_limbs##N a, int32_t f) {                                                  \
        afk_limbs##N d;                                                                                                    \
        uint64_t bits = 0, mask;                                                                                           \
        for (int i = 0; i < N; i++) bits |= a.l[i];                                                                        \
        mask = afk_mask(bits != 0);                                                                                        \
        afk_subtract_words(d.l, afk_fields##N[f].modulus, a.l, N);                                                         \
        for (int i = 0; i < N; i++) d.l[i] &= mask;                                                                        \
        return d;                                                                                                          \
    }                                                                                                                      \
    static inline afk_limbs##N afk_multiply##N(afk_limbs##N a, afk_limbs##N b, int32_t f) {                                \
        afk_limbs##N r;                                                                                                    \
        if (afk_fields##N[f].is_full)                                                                                      \
            afk_montgomery_multiply##N##_portable(                                                                         \
                r.l, a.l, b.l, afk_fields##N[f].modulus, afk_fields##N[f].negative_inverse);                               \
        else                                                                                                               \
            afk_montgomery_multiply##N(r.l, a.l, b.l, afk_fields##N[f].modulus, afk_fields##N[f].negative_inverse);        \
        return r;                                                                                                          \
    }                                                                                                                      \
    /* 1 when a is below the modulus */                                                                                    \
    static inline int32_t afk_is_canonical##N(afk_limbs##N a, int32_t f) {                                                 \
        uint64_t d[N];                                                                                                     \
        return (int32_t)afk_subtract_words(d, a.l, afk_fields##N[f].modulus, N);                                           \
    }                                                                                                                      \
    static inline afk_limbs##N afk_one##N(int32_t f) {                                                                     \
        afk_limbs##N r;                                                                                                    \
        for (int i = 0; i < N; i++) r.l[i] = afk_fields##N[f].one[i];                                                      \
        return r;                                                                                                          \
    }                                                                                                                      \
    static inline afk_limbs##N afk_modulus##N(int32_t f) {                                                                 \
        afk_limbs##N r;                                                                                                    \
        for (int i = 0; i < N; i++) r.l[i] = afk_fields##N[f].modulus[i];                                                  \
        return r;                                                                                                          \
    }                                                                                                                      \
    static inline afk_limbs##N afk_to_montgomery##N(afk_limbs##N a, int32_t f) {                                           \
        afk_limbs##N r;                                                                                                    \
        for (int i = 0; i < N; i++) r.l[i] = afk_fields##N[f].r2[i];                                                       \
        return afk_multiply##N(a, r, f);                                                                                   \
    }                                                                                                                      \
    static inline afk_limbs##N afk_from_montgomery##N(afk_limbs##N a, int32_t f) {                                         \
        afk_limbs##N r = {{1}};                                                                                            \
        return afk_multiply##N(a, r, f);                                                                                   \
    }                                                                                                                      \
    /* 1/a in Montgomery form from the plain inverse of a's Montgomery words */                                            \
    static inline afk_limbs##N afk_finish_inverse##N(afk_limbs##N a, int32_t f) {                                          \
        afk_limbs##N r;                                                                                                    \
        for (int i = 0; i < N; i++) r.l[i] = afk_fields##N[f].r3[i];                                                       \
        return afk_multiply##N(a, r, f);                                                                                   \
    }

AFK_FIELD(4)
AFK_FIELD(6)

/// floor(a * b / 2^256)
static inline afk_limbs4 afk_high_product4(afk_limbs4 a, afk_limbs4 b) {
    uint64_t wide[8];
    afk_limbs4 r;
    afk_wide_multiply4(wide, a.l, b.l);
    memcpy(r.l, wide + 4, sizeof r.l);
    return r;
}

/// r = r * factor + addend for n words; returns the word that runs over.
static inline uint64_t afk_scale_add(void *words, int n, uint64_t factor, uint64_t addend) {
    uint64_t *r = (uint64_t *)words;
    unsigned __int128 s = addend;
    for (int i = 0; i < n; i++) {
        s += (unsigned __int128)r[i] * factor;
        r[i] = (uint64_t)s;
        s >>= 64;
    }
    return (uint64_t)s;
}

/// Two levels of a transform over `4 * quarter` elements: with x_i the elements j + i * quarter,
/// (x0, x2) and (x1, x3) are combined with `w`, then (x0, x1) with `u` and (x2, x3) with `v`, in place. `twiddles` holds
/// w, u and v; for the first block w = u = 1 and only v is read.
void afk_transform_pass4(void *values, uint64_t quarter, const void *twiddles, int32_t is_first, int32_t f);

// Towers: Fp2 = Fp[u]/(u^2 + 1), Fp6 = Fp2[v]/(v^3 - xi), Fp12 = Fp6[w]/(w^2 - v); xi = 9 + u for BN254 and 1 + u for
// BLS12-381. Elements are their coefficients in order, lowest first. Results may alias operands.
#define AFK_TOWER(CURVE)                                                                                                   \
    void afk_##CURVE##_fp2_multiply(void *r, const void *a, const void *b);                                                \
    void afk_##CURVE##_fp2_square(void *r, const void *a);                                                                 \
    void afk_##CURVE##_fp6_multiply(void *r, const void *a, const void *b);                                                \
    void afk_##CURVE##_fp12_multiply(void *r, const void *a, const void *b);                                               \
    void afk_##CURVE##_fp12_square(void *r, const void *a);                                                                \
    /* a^2 for a in the cyclotomic subgroup (Granger and Scott, eprint 2009/565) */                                        \
    void afk_##CURVE##_fp12_cyclotomic_square(void *r, const void *a);                                                     \
    /* a^(2^count) for such an a, without the coefficients at 1 and v w, which are left as they are (Karabina,             \
       eprint 2010/542): they follow from the other four */                                                                \
    void afk_##CURVE##_fp12_compressed_squares(void *r, const void *a, int32_t count);                                     \
    /* r = a * line; the line has three Fp2 coefficients at the places that the curve's twist gives */                     \
    void afk_##CURVE##_fp12_multiply_line(void *r, const void *a, const void *line);                                       \
    /* the same for a line of two coefficients whose third one is one */                                                   \
    void afk_##CURVE##_fp12_multiply_unit_line(void *r, const void *a, const void *line);

AFK_TOWER(bn254)
AFK_TOWER(bls12_381)

#endif
