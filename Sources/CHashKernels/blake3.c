// BLAKE3 (the BLAKE3 specification, §2): the compression function and perfect subtrees of chunks.
#include "kernels.h"

const uint32_t assay_blake3_iv[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

// The message word order of each round: the permutation of table 2 applied again and again.
const uint8_t assay_blake3_schedule[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1},
    {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4},
    {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

ASSAY_INLINE uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

#define G(a, b, c, d, x, y)                     \
    do {                                        \
        v[a] += v[b] + (x);                     \
        v[d] = rotr(v[d] ^ v[a], 16);           \
        v[c] += v[d];                           \
        v[b] = rotr(v[b] ^ v[c], 12);           \
        v[a] += v[b] + (y);                     \
        v[d] = rotr(v[d] ^ v[a], 8);            \
        v[c] += v[d];                           \
        v[b] = rotr(v[b] ^ v[c], 7);            \
    } while (0)

void assay_blake3_compress(
    const uint32_t chaining[8], const uint8_t block[64], uint8_t length, uint64_t counter, uint8_t flags,
    uint32_t output[16]) {
    uint32_t m[16];
    for (int i = 0; i < 16; i++) m[i] = assay_load_le32(block + 4 * i);
    uint32_t v[16] = {
        chaining[0], chaining[1], chaining[2], chaining[3], chaining[4], chaining[5], chaining[6], chaining[7],
        assay_blake3_iv[0], assay_blake3_iv[1], assay_blake3_iv[2], assay_blake3_iv[3],
        (uint32_t)counter, (uint32_t)(counter >> 32), length, flags,
    };
    for (int r = 0; r < 7; r++) {
        const uint8_t *o = assay_blake3_schedule[r];
        G(0, 4, 8, 12, m[o[0]], m[o[1]]);
        G(1, 5, 9, 13, m[o[2]], m[o[3]]);
        G(2, 6, 10, 14, m[o[4]], m[o[5]]);
        G(3, 7, 11, 15, m[o[6]], m[o[7]]);
        G(0, 5, 10, 15, m[o[8]], m[o[9]]);
        G(1, 6, 11, 12, m[o[10]], m[o[11]]);
        G(2, 7, 8, 13, m[o[12]], m[o[13]]);
        G(3, 4, 9, 14, m[o[14]], m[o[15]]);
    }
    for (int i = 0; i < 8; i++) {
        output[i] = v[i] ^ v[i + 8];
        output[i + 8] = v[i + 8] ^ chaining[i];
    }
}

// `count` inputs of `blocks` blocks each, `stride` bytes apart, to consecutive chaining values.
static void many(
    int form, const uint8_t *input, size_t stride, size_t count, size_t blocks, const uint32_t key[8],
    uint64_t counter, int increment, uint8_t flags, uint8_t start, uint8_t end, uint8_t *out) {
    size_t done = 0;
#if defined(__x86_64__)
    if (form == ASSAY_HASH_AVX512) {
        done = assay_blake3_many_avx512(
            input, stride, count, blocks, key, counter, increment, flags, start, end, out);
    }
    if (form == ASSAY_HASH_AVX512 || form == ASSAY_HASH_AVX2) {
        done += assay_blake3_many_avx2(
            input + done * stride, stride, count - done, blocks, key, counter + (increment ? done : 0), increment,
            flags, start, end, out + 32 * done);
    }
#else
    (void)form;
#endif
    for (; done < count; done++) {
        uint32_t state[16];
        memcpy(state, key, 32);
        for (size_t b = 0; b < blocks; b++) {
            uint8_t f = flags;
            if (b == 0) f |= start;
            if (b + 1 == blocks) f |= end;
            uint32_t next[16];
            assay_blake3_compress(
                state, input + done * stride + 64 * b, 64, counter + (increment ? done : 0), f, next);
            memcpy(state, next, 32);
        }
        for (int i = 0; i < 8; i++) assay_store_le32(out + 32 * done + 4 * i, state[i]);
    }
}

void assay_blake3_subtree_with(
    int form, const uint8_t *input, size_t chunks, const uint32_t key[8], uint64_t counter, uint8_t flags,
    uint8_t chaining[32]) {
    // Leaves first, then each level of parents over the level below; two buffers, since lanes finish out of order.
    uint8_t a[1024 * 32], b[512 * 32];
    uint8_t *from = a, *to = b;
    many(form, input, 1024, chunks, 16, key, counter, 1, flags, ASSAY_BLAKE3_CHUNK_START, ASSAY_BLAKE3_CHUNK_END, from);
    for (size_t nodes = chunks / 2; nodes > 0; nodes /= 2) {
        many(form, from, 64, nodes, 1, key, 0, 0, flags | ASSAY_BLAKE3_PARENT, 0, 0, to);
        uint8_t *swap = from;
        from = to;
        to = swap;
    }
    memcpy(chaining, from, 32);
}

void assay_blake3_subtree(
    const uint8_t *input, size_t chunks, const uint32_t key[8], uint64_t counter, uint8_t flags, uint8_t chaining[32]) {
    int form = ASSAY_HASH_PORTABLE;
    if (assay_hash_supports(ASSAY_HASH_AVX2)) form = ASSAY_HASH_AVX2;
    if (assay_hash_supports(ASSAY_HASH_AVX2) && assay_hash_supports(ASSAY_HASH_AVX512)) form = ASSAY_HASH_AVX512;
    assay_blake3_subtree_with(form, input, chunks, key, counter, flags, chaining);
}
