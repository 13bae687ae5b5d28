// SHA-256 (FIPS 180-4) over many messages of one length. A single stream is bound by the latency of the SHA
// instructions; four interleaved streams fill the pipeline.
#include "kernels.h"

const uint32_t assay_sha256_iv[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

const uint32_t assay_sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

ASSAY_INLINE uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

void assay_sha256_portable(uint32_t state[8], const uint8_t *data, size_t count) {
    for (; count > 0; count--, data += 64) {
        uint32_t w[16], s[8];
        memcpy(s, state, sizeof s);
        for (int i = 0; i < 16; i++) w[i] = assay_load_be32(data + 4 * i);
        for (int i = 0; i < 64; i++) {
            if (i >= 16) {
                const uint32_t w15 = w[(i - 15) & 15], w2 = w[(i - 2) & 15];
                w[i & 15] += (rotr(w15, 7) ^ rotr(w15, 18) ^ w15 >> 3) + w[(i - 7) & 15]
                    + (rotr(w2, 17) ^ rotr(w2, 19) ^ w2 >> 10);
            }
            const uint32_t t1 = s[7] + (rotr(s[4], 6) ^ rotr(s[4], 11) ^ rotr(s[4], 25))
                + ((s[4] & s[5]) ^ (~s[4] & s[6])) + assay_sha256_k[i] + w[i & 15];
            const uint32_t t2 = (rotr(s[0], 2) ^ rotr(s[0], 13) ^ rotr(s[0], 22))
                + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
            s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + t1;
            s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = t1 + t2;
        }
        for (int i = 0; i < 8; i++) state[i] += s[i];
    }
}

// Writes the padded tail of a message of `length` bytes whose last whole block ends before `tail`; returns its blocks.
static size_t pad(uint8_t block[128], const uint8_t *tail, size_t length) {
    const size_t rest = length & 63;
    const size_t blocks = rest < 56 ? 1 : 2;
    memset(block, 0, 128);
    memcpy(block, tail, rest);
    block[rest] = 0x80;
    const uint64_t bits = (uint64_t)length << 3;
    assay_store_be32(block + 64 * blocks - 8, (uint32_t)(bits >> 32));
    assay_store_be32(block + 64 * blocks - 4, (uint32_t)bits);
    return blocks;
}

static void write_digest(const uint32_t state[8], uint8_t *digest) {
    for (int i = 0; i < 8; i++) assay_store_be32(digest + 4 * i, state[i]);
}

static void compress(int form, uint32_t state[8], const uint8_t *data, size_t count) {
#if defined(__x86_64__)
    if (form == ASSAY_HASH_SHA_NI) {
        assay_sha256_ni_x1(state, data, count);
        return;
    }
#endif
    (void)form;
    assay_sha256_portable(state, data, count);
}

void assay_sha256_many_with(
    int form, const uint8_t *base, size_t stride, size_t length, size_t count, uint8_t *digests) {
    uint8_t tails[4][128];
    const size_t whole = length / 64;
    size_t done = 0;
#if defined(__x86_64__)
    if (form == ASSAY_HASH_SHA_NI) {
        for (; count - done >= 4; done += 4) {
            uint32_t state[4][8];
            const uint8_t *data[4], *tail[4];
            size_t blocks = 0;
            for (int i = 0; i < 4; i++) {
                memcpy(state[i], assay_sha256_iv, sizeof assay_sha256_iv);
                data[i] = base + (done + (size_t)i) * stride;
                blocks = pad(tails[i], data[i] + 64 * whole, length);
                tail[i] = tails[i];
            }
            assay_sha256_ni_x4(state, data, whole);
            assay_sha256_ni_x4(state, tail, blocks);
            for (int i = 0; i < 4; i++) write_digest(state[i], digests + 32 * (done + (size_t)i));
        }
    }
#endif
    for (; done < count; done++) {
        uint32_t state[8];
        const uint8_t *data = base + done * stride;
        memcpy(state, assay_sha256_iv, sizeof assay_sha256_iv);
        const size_t blocks = pad(tails[0], data + 64 * whole, length);
        compress(form, state, data, whole);
        compress(form, state, tails[0], blocks);
        write_digest(state, digests + 32 * done);
    }
}

static int best_form(void) {
    return assay_hash_supports(ASSAY_HASH_SHA_NI) ? ASSAY_HASH_SHA_NI : ASSAY_HASH_PORTABLE;
}

void assay_sha256_many(const uint8_t *base, size_t stride, size_t length, size_t count, uint8_t *digests) {
    assay_sha256_many_with(best_form(), base, stride, length, count, digests);
}

void assay_sha256_compress(uint32_t state[8], const uint8_t *blocks, size_t count) {
    compress(best_form(), state, blocks, count);
}
