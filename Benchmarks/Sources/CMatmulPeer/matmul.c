// The peers: what clang makes of the same arithmetic with -O3 -march=native.
#include "CMatmulPeer.h"

#include <stddef.h>
#include <string.h>

void peer_matmul_tiles(const float *restrict left, const float *restrict right, float *restrict out, uint32_t inner,
                       uint32_t columns, uint32_t rows) {
    memset(out, 0, (size_t)rows * columns * sizeof(float));
    for (uint32_t column = 0; column < columns; column += 32) {
        for (uint32_t start = 0; start < inner; start += 128) {
            float panel[128 * 32];
            for (uint32_t k = 0; k < 128; k++) {
                memcpy(panel + k * 32, right + (size_t)(start + k) * columns + column, 32 * sizeof(float));
            }
            for (uint32_t row = 0; row < rows; row += 8) {
                float sums[8][32];
                for (int i = 0; i < 8; i++) memcpy(sums[i], out + (size_t)(row + i) * columns + column, sizeof sums[i]);
                for (uint32_t k = 0; k < 128; k++) {
                    for (int i = 0; i < 8; i++) {
                        float a = left[(size_t)(row + i) * inner + start + k];
                        for (int c = 0; c < 32; c++) sums[i][c] = __builtin_fmaf(a, panel[k * 32 + c], sums[i][c]);
                    }
                }
                for (int i = 0; i < 8; i++) memcpy(out + (size_t)(row + i) * columns + column, sums[i], sizeof sums[i]);
            }
        }
    }
}

void peer_matmul_loops(const float *restrict left, const float *restrict right, float *restrict out, uint32_t inner,
                       uint32_t columns, uint32_t rows) {
    for (uint32_t row = 0; row < rows; row++) {
        float *to = out + (size_t)row * columns;
        memset(to, 0, columns * sizeof(float));
        for (uint32_t k = 0; k < inner; k++) {
            float a = left[(size_t)row * inner + k];
            const float *from = right + (size_t)k * columns;
            for (uint32_t c = 0; c < columns; c++) to[c] = __builtin_fmaf(a, from[c], to[c]);
        }
    }
}
