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
    mulw2(&v1.c0, &a->c1.c2, &l[2]);                                                                                       \
    times_xi_wide(&v1.c0, &v1.c0);                                                                                         \
    mulw2(&v1.c1, &a->c1.c0, &l[2]);                                                                                       \
    mulw2(&v1.c2, &a->c1.c1, &l[2]);                                                                                       \
    mulw6_by_01(&t, &sum, &l[0], &both);                                                                                   \
    join(r, &v0, &v1, &t);

#include "tower_types.inc"

INLINE fp2 times_xi2(fp2 a) { return (fp2){sub1(a.c0, a.c1), add1(a.c0, a.c1)}; }

INLINE void times_xi_wide(wide2 *r, const wide2 *a) {
    wide2 t = *a;
    subw(&r->c0, &t.c0, &t.c1);
    addw(&r->c1, &t.c0, &t.c1);
}

#include "tower.inc"
