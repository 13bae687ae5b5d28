// The product of two matrices in plain C, for the machine that compiles it.
#ifndef CMATMULPEER_H
#define CMATMULPEER_H

#include <stdint.h>

/// The loop nest of the library's vector schedule: tiles of 8 x 32, panels of 128. All lengths are multiples of 128.
void peer_matmul_tiles(const float *left, const float *right, float *out, uint32_t inner, uint32_t columns, uint32_t rows);

/// Three loops, the innermost over columns.
void peer_matmul_loops(const float *left, const float *right, float *out, uint32_t inner, uint32_t columns, uint32_t rows);

#endif
