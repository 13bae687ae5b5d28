// Arithmetic modulo p = 2^255 - 19 in five limbs of 51 bits.
//
// "Tight" limbs are below 2^51 + 2^13: what a product, a square and `field_from_bytes` leave. A sum of two tight elements is
// below 2^52.1, and a difference below 2^53.9 as long as what is taken away is a tight element or a sum of two. A product
// takes factors whose bounds multiply to less than 2^108, which all of these meet.
#ifndef ASSAY_FIELD25519_H
#define ASSAY_FIELD25519_H

#include <stdint.h>

typedef unsigned __int128 uint128;

typedef struct {
    uint64_t l[5];
} field;

static const uint64_t field_mask = ((uint64_t)1 << 51) - 1;

static inline field field_add(field a, field b) {
    return (field){{a.l[0] + b.l[0], a.l[1] + b.l[1], a.l[2] + b.l[2], a.l[3] + b.l[3], a.l[4] + b.l[4]}};
}

// a - b, with 4p added so that no limb falls below zero.
static inline field field_subtract(field a, field b) {
    const uint64_t low = 4 * (field_mask - 18), high = 4 * field_mask;
    return (field){{
        a.l[0] + low - b.l[0], a.l[1] + high - b.l[1], a.l[2] + high - b.l[2], a.l[3] + high - b.l[3],
        a.l[4] + high - b.l[4],
    }};
}

// Five columns of a product to tight limbs. The top column is below 2^110.7, so that 19 times its carry fits a word.
static inline field field_carry(uint128 c0, uint128 c1, uint128 c2, uint128 c3, uint128 c4) {
    c1 += (uint64_t)(c0 >> 51);
    c2 += (uint64_t)(c1 >> 51);
    c3 += (uint64_t)(c2 >> 51);
    c4 += (uint64_t)(c3 >> 51);
    uint64_t l0 = ((uint64_t)c0 & field_mask) + 19 * (uint64_t)(c4 >> 51);
    const uint64_t l1 = ((uint64_t)c1 & field_mask) + (l0 >> 51);
    return (field){{
        l0 & field_mask, l1, (uint64_t)c2 & field_mask, (uint64_t)c3 & field_mask, (uint64_t)c4 & field_mask,
    }};
}

static inline field field_multiply(field a, field b) {
    const uint64_t a0 = a.l[0], a1 = a.l[1], a2 = a.l[2], a3 = a.l[3], a4 = a.l[4];
    const uint64_t b0 = b.l[0], b1 = b.l[1], b2 = b.l[2], b3 = b.l[3], b4 = b.l[4];
    // 2^255 = 19, so that columns from the fifth on come back with that factor.
    const uint64_t f1 = 19 * b1, f2 = 19 * b2, f3 = 19 * b3, f4 = 19 * b4;
    return field_carry(
        (uint128)a0 * b0 + (uint128)a1 * f4 + (uint128)a2 * f3 + (uint128)a3 * f2 + (uint128)a4 * f1,
        (uint128)a0 * b1 + (uint128)a1 * b0 + (uint128)a2 * f4 + (uint128)a3 * f3 + (uint128)a4 * f2,
        (uint128)a0 * b2 + (uint128)a1 * b1 + (uint128)a2 * b0 + (uint128)a3 * f4 + (uint128)a4 * f3,
        (uint128)a0 * b3 + (uint128)a1 * b2 + (uint128)a2 * b1 + (uint128)a3 * b0 + (uint128)a4 * f4,
        (uint128)a0 * b4 + (uint128)a1 * b3 + (uint128)a2 * b2 + (uint128)a3 * b1 + (uint128)a4 * b0);
}

static inline field field_square(field a) {
    const uint64_t a0 = a.l[0], a1 = a.l[1], a2 = a.l[2], a3 = a.l[3], a4 = a.l[4];
    const uint64_t d0 = 2 * a0, d1 = 2 * a1, f3 = 19 * a3, f4 = 19 * a4;
    return field_carry(
        (uint128)a0 * a0 + (uint128)d1 * f4 + (uint128)(2 * a2) * f3,
        (uint128)d0 * a1 + (uint128)(2 * a2) * f4 + (uint128)a3 * f3,
        (uint128)d0 * a2 + (uint128)a1 * a1 + (uint128)(2 * a3) * f4,
        (uint128)d0 * a3 + (uint128)d1 * a2 + (uint128)a4 * f4,
        (uint128)d0 * a4 + (uint128)d1 * a3 + (uint128)a2 * a2);
}

