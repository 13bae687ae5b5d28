// Points of the twisted Edwards curve -x^2 + y^2 = 1 + d x^2 y^2 over 2^255 - 19, and tables of their multiples.
//
// The addition law (Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited", 2008, §3.1) holds for every two points of
// this curve, those of small order too, because -1 is a square and d is none. So no case below is special.
#include "CEdwards25519.h"

#include "field25519.h"

// d = -121665/121666, 2d, and a square root of -1: 2^((p - 1)/4).
static const field curve_d = {{0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff}};
static const field curve_2d = {{0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff}};
static const field root_of_minus_one = {
    {0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d}};
static const field zero = {{0}};
static const field one = {{1}};

// One point (x, y) as y + x, y - x and 2dxy; 128 bytes.
typedef struct {
    uint64_t sum[5], difference[5], product[5], unused;
} entry;

struct assay_edwards_table {
    entry rows[32][8];
};

_Static_assert(sizeof(assay_edwards_table) == assay_edwards_table_bytes, "the header states the size of a table");

// x = X/Z, y = Y/Z, xy = T/Z. All limbs tight.
typedef struct {
    field x, y, z, t;
} point;

// The end of an addition: (E F : G H : F G), T = E H.
static inline point point_from(field e, field f, field g, field h) {
    return (point){field_multiply(e, f), field_multiply(g, h), field_multiply(f, g), field_multiply(e, h)};
}

static inline point point_double(const point *p) {
    const field a = field_square(p->x), b = field_square(p->y), c = field_square(p->z);
    const field h = field_add(a, b);
    const field e = field_subtract(h, field_square(field_add(p->x, p->y)));
    const field g = field_subtract(a, b);
    return point_from(e, field_add(field_add(c, c), g), g, h);
}

// A point that will be added often: Y + X, Y - X, 2Z, 2dT.
typedef struct {
    field sum, difference, z2, t2d;
} addend;

static inline addend addend_of(const point *p) {
    return (addend){
        field_add(p->y, p->x), field_subtract(p->y, p->x), field_add(p->z, p->z), field_multiply(p->t, curve_2d)};
}

static inline point point_add(const point *p, const addend *q) {
    const field a = field_multiply(field_subtract(p->y, p->x), q->difference);
    const field b = field_multiply(field_add(p->y, p->x), q->sum);
    const field c = field_multiply(p->t, q->t2d), d = field_multiply(p->z, q->z2);
    return point_from(field_subtract(b, a), field_subtract(d, c), field_add(d, c), field_add(b, a));
}

static inline field entry_field(const uint64_t limbs[5]) {
    return (field){{limbs[0], limbs[1], limbs[2], limbs[3], limbs[4]}};
}

// Adds a digit's worth of a row: one of its eight multiples, its negative, or nothing.
static inline void point_add_digit(point *p, const entry row[8], int digit) {
    if (digit == 0) return;
    const entry *q = &row[(digit < 0 ? -digit : digit) - 1];
    // -(x, y) = (-x, y): the sum and the difference change places, the product its sign.
    const field sum = entry_field(digit < 0 ? q->difference : q->sum);
    const field difference = entry_field(digit < 0 ? q->sum : q->difference);
    const field a = field_multiply(field_subtract(p->y, p->x), difference);
    const field b = field_multiply(field_add(p->y, p->x), sum);
    const field c = field_multiply(p->t, entry_field(q->product)), d = field_add(p->z, p->z);
    const field less = field_subtract(d, c), more = field_add(d, c);
    const field e = field_subtract(b, a), h = field_add(b, a);
    *p = digit < 0 ? point_from(e, more, less, h) : point_from(e, less, more, h);
}

// RFC 8032 §5.1.3, with OpenSSL's leniency: y may be p or more, and x = 0 may have either sign.
static int point_decode(point *p, const uint8_t bytes[32]) {
    const field y = field_from_bytes(bytes), square = field_square(y);
    // x^2 = u / v, and v is never zero. The candidate root is u v^3 (u v^7)^((p - 5)/8).
    const field u = field_multiply(field_subtract(square, one), one);
    const field v = field_multiply(field_add(field_multiply(square, curve_d), one), one);
    const field v3 = field_multiply(field_square(v), v);
    const field v7 = field_multiply(field_square(v3), v);
    field x = field_multiply(field_multiply(u, v3), field_power_root(field_multiply(u, v7)));
    const field check = field_multiply(field_square(x), v);
    if (!field_is_zero(field_subtract(check, u))) {
        if (!field_is_zero(field_add(check, u))) return 0;
        x = field_multiply(x, root_of_minus_one);
    }
    if (field_is_odd(x) != bytes[31] >> 7) x = field_multiply(field_subtract(zero, x), one);
    *p = (point){x, field_multiply(y, one), one, field_multiply(x, y)};
    return 1;
}

