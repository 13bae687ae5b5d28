// A 64-64-32-10 network over 8x8 images of handwritten digits, one kernel per operation.
//
// The order of every sum is fixed: products are added by fma with k ascending from +0, the bias comes last. Each work-item owns
// one element of the result, so that the work-group size cannot change a bit. Dimension 0 is the column, dimension 1 the row;
// rows are padded to a multiple of the work-group.

// Pixels of 0..16 as exact fractions of 16.
__kernel __attribute__((reqd_work_group_size(2, 16, 1)))
void scale(__global const uchar *pixels, __global float *values, uint columns, uint rows) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (row >= rows) return;
    values[row * columns + column] = (float)pixels[row * columns + column] * 0.0625f;
}

// out[r][c] = sum over k of left[r][k] * right[k][c].
__kernel __attribute__((reqd_work_group_size(2, 16, 1)))
void matmul(__global const float *left, __global const float *right, __global float *out, uint inner, uint columns,
            uint rows) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (row >= rows) return;
    float sum = 0.0f;
    for (uint k = 0; k < inner; k++) sum = fma(left[row * inner + k], right[k * columns + column], sum);
    out[row * columns + column] = sum;
}

// values[r][c] += bias[c].
__kernel __attribute__((reqd_work_group_size(2, 16, 1)))
void add_bias(__global float *values, __global const float *bias, uint columns, uint rows) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (row >= rows) return;
    values[row * columns + column] = values[row * columns + column] + bias[column];
}

__kernel __attribute__((reqd_work_group_size(2, 16, 1)))
void relu(__global float *values, uint columns, uint rows) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (row >= rows) return;
    values[row * columns + column] = assay_relu(values[row * columns + column]);
}

// The column of the largest value in each row; the lowest of equals.
__kernel __attribute__((reqd_work_group_size(16, 1, 1)))
void argmax(__global const float *values, __global uint *labels, uint columns, uint rows) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    uint best = 0;
    for (uint c = 1; c < columns; c++) {
        if (values[row * columns + c] > values[row * columns + best]) best = c;
    }
    labels[row] = best;
}
