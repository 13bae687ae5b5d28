// Keccak-f[1600] (FIPS 202 §3.2–3.4), one state.
#include "kernels.h"

static const uint64_t round_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

// ρ offsets of lane x + 5y.
static const uint8_t rotations[25] = {
    0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14,
};

ASSAY_INLINE uint64_t rotl(uint64_t x, int n) { return n == 0 ? x : x << n | x >> (64 - n); }

#define UNROLL _Pragma("clang loop unroll(full)")

void assay_keccak_f1600(uint64_t a[25]) {
    uint64_t s[25];
    memcpy(s, a, sizeof s);
    for (int round = 0; round < 24; round++) {
        uint64_t c[5], b[25];
        UNROLL for (int x = 0; x < 5; x++) c[x] = s[x] ^ s[x + 5] ^ s[x + 10] ^ s[x + 15] ^ s[x + 20];
        UNROLL for (int x = 0; x < 5; x++) {
            const uint64_t d = c[(x + 4) % 5] ^ rotl(c[(x + 1) % 5], 1);
            UNROLL for (int y = 0; y < 5; y++) {
                b[y + 5 * ((2 * x + 3 * y) % 5)] = rotl(s[x + 5 * y] ^ d, rotations[x + 5 * y]);
            }
        }
        UNROLL for (int y = 0; y < 25; y += 5) {
            UNROLL for (int x = 0; x < 5; x++) s[y + x] = b[y + x] ^ (~b[y + (x + 1) % 5] & b[y + (x + 2) % 5]);
        }
        s[0] ^= round_constants[round];
    }
    memcpy(a, s, sizeof s);
}
