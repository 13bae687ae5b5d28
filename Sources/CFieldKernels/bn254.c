// The tower of BN254: xi = 9 + u, sextic twist of type D, so a line sits at 1, w and w v.
#include "CFieldKernels.h"

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
#define N 4
#define F AFK_BN254_FP
#define CURVE bn254
#define LIMBS afk_limbs4
// line = l0 + (l1 + l2 v) w
#define MULTIPLY_LINE                                                                                                      \
    fp2 both = add2(l[0], l[1]);                                                                                           \
    mulw2(&v0.c0, &a->c0.c0, &l[0]);                                                                                       \
    mulw2(&v0.c1, &a->c0.c1, &l[0]);                                                                                       \
    mulw2(&v0.c2, &a->c0.c2, &l[0]);                                                                                       \
    mulw6_by_01(&v1, &a->c1, &l[1], &l[2]);                                                                                \
    mulw6_by_01(&t, &sum, &both, &l[2]);                                                                                   \
    join(r, &v0, &v1, &t);

// line = 1 + (l0 + l1 v) w
#define JOIN_UNIT_LINE                                                                                                     \
    o->c0.c0 = add2(a->c0.c0, times_xi2(second.c2));                                                                       \
    o->c0.c1 = add2(a->c0.c1, second.c0);                                                                                  \
    o->c0.c2 = add2(a->c0.c2, second.c1);                                                                                  \
    o->c1 = add6(&a->c1, &first);

#include "tower_types.inc"

INLINE fp2 times_xi2(fp2 a) {
    fp2 t = dbl2(dbl2(dbl2(a)));
    return (fp2){sub1(add1(t.c0, a.c0), a.c1), add1(add1(t.c1, a.c1), a.c0)};
}

/// r = 9 t + u, or 9 t - u, modulo p * 2^256: the upper half, below 11p before, is reduced by an estimated quotient.
INLINE void nine_times(wide *r, const wide *t, const wide *u, int is_minus) {
    // floor(2^121 / ((p >> 196) + 1)): the quotient that it estimates is the true one or one less.
    const uint64_t reciprocal = 0xa948e8c4c4740939;
    unsigned __int128 s = 0;
    uint64_t v[2 * N + 1], product[N], q;
    for (int i = 0; i < 2 * N; i++) {
        s += (unsigned __int128)t->l[i] * 9;
        v[i] = (uint64_t)s;
        s >>= 64;
    }
    v[2 * N] = (uint64_t)s;
    if (is_minus) {
        v[2 * N] += afk_add_words(v + N, v + N, P, N);
        v[2 * N] -= afk_subtract_words(v, v, u->l, 2 * N);
    } else {
        v[2 * N] += afk_add_words(v, v, u->l, 2 * N);
    }
    q = (uint64_t)(((unsigned __int128)(v[2 * N] << 60 | v[2 * N - 1] >> 4) * reciprocal) >> 121);
    s = 0;
    for (int i = 0; i < N; i++) {
        s += (unsigned __int128)P[i] * q;
        product[i] = (uint64_t)s;
        s >>= 64;
    }
    // What is left is below 2p, so that the word above it is zero.
    afk_subtract_words(v + N, v + N, product, N);
    for (int i = 0; i < N; i++) r->l[i] = v[i];
    afk_subtract_once(r->l + N, v + N, P, 0, N);
}

/// r = xi * a; r is not a.
INLINE void times_xi_wide(wide2 *r, const wide2 *a) {
    nine_times(&r->c0, &a->c0, &a->c1, 1);
    nine_times(&r->c1, &a->c1, &a->c0, 0);
}

/// r = base + xi * t, none of which is another, for integers between -3p^2 and 5p^2.
INLINE void add_times_xi(wide2 *r, wide2 *base, wide2 *t) {
    wide2 x;
    settle(&t->c0);
    times_xi_wide(&x, t);
    settle(&base->c0);
    addw2(r, &x, base);
}

#include "tower.inc"
