// SHA-256 with the SHA extensions of x86-64, one stream or four interleaved ones (Intel SDM: SHA256RNDS2, MSG1, MSG2).
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))
#define UNROLL _Pragma("clang loop unroll(full)")

// The instructions want the state as ABEF and CDGH.
#define LOAD_STATE(state, abef, cdgh)                                              \
    do {                                                                           \
        const __m128i dcba = _mm_loadu_si128((const __m128i *)(state));            \
        const __m128i hgfe = _mm_loadu_si128((const __m128i *)((state) + 4));      \
        const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);                        \
        const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);                        \
        (abef) = _mm_alignr_epi8(cdab, efgh, 8);                                   \
        (cdgh) = _mm_blend_epi16(efgh, cdab, 0xf0);                                \
    } while (0)

#define STORE_STATE(state, abef, cdgh)                                             \
    do {                                                                           \
        const __m128i feba = _mm_shuffle_epi32((abef), 0x1b);                      \
        const __m128i dchg = _mm_shuffle_epi32((cdgh), 0xb1);                      \
        _mm_storeu_si128((__m128i *)(state), _mm_blend_epi16(feba, dchg, 0xf0));   \
        _mm_storeu_si128((__m128i *)((state) + 4), _mm_alignr_epi8(dchg, feba, 8));\
    } while (0)

// Four rounds of every stream. `group` is a constant after unrolling.
#define ROUNDS(streams)                                                                                    \
    UNROLL for (int group = 0; group < 16; group++) {                                                      \
        const __m128i k = _mm_loadu_si128((const __m128i *)(assay_sha256_k + 4 * group));                  \
        __m128i mixed[streams];                                                                            \
        UNROLL for (int s = 0; s < streams; s++) {                                                         \
            if (group < 4) {                                                                               \
                w[s][group] = _mm_shuffle_epi8(                                                            \
                    _mm_loadu_si128((const __m128i *)(data[s] + 64 * block + 16 * (size_t)group)), swap);  \
            } else {                                                                                       \
                const __m128i w1 = w[s][(group - 1) & 3], w2 = w[s][(group - 2) & 3];                      \
                const __m128i sum = _mm_add_epi32(                                                         \
                    _mm_sha256msg1_epu32(w[s][group & 3], w[s][(group - 3) & 3]), _mm_alignr_epi8(w1, w2, 4)); \
                w[s][group & 3] = _mm_sha256msg2_epu32(sum, w1);                                           \
            }                                                                                              \
            mixed[s] = _mm_add_epi32(w[s][group & 3], k);                                                  \
        }                                                                                                  \
        UNROLL for (int s = 0; s < streams; s++) {                                                         \
            cdgh[s] = _mm_sha256rnds2_epu32(cdgh[s], abef[s], mixed[s]);                                   \
        }                                                                                                  \
        UNROLL for (int s = 0; s < streams; s++) {                                                         \
            abef[s] = _mm_sha256rnds2_epu32(abef[s], cdgh[s], _mm_shuffle_epi32(mixed[s], 0x0e));          \
        }                                                                                                  \
    }

#define COMPRESS(streams)                                                                                  \
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);                       \
    __m128i abef[streams], cdgh[streams];                                                                  \
    UNROLL for (int s = 0; s < streams; s++) LOAD_STATE(state[s], abef[s], cdgh[s]);                       \
    for (size_t block = 0; block < count; block++) {                                                       \
        __m128i w[streams][4], abef0[streams], cdgh0[streams];                                             \
        UNROLL for (int s = 0; s < streams; s++) abef0[s] = abef[s], cdgh0[s] = cdgh[s];                   \
        ROUNDS(streams)                                                                                    \
        UNROLL for (int s = 0; s < streams; s++) {                                                         \
            abef[s] = _mm_add_epi32(abef[s], abef0[s]);                                                    \
            cdgh[s] = _mm_add_epi32(cdgh[s], cdgh0[s]);                                                    \
        }                                                                                                  \
    }                                                                                                      \
    UNROLL for (int s = 0; s < streams; s++) STORE_STATE(state[s], abef[s], cdgh[s]);

SHA_TARGET void assay_sha256_ni_x4(uint32_t state[4][8], const uint8_t *const data[4], size_t count) {
    COMPRESS(4)
}

SHA_TARGET void assay_sha256_ni_x1(uint32_t state1[8], const uint8_t *data1, size_t count) {
    uint32_t(*const state)[8] = (uint32_t(*)[8])state1;
    const uint8_t *const data[1] = {data1};
    COMPRESS(1)
}
#endif
