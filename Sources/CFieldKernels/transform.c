// The inner loop of number-theoretic transforms over four-word fields: element by element in memory, without copies.
#include "CFieldKernels.h"

static inline __attribute__((always_inline)) void pass(
    afk_limbs4 *x, uint64_t quarter, const afk_limbs4 *twiddles, int32_t is_first, int32_t f) {
    const uint64_t *p = afk_fields4[f].modulus, inverse = afk_fields4[f].negative_inverse;
    const afk_limbs4 w = twiddles[0], u = twiddles[1], v = twiddles[2];
    afk_limbs4 *x1 = x + quarter, *x2 = x + 2 * quarter, *x3 = x + 3 * quarter;
    for (uint64_t j = 0; j < quarter; j++) {
        afk_limbs4 a, b, c, d;
        if (!is_first) {
            afk_montgomery_multiply4(x2[j].l, x2[j].l, w.l, p, inverse);
            afk_montgomery_multiply4(x3[j].l, x3[j].l, w.l, p, inverse);
        }
        a = afk_add4(x[j], x2[j], f);
        c = afk_subtract4(x[j], x2[j], f);
        b = afk_add4(x1[j], x3[j], f);
        d = afk_subtract4(x1[j], x3[j], f);
        if (!is_first) afk_montgomery_multiply4(b.l, b.l, u.l, p, inverse);
        afk_montgomery_multiply4(d.l, d.l, v.l, p, inverse);
        x[j] = afk_add4(a, b, f);
        x1[j] = afk_subtract4(a, b, f);
        x2[j] = afk_add4(c, d, f);
        x3[j] = afk_subtract4(c, d, f);
    }
}

void afk_transform_pass4(void *values, uint64_t quarter, const void *twiddles, int32_t is_first, int32_t f) {
    // The fields that have transforms, as literals, so that their moduli become immediates.
    if (f == AFK_BN254_FR) pass(values, quarter, twiddles, is_first, AFK_BN254_FR);
    else if (f == AFK_BLS12_381_FR) pass(values, quarter, twiddles, is_first, AFK_BLS12_381_FR);
    else pass(values, quarter, twiddles, is_first, f);
}
