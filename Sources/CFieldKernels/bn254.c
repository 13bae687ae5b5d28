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

#include "tower_types.inc"

INLINE fp2 times_xi2(fp2 a) {
    fp2 t = dbl2(dbl2(dbl2(a)));
    return (fp2){sub1(add1(t.c0, a.c0), a.c1), add1(add1(t.c1, a.c1), a.c0)};
}

INLINE void times_xi_wide(wide2 *r, const wide2 *a) {
    wide2 t;
    addw2(&t, a, a);
    addw2(&t, &t, &t);
    addw2(&t, &t, &t);
    addw2(&t, &t, a);
    wide a0 = a->c0;
    subw(&r->c0, &t.c0, &a->c1);
    addw(&r->c1, &t.c1, &a0);
}

#include "tower.inc"
