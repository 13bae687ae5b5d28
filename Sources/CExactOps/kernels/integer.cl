// Products of 8-bit integers, exact in every order, and their way back to 8 bits. No floating point: fit for class `integer`.
// `inner` is at most 131071.

// out[r][c] = sum over k of left[r][k] * right[k][c].
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void matmul_i8(__global const char *left, __global const char *right, __global int *out, uint inner, uint columns,
               uint rows) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (column >= columns || row >= rows) return;
    int sum = 0;
    for (uint k = 0u; k < inner; k++) sum += (int)left[row * inner + k] * (int)right[(size_t)k * columns + column];
    out[row * columns + column] = sum;
}

// The integer nearest to x / 2^shift, ties to even; shift from 0 to 62.
static long exact_round_shift(long x, uint shift) {
    if (shift == 0u) return x;
    long quotient = x >> shift;
    long remainder = x - (quotient << shift);
    long middle = 1l << (shift - 1u);
    return quotient + (remainder > middle || (remainder == middle && (quotient & 1l) != 0l) ? 1l : 0l);
}

// out = values * multipliers[column] / 2^shift, rounded to even, plus zero, held within 8 bits.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void requantise(__global const int *values, __global const int *multipliers, __global char *out, uint columns,
                uint rows, uint shift, int zero) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (column >= columns || row >= rows) return;
    long scaled = exact_round_shift((long)values[row * columns + column] * (long)multipliers[column], shift) + zero;
    out[row * columns + column] = (char)(scaled > 127l ? 127l : scaled < -128l ? -128l : scaled);
}
