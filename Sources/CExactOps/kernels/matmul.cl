// Matrix products by definition: each element a chain of fma with k ascending, started at +0, in blocks of 1024; the block sums
// are added in pairs of neighbours, level by level. Matrices are dense and row-major. `inner` is at most 65536.

// A bfloat16 as the same number in single precision.
static float exact_from_bf16(ushort bits) {
    return as_float((uint)bits << 16);
}

// The nearest bfloat16, ties to even; NaN becomes 0x7fc0.
static ushort exact_to_bf16(float x) {
    uint bits = as_uint(x);
    uint rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    return x != x ? (ushort)0x7fc0 : (ushort)rounded;
}

// An IEEE half as the same number in single precision.
static float exact_from_f16(ushort bits) {
    uint magnitude = bits & 0x7fffu;
    uint sign = (uint)(bits & 0x8000u) << 16;
    // Moved into place, a half is too small by 2^112; the product is exact, denormals included.
    float value = as_float(magnitude << 13) * 5.19229686e+33f;
    if (magnitude >= 0x7c00u) value = as_float(0x7f800000u | magnitude << 13);
    return as_float(as_uint(value) | sign);
}

// The nearest IEEE half, ties to even; infinity from 65520; NaN becomes 0x7e00.
static ushort exact_to_f16(float x) {
    uint sign = as_uint(x) >> 16 & 0x8000u;
    float a = fabs(x);
    uint bits = as_uint(a);
    uint result;
    if (a >= 65520.0f) {
        result = 0x7c00u;
    } else if (a < 6.10351562e-05f) {
        // Below the normal range the sum's last place is a half's last place.
        result = as_uint(a + 0.5f) - 0x3f000000u;
    } else {
        result = (bits + 0x0fffu + ((bits >> 13) & 1u) - 0x38000000u) >> 13;
    }
    return x != x ? (ushort)0x7e00 : (ushort)(sign | result);
}

// Adds block sum number `block` to sums of which *levels* holds one per set bit of the blocks so far.
static void exact_push_block(float sum, uint block, float *levels) {
    uint level = 0u;
    for (uint bits = block; (bits & 1u) != 0u; bits >>= 1) sum = levels[level++] + sum;
    levels[level] = sum;
}

// The sum over `blocks` pushed blocks.
static float exact_pop_blocks(uint blocks, const float *levels) {
    uint level = 0u;
    while ((blocks >> level & 1u) == 0u) level++;
    float sum = levels[level];
    for (level++; blocks >> level != 0u; level++) {
        if ((blocks >> level & 1u) != 0u) sum = levels[level] + sum;
    }
    return sum;
}

// Sum over k of left[k] * right[k * stride].
static float exact_dot(__global const float *left, __global const float *right, uint stride, uint inner) {
    float levels[8];
    uint blocks = 0u;
    for (uint start = 0u; start < inner; start += 1024u) {
        uint end = min(start + 1024u, inner);
        float sum = 0.0f;
        for (uint k = start; k < end; k++) sum = fma(left[k], right[(size_t)k * stride], sum);
        exact_push_block(sum, blocks++, levels);
    }
    return exact_pop_blocks(blocks, levels);
}

// out[r][c] = sum over k of left[r][k] * right[k][c].
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void matmul(__global const float *left, __global const float *right, __global float *out, uint inner, uint columns,
            uint rows) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (column >= columns || row >= rows) return;
    out[row * columns + column] = exact_dot(left + row * inner, right + column, columns, inner);
}

// The same, then the bias of the column, then the activation.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void matmul_bias(__global const float *left, __global const float *right, __global const float *bias,
                 __global float *out, uint inner, uint columns, uint rows, uint activation) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (column >= columns || row >= rows) return;
    float sum = exact_dot(left + row * inner, right + column, columns, inner);
    out[row * columns + column] = exact_activate(sum + bias[column], activation);
}

// The same as matmul, for matrices of bfloat16 (format 0) or IEEE half (format 1).
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void matmul_half(__global const ushort *left, __global const ushort *right, __global float *out, uint inner,
                 uint columns, uint rows, uint format) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (column >= columns || row >= rows) return;
    float levels[8];
    uint blocks = 0u;
    for (uint start = 0u; start < inner; start += 1024u) {
        uint end = min(start + 1024u, inner);
        float sum = 0.0f;
        for (uint k = start; k < end; k++) {
            ushort a = left[row * inner + k];
            ushort b = right[(size_t)k * columns + column];
            sum = format == 0u ? fma(exact_from_bf16(a), exact_from_bf16(b), sum)
                               : fma(exact_from_f16(a), exact_from_f16(b), sum);
        }
        exact_push_block(sum, blocks++, levels);
    }
    out[row * columns + column] = exact_pop_blocks(blocks, levels);
}

// Single precision to bfloat16 (format 0) or IEEE half (format 1).
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void to_half(__global const float *values, __global ushort *out, uint columns, uint rows, uint format) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (column >= columns || row >= rows) return;
    float x = values[row * columns + column];
    out[row * columns + column] = format == 0u ? exact_to_bf16(x) : exact_to_f16(x);
}

// bfloat16 (format 0) or IEEE half (format 1) to single precision.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void from_half(__global const ushort *values, __global float *out, uint columns, uint rows, uint format) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (column >= columns || row >= rows) return;
    ushort x = values[row * columns + column];
    out[row * columns + column] = format == 0u ? exact_from_bf16(x) : exact_from_f16(x);
}