static inline void entry_store(uint64_t limbs[5], field a) {
    a = field_freeze(a);
    for (int i = 0; i < 5; i++) limbs[i] = a.l[i];
}

enum { rows_at_once = 8, points_at_once = 8 * rows_at_once };

// Writes points as entries, with one inversion for all of them.
static void entries_from_points(entry *entries, const point points[points_at_once]) {
    // products[i] is the product of the first i + 1 denominators, none of which is ever zero.
    field products[points_at_once];
    products[0] = points[0].z;
    for (int i = 1; i < points_at_once; i++) products[i] = field_multiply(products[i - 1], points[i].z);
    field inverse = field_invert(products[points_at_once - 1]);
    for (int i = points_at_once - 1; i >= 0; i--) {
        const field own = i == 0 ? inverse : field_multiply(inverse, products[i - 1]);
        inverse = field_multiply(inverse, points[i].z);
        const field x = field_multiply(points[i].x, own), y = field_multiply(points[i].y, own);
        entry_store(entries[i].sum, field_add(y, x));
        entry_store(entries[i].difference, field_subtract(y, x));
        entry_store(entries[i].product, field_multiply(field_multiply(x, y), curve_2d));
        entries[i].unused = 0;
    }
}

int assay_edwards_table_make(assay_edwards_table *table, const uint8_t bytes[32], int is_negated) {
    point base;
    if (!point_decode(&base, bytes)) return 0;
    if (is_negated) {
        base.x = field_multiply(field_subtract(zero, base.x), one);
        base.t = field_multiply(base.x, base.y);
    }
    for (int first = 0; first < 32; first += rows_at_once) {
        point points[points_at_once];
        for (int row = 0; row < rows_at_once; row++) {
            point *multiples = &points[8 * row];
            const addend once = addend_of(&base);
            multiples[0] = base;
            for (int i = 1; i < 8; i++) multiples[i] = point_add(&multiples[i - 1], &once);
            base = multiples[7];
            for (int i = 0; i < 5; i++) base = point_double(&base);
        }
        entries_from_points(table->rows[first], points);
    }
    return 1;
}

// The 64 digits to base 16 of a number below 2^253, from -8 to 7.
static void signed_digits(int8_t digits[64], const uint8_t scalar[32]) {
    int carry = 0;
    for (int i = 0; i < 64; i++) {
        const int digit = (scalar[i / 2] >> (4 * (i % 2)) & 15) + carry;
        carry = (digit + 8) >> 4;
        digits[i] = (int8_t)(digit - 16 * carry);
    }
}

void assay_edwards_combine(
    uint8_t encoded[32], const assay_edwards_table *p, const uint8_t a[32], const assay_edwards_table *q,
    const uint8_t b[32]) {
    int8_t a_digits[64], b_digits[64];
    signed_digits(a_digits, a);
    signed_digits(b_digits, b);
    // Row i holds multiples of 256^i: the odd digits first, then sixteenfold, then the even ones.
    point sum = {zero, one, one, zero};
    for (int i = 0; i < 32; i++) {
        point_add_digit(&sum, p->rows[i], a_digits[2 * i + 1]);
        point_add_digit(&sum, q->rows[i], b_digits[2 * i + 1]);
    }
    for (int i = 0; i < 4; i++) sum = point_double(&sum);
    for (int i = 0; i < 32; i++) {
        point_add_digit(&sum, p->rows[i], a_digits[2 * i]);
        point_add_digit(&sum, q->rows[i], b_digits[2 * i]);
    }
    const field inverse = field_invert(sum.z);
    field_to_bytes(encoded, field_multiply(sum.y, inverse));
    encoded[31] |= (uint8_t)(field_is_odd(field_multiply(sum.x, inverse)) << 7);
}
