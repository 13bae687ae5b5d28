// Numbers modulo L = 2^252 + c, the order of the base point of Ed25519 (RFC 8032 §5.1).
#include "CEdwards25519.h"

#include "field25519.h"

// L in words of 64 bits, lowest first; c is the low half.
static const uint64_t order[4] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};

int assay_edwards_scalar_is_reduced(const uint8_t scalar[32]) {
    for (int i = 3; i >= 0; i--) {
        const uint64_t word = load_little_endian(scalar + 8 * i);
        if (word != order[i]) return word < order[i];
    }
    return 0;
}

// r = 2^32 r + word modulo L, for r below L.
static void shift_in(uint64_t r[4], uint32_t word) {
    // 2^32 r + word is below 2^285. With q = its part above 2^252, it is congruent to the rest minus q c, and q c < 2^158.
    const uint64_t q = r[3] >> 28;
    uint64_t rest[4] = {
        r[0] << 32 | word, r[1] << 32 | r[0] >> 32, r[2] << 32 | r[1] >> 32,
        (r[3] << 32 | r[2] >> 32) & 0x0fffffffffffffff,
    };
    const uint128 low = (uint128)q * order[0], high = (uint128)q * order[1] + (uint64_t)(low >> 64);
    const uint64_t taken[4] = {(uint64_t)low, (uint64_t)high, (uint64_t)(high >> 64), 0};
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        const uint128 difference = (uint128)rest[i] - taken[i] - borrow;
        r[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    // The rest is below 2^252, which is below L: at most one L is missing and none too many.
    uint64_t carry = 0;
    for (int i = 0; borrow != 0 && i < 4; i++) {
        const uint128 sum = (uint128)r[i] + order[i] + carry;
        r[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
}

void assay_edwards_scalar_reduce(uint8_t scalar[32], const uint8_t wide[64]) {
    uint64_t r[4] = {0};
    for (int i = 15; i >= 0; i--) {
        const uint8_t *bytes = wide + 4 * i;
        shift_in(r, (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
    }
    for (int i = 0; i < 4; i++) store_little_endian(scalar + 8 * i, r[i]);
}