// a^(2^count)
static inline field field_square_times(field a, int count) {
    for (int i = 0; i < count; i++) a = field_square(a);
    return a;
}

// a^(2^250 - 1), and a^11 beside it: what both powers below begin with.
static inline field field_power_250(field a, field *eleventh) {
    const field a2 = field_square(a);
    const field a9 = field_multiply(field_square_times(a2, 2), a);
    const field a11 = field_multiply(a9, a2);
    const field n5 = field_multiply(field_square(a11), a9);  // 2^5 - 1 = 2 * 11 + 9
    const field n10 = field_multiply(field_square_times(n5, 5), n5);
    const field n20 = field_multiply(field_square_times(n10, 10), n10);
    const field n40 = field_multiply(field_square_times(n20, 20), n20);
    const field n50 = field_multiply(field_square_times(n40, 10), n10);
    const field n100 = field_multiply(field_square_times(n50, 50), n50);
    const field n200 = field_multiply(field_square_times(n100, 100), n100);
    *eleventh = a11;
    return field_multiply(field_square_times(n200, 50), n50);
}

// a^(p - 2): the inverse, and zero for zero.
static inline field field_invert(field a) {
    field eleventh;
    const field power = field_power_250(a, &eleventh);
    return field_multiply(field_square_times(power, 5), eleventh);  // 2^255 - 21 = 32 (2^250 - 1) + 11
}

// a^((p - 5) / 8) = a^(2^252 - 3)
static inline field field_power_root(field a) {
    field eleventh;
    return field_multiply(field_square_times(field_power_250(a, &eleventh), 2), a);
}

static inline uint64_t load_little_endian(const uint8_t *bytes) {
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--) word = word << 8 | bytes[i];
    return word;
}

static inline void store_little_endian(uint8_t *bytes, uint64_t word) {
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(word >> (8 * i));
}

// The low 255 bits, which need not be below p.
static inline field field_from_bytes(const uint8_t bytes[32]) {
    const uint64_t w0 = load_little_endian(bytes), w1 = load_little_endian(bytes + 8);
    const uint64_t w2 = load_little_endian(bytes + 16), w3 = load_little_endian(bytes + 24);
    return (field){{
        w0 & field_mask, (w0 >> 51 | w1 << 13) & field_mask, (w1 >> 38 | w2 << 26) & field_mask,
        (w2 >> 25 | w3 << 39) & field_mask, w3 >> 12 & field_mask,
    }};
}

// The one representative below p. Takes any limbs below 2^63.
static inline field field_freeze(field a) {
    // Two rounds of carries leave a number below 2^255 + 2^13, then one of them at most is p too many.
    for (int round = 0; round < 2; round++) {
        a.l[1] += a.l[0] >> 51;
        a.l[2] += a.l[1] >> 51;
        a.l[3] += a.l[2] >> 51;
        a.l[4] += a.l[3] >> 51;
        const uint64_t top = a.l[4] >> 51;
        for (int i = 0; i < 5; i++) a.l[i] &= field_mask;
        a.l[0] += 19 * top;
    }
    // Whether a + 19 reaches 2^255, which is whether a reaches p.
    uint64_t carry = (a.l[0] + 19) >> 51;
    for (int i = 1; i < 5; i++) carry = (a.l[i] + carry) >> 51;
    a.l[0] += 19 * carry;
    for (int i = 0; i < 4; i++) {
        a.l[i + 1] += a.l[i] >> 51;
        a.l[i] &= field_mask;
    }
    a.l[4] &= field_mask;
    return a;
}

static inline void field_to_bytes(uint8_t bytes[32], field a) {
    a = field_freeze(a);
    store_little_endian(bytes, a.l[0] | a.l[1] << 51);
    store_little_endian(bytes + 8, a.l[1] >> 13 | a.l[2] << 38);
    store_little_endian(bytes + 16, a.l[2] >> 26 | a.l[3] << 25);
    store_little_endian(bytes + 24, a.l[3] >> 39 | a.l[4] << 12);
}

static inline int field_is_zero(field a) {
    a = field_freeze(a);
    return (a.l[0] | a.l[1] | a.l[2] | a.l[3] | a.l[4]) == 0;
}

// The lowest bit of the representative below p, which RFC 8032 §5.1.2 calls the sign.
static inline int field_is_odd(field a) { return field_freeze(a).l[0] & 1; }

#endif
