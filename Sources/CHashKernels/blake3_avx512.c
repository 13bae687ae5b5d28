// BLAKE3 over sixteen inputs at once with AVX-512.
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define KERNEL_TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))
#define KERNEL assay_blake3_many_avx512
#define LANES 16
#define VECTOR __m512i
#define ADD _mm512_add_epi32
#define XOR _mm512_xor_si512
#define SPLAT(x) _mm512_set1_epi32((int)(x))
#define LOAD(p) _mm512_loadu_si512((const void *)(p))
#define ROTATE(x, n) _mm512_ror_epi32((x), (n))

// Transposes a 16×16 matrix of words: within 128-bit lanes first, then the lanes themselves as a 4×4 matrix.
KERNEL_TARGET ASSAY_INLINE void TRANSPOSE_LOAD(const uint8_t *base, size_t stride, __m512i m[16]) {
    __m512i a[16], b[16];
    for (int i = 0; i < 8; i++) {
        const __m512i even = LOAD(base + (size_t)(2 * i) * stride), odd = LOAD(base + (size_t)(2 * i + 1) * stride);
        a[2 * i] = _mm512_unpacklo_epi32(even, odd);
        a[2 * i + 1] = _mm512_unpackhi_epi32(even, odd);
    }
    // b[4q + w]: in lane l, word 4l + w of inputs 4q to 4q + 3.
    for (int q = 0; q < 4; q++) {
        b[4 * q] = _mm512_unpacklo_epi64(a[4 * q], a[4 * q + 2]);
        b[4 * q + 1] = _mm512_unpackhi_epi64(a[4 * q], a[4 * q + 2]);
        b[4 * q + 2] = _mm512_unpacklo_epi64(a[4 * q + 1], a[4 * q + 3]);
        b[4 * q + 3] = _mm512_unpackhi_epi64(a[4 * q + 1], a[4 * q + 3]);
    }
    for (int w = 0; w < 4; w++) {
        const __m512i low0 = _mm512_shuffle_i32x4(b[w], b[4 + w], 0x44);
        const __m512i low1 = _mm512_shuffle_i32x4(b[8 + w], b[12 + w], 0x44);
        const __m512i high0 = _mm512_shuffle_i32x4(b[w], b[4 + w], 0xee);
        const __m512i high1 = _mm512_shuffle_i32x4(b[8 + w], b[12 + w], 0xee);
        m[w] = _mm512_shuffle_i32x4(low0, low1, 0x88);
        m[4 + w] = _mm512_shuffle_i32x4(low0, low1, 0xdd);
        m[8 + w] = _mm512_shuffle_i32x4(high0, high1, 0x88);
        m[12 + w] = _mm512_shuffle_i32x4(high0, high1, 0xdd);
    }
}

// Sixteen chaining values of eight words: two inputs to a vector once transposed.
KERNEL_TARGET ASSAY_INLINE void TRANSPOSE_STORE(__m512i h[8], uint8_t *out) {
    uint32_t words[8][16];
    for (int i = 0; i < 8; i++) _mm512_storeu_si512(words[i], h[i]);
    for (int lane = 0; lane < 16; lane++) {
        for (int i = 0; i < 8; i++) assay_store_le32(out + 32 * lane + 4 * i, words[i][lane]);
    }
}

#include "blake3_lanes.h"
#endif
