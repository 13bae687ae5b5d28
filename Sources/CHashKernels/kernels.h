// What the kernels share among themselves.
#ifndef ASSAY_KERNELS_H
#define ASSAY_KERNELS_H

#include <string.h>

#include "CHashKernels.h"

#define ASSAY_INLINE static inline __attribute__((always_inline))

ASSAY_INLINE uint32_t assay_load_be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

ASSAY_INLINE uint32_t assay_load_le32(const uint8_t *p) {
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

ASSAY_INLINE void assay_store_be32(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

ASSAY_INLINE void assay_store_le32(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

extern const uint32_t assay_sha256_k[64];
extern const uint32_t assay_sha256_iv[8];

// Compresses `count` blocks of each of four streams.
void assay_sha256_ni_x4(uint32_t state[4][8], const uint8_t *const data[4], size_t count);
void assay_sha256_ni_x1(uint32_t state[8], const uint8_t *data, size_t count);
void assay_sha256_portable(uint32_t state[8], const uint8_t *data, size_t count);

extern const uint32_t assay_blake3_iv[8];
extern const uint8_t assay_blake3_schedule[7][16];

// Hashes as many groups of 16 (8) inputs as `count` holds, each of `blocks` blocks of 64 bytes, inputs `stride` bytes
// apart, into consecutive chaining values. Returns how many inputs were done.
size_t assay_blake3_many_avx512(
    const uint8_t *input, size_t stride, size_t count, size_t blocks, const uint32_t key[8], uint64_t counter,
    int increment, uint8_t flags, uint8_t start, uint8_t end, uint8_t *out);
size_t assay_blake3_many_avx2(
    const uint8_t *input, size_t stride, size_t count, size_t blocks, const uint32_t key[8], uint64_t counter,
    int increment, uint8_t flags, uint8_t start, uint8_t end, uint8_t *out);

#endif
