// The tower of BLS12-381: xi = 1 + u, sextic twist of type M, so a line sits at 1, v and w v.
#include "CFieldKernels.h"

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
#define N 6
#define F AFK_BLS12_381_FP
#define CURVE bls12_381
#define LIMBS afk_limbs6
// line = l0 + l1 v + l2 v w
#define MULTIPLY_LINE                                                                                                      \
    fp2 both = add2(l[1], l[2]);                                                                                           \
    mulw6_by_01(&v0, &a->c0, &l[0], &l[1]);                                                                                \
    mulw2(&v1.c1, &a->c1.c2, &l[2]);                                                                                       \
    times_xi_wide(&v1.c0, &v1.c1);                                                                                         \
    mulw2(&v1.c1, &a->c1.c0, &l[2]);                                                                                       \
    mulw2(&v1.c2, &a->c1.c1, &l[2]);                                                                                       \
    mulw6_by_01(&t, &sum, &l[0], &both);                                                                                   \
    join(r, &v0, &v1, &t);

// line = l0 + l1 v + v w
#define JOIN_UNIT_LINE                                                                                                     \
    second.c0 = add2(second.c0, times_xi2(a->c0.c2));                                                                      \
    second.c1 = add2(second.c1, a->c0.c0);                                                                                 \
    second.c2 = add2(second.c2, a->c0.c1);                                                                                 \
    o->c0.c0 = add2(first.c0, times_xi2(a->c1.c1));                                                                        \
    o->c0.c1 = add2(first.c1, times_xi2(a->c1.c2));                                                                        \
    o->c0.c2 = add2(first.c2, a->c1.c0);                                                                                   \
    o->c1 = second;

#include "tower_types.inc"

INLINE fp2 times_xi2(fp2 a) { return (fp2){sub1(a.c0, a.c1), add1(a.c0, a.c1)}; }

/// r = xi * a; r is not a.
INLINE void times_xi_wide(wide2 *r, const wide2 *a) {
    subw(&r->c0, &a->c0, &a->c1);
    addw(&r->c1, &a->c0, &a->c1);
}

/// r = base + xi * t, none of which is another, for integers between -2p^2 and 4p^2: the sums stay between -7p^2 and 8p^2, and p * 2^384 is above
/// 9p^2, so that one correction settles them.
INLINE void add_times_xi(wide2 *r, const wide2 *base, const wide2 *t) {
    afk_add_words(r->c0.l, base->c0.l, t->c0.l, 2 * N);
    afk_subtract_words(r->c0.l, r->c0.l, t->c1.l, 2 * N);
    afk_add_words(r->c1.l, base->c1.l, t->c0.l, 2 * N);
    afk_add_words(r->c1.l, r->c1.l, t->c1.l, 2 * N);
    settle(&r->c0);
    settle(&r->c1);
}

#include "tower.inc"
