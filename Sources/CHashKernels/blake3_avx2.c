// BLAKE3 over eight inputs at once with AVX2.
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define KERNEL_TARGET __attribute__((target("avx2")))
#define KERNEL assay_blake3_many_avx2
#define LANES 8
#define VECTOR __m256i
#define ADD _mm256_add_epi32
#define XOR _mm256_xor_si256
#define SPLAT(x) _mm256_set1_epi32((int)(x))
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(p))

KERNEL_TARGET ASSAY_INLINE __m256i rotate16(__m256i x) {
    return _mm256_shuffle_epi8(
        x, _mm256_set_epi8(
               13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2,
               13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2));
}
KERNEL_TARGET ASSAY_INLINE __m256i rotate8(__m256i x) {
    return _mm256_shuffle_epi8(
        x, _mm256_set_epi8(
               12, 15, 14, 13, 8, 11, 10, 9, 4, 7, 6, 5, 0, 3, 2, 1,
               12, 15, 14, 13, 8, 11, 10, 9, 4, 7, 6, 5, 0, 3, 2, 1));
}
KERNEL_TARGET ASSAY_INLINE __m256i rotate12(__m256i x) {
    return _mm256_or_si256(_mm256_srli_epi32(x, 12), _mm256_slli_epi32(x, 20));
}
KERNEL_TARGET ASSAY_INLINE __m256i rotate7(__m256i x) {
    return _mm256_or_si256(_mm256_srli_epi32(x, 7), _mm256_slli_epi32(x, 25));
}
#define ROTATE(x, n) rotate##n(x)

// Transposes an 8×8 matrix of words in place: pairs of words, pairs of pairs, halves.
KERNEL_TARGET ASSAY_INLINE void transpose(__m256i r[8]) {
    __m256i a[8], b[8];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        b[4 * i] = _mm256_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm256_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm256_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm256_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x20);
        r[i + 4] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x31);
    }
}

KERNEL_TARGET ASSAY_INLINE void TRANSPOSE_LOAD(const uint8_t *base, size_t stride, __m256i m[16]) {
    for (size_t i = 0; i < 8; i++) {
        m[i] = LOAD(base + i * stride);
        m[i + 8] = LOAD(base + i * stride + 32);
    }
    transpose(m);
    transpose(m + 8);
}

KERNEL_TARGET ASSAY_INLINE void TRANSPOSE_STORE(__m256i h[8], uint8_t *out) {
    transpose(h);
    for (int i = 0; i < 8; i++) _mm256_storeu_si256((__m256i *)(out + 32 * i), h[i]);
}

#include "blake3_lanes.h"
#endif
