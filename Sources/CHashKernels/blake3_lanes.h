// The body of BLAKE3's many-input kernel, included once for each vector width with LANES, VECTOR, ADD, XOR, SPLAT,
// LOAD, ROTATE, TRANSPOSE_LOAD, TRANSPOSE_STORE, KERNEL and KERNEL_TARGET defined. Lane i belongs to input i.

// The four mixes of a half round run side by side, so that no instruction waits for the one before it. Mix k works on
// word (k + shift) mod 4 of each row of the state: shift 0 gives the columns, shift = row the diagonals.
#define AT(row, shift, k) v[4 * (row) + (((k) + (shift)) & 3)]
#define MIX4(s1, s2, s3, x0, y0, x1, y1, x2, y2, x3, y3)                                           \
    do {                                                                                           \
        HALF(s1, s2, s3, x0, x1, x2, x3, 16, 12);                                                  \
        HALF(s1, s2, s3, y0, y1, y2, y3, 8, 7);                                                    \
    } while (0)
#define HALF(s1, s2, s3, w0, w1, w2, w3, r1, r2)                                                   \
    do {                                                                                           \
        AT(0, 0, 0) = ADD(AT(0, 0, 0), w0);                                                        \
        AT(0, 0, 1) = ADD(AT(0, 0, 1), w1);                                                        \
        AT(0, 0, 2) = ADD(AT(0, 0, 2), w2);                                                        \
        AT(0, 0, 3) = ADD(AT(0, 0, 3), w3);                                                        \
        EVERY(AT(0, 0, k_) = ADD(AT(0, 0, k_), AT(1, s1, k_)));                                    \
        EVERY(AT(3, s3, k_) = XOR(AT(3, s3, k_), AT(0, 0, k_)));                                   \
        EVERY(AT(3, s3, k_) = ROTATE(AT(3, s3, k_), r1));                                          \
        EVERY(AT(2, s2, k_) = ADD(AT(2, s2, k_), AT(3, s3, k_)));                                  \
        EVERY(AT(1, s1, k_) = XOR(AT(1, s1, k_), AT(2, s2, k_)));                                  \
        EVERY(AT(1, s1, k_) = ROTATE(AT(1, s1, k_), r2));                                          \
    } while (0)
#define EVERY(statement)                                                                           \
    do {                                                                                           \
        { enum { k_ = 0 }; statement; }                                                            \
        { enum { k_ = 1 }; statement; }                                                            \
        { enum { k_ = 2 }; statement; }                                                            \
        { enum { k_ = 3 }; statement; }                                                            \
    } while (0)

// The order of the message words is written out, so that every index is a constant and the words stay in registers.
#define ROUND(a, b, c, d, e, f, g, h, i, j, k, l, n, o, p, q)                                      \
    do {                                                                                           \
        MIX4(0, 0, 0, m[a], m[b], m[c], m[d], m[e], m[f], m[g], m[h]);                             \
        MIX4(1, 2, 3, m[i], m[j], m[k], m[l], m[n], m[o], m[p], m[q]);                             \
    } while (0)

KERNEL_TARGET size_t KERNEL(
    const uint8_t *input, size_t stride, size_t count, size_t blocks, const uint32_t key[8], uint64_t counter,
    int increment, uint8_t flags, uint8_t start, uint8_t end, uint8_t *out) {
    size_t done = 0;
    for (; count - done >= LANES; done += LANES) {
        const uint8_t *base = input + done * stride;
        uint32_t low[LANES], high[LANES];
        for (size_t i = 0; i < LANES; i++) {
            const uint64_t t = counter + (increment ? done + i : 0);
            low[i] = (uint32_t)t;
            high[i] = (uint32_t)(t >> 32);
        }
        VECTOR h[8];
        for (int i = 0; i < 8; i++) h[i] = SPLAT(key[i]);
        for (size_t block = 0; block < blocks; block++) {
            uint8_t f = flags;
            if (block == 0) f |= start;
            if (block + 1 == blocks) f |= end;
            VECTOR m[16];
            TRANSPOSE_LOAD(base + 64 * block, stride, m);
            // The hardware prefetchers do not follow this many strided streams. A prefetch past the end does nothing.
            const uintptr_t ahead = (uintptr_t)base + LANES * stride + 64 * block;
            if (blocks > 1) {
                for (size_t i = 0; i < LANES; i++) __builtin_prefetch((const void *)(ahead + i * stride), 0, 3);
            }
            VECTOR v[16] = {
                h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7],
                SPLAT(assay_blake3_iv[0]), SPLAT(assay_blake3_iv[1]), SPLAT(assay_blake3_iv[2]),
                SPLAT(assay_blake3_iv[3]), LOAD(low), LOAD(high), SPLAT(64), SPLAT(f),
            };
            ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            ROUND(2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8);
            ROUND(3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1);
            ROUND(10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6);
            ROUND(12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4);
            ROUND(9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7);
            ROUND(11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13);
            for (int i = 0; i < 8; i++) h[i] = XOR(v[i], v[i + 8]);
        }
        TRANSPOSE_STORE(h, out + 32 * done);
    }
    return done;
}
