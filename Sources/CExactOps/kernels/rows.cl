// Operations over whole rows. A sum has 256 lanes: lane l adds the elements l, l + 256, ... in that order, starting at +0;
// then lane l adds lane l + 128, then l + 64, and so on down to one lane.

// The sum of the 256 lanes.
static float exact_halve_lanes(float *lanes) {
    for (uint width = 128u; width != 0u; width >>= 1) {
        for (uint lane = 0u; lane < width; lane++) lanes[lane] += lanes[lane + width];
    }
    return lanes[0];
}

// The larger value, +0 above -0; a NaN where there is one. Free in the order of its arguments.
static float exact_larger(float a, float b) {
    if (a == b) return as_float(as_uint(a) & as_uint(b));
    return a != a || a > b ? a : b;
}

// The largest element.
static float exact_maximum(__global const float *values, uint count) {
    float largest = values[0];
    for (uint i = 1u; i < count; i++) largest = exact_larger(largest, values[i]);
    return largest;
}

// One value per row. 0: sum; 1: mean; 2: sum of squares by fma; 3: largest; 4: smallest.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void reduce(__global const float *values, __global float *out, uint columns, uint rows, uint operation) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    __global const float *x = values + row * columns;
    if (operation >= 3u) {
        float sign = operation == 3u ? 1.0f : -1.0f;
        float largest = sign * x[0];
        for (uint i = 1u; i < columns; i++) largest = exact_larger(largest, sign * x[i]);
        out[row] = sign * largest;
        return;
    }
    float lanes[256];
    for (uint lane = 0u; lane < 256u; lane++) lanes[lane] = 0.0f;
    for (uint i = 0u; i < columns; i++) {
        lanes[i & 255u] = operation == 2u ? fma(x[i], x[i], lanes[i & 255u]) : lanes[i & 255u] + x[i];
    }
    float sum = exact_halve_lanes(lanes);
    out[row] = operation == 1u ? sum / (float)columns : sum;
}

// e^(x - largest) / sum of those.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void softmax(__global const float *values, __global float *out, uint columns, uint rows) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    __global const float *x = values + row * columns;
    __global float *y = out + row * columns;
    float largest = exact_maximum(x, columns);
    float lanes[256];
    for (uint lane = 0u; lane < 256u; lane++) lanes[lane] = 0.0f;
    for (uint i = 0u; i < columns; i++) {
        float e = exact_exp(x[i] - largest);
        y[i] = e;
        lanes[i & 255u] += e;
    }
    float sum = exact_halve_lanes(lanes);
    for (uint i = 0u; i < columns; i++) y[i] = y[i] / sum;
}

// With x = values + residual: (x - mean) * (1 / sqrt(variance + epsilon)) * gain + shift, the last two as one fma.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void add_layernorm(__global const float *values, __global const float *residual, __global const float *gain,
                   __global const float *shift, __global float *out, uint columns, uint rows, float epsilon) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    size_t start = row * columns;
    float lanes[256];
    for (uint lane = 0u; lane < 256u; lane++) lanes[lane] = 0.0f;
    for (uint i = 0u; i < columns; i++) {
        float x = values[start + i] + residual[start + i];
        out[start + i] = x;
        lanes[i & 255u] += x;
    }
    float mean = exact_halve_lanes(lanes) / (float)columns;
    for (uint lane = 0u; lane < 256u; lane++) lanes[lane] = 0.0f;
    for (uint i = 0u; i < columns; i++) {
        float d = out[start + i] - mean;
        lanes[i & 255u] = fma(d, d, lanes[i & 255u]);
    }
    float scale = 1.0f / sqrt(exact_halve_lanes(lanes) / (float)columns + epsilon);
    for (uint i = 0u; i < columns; i++) {
        out[start + i] = fma((out[start + i] - mean) * scale, gain[i], shift[i]);
    }
}

// (x - mean) * (1 / sqrt(variance + epsilon)) * gain + shift, the last two as one fma.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void layernorm(__global const float *values, __global const float *gain, __global const float *shift,
               __global float *out, uint columns, uint rows, float epsilon) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    __global const float *x = values + row * columns;
    float lanes[256];
    for (uint lane = 0u; lane < 256u; lane++) lanes[lane] = 0.0f;
    for (uint i = 0u; i < columns; i++) lanes[i & 255u] += x[i];
    float mean = exact_halve_lanes(lanes) / (float)columns;
    for (uint lane = 0u; lane < 256u; lane++) lanes[lane] = 0.0f;
    for (uint i = 0u; i < columns; i++) {
        float d = x[i] - mean;
        lanes[i & 255u] = fma(d, d, lanes[i & 255u]);
    }
    float scale = 1.0f / sqrt(exact_halve_lanes(lanes) / (float)columns + epsilon);
    for (uint i = 0u; i < columns; i++) out[row * columns + i] = fma((x[i] - mean) * scale, gain[i], shift[i]);
}

// x * (1 / sqrt(mean of squares + epsilon)) * gain.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void rmsnorm(__global const float *values, __global const float *gain, __global float *out, uint columns, uint rows,
             float epsilon) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    __global const float *x = values + row * columns;
    float lanes[256];
    for (uint lane = 0u; lane < 256u; lane++) lanes[lane] = 0.0f;
    for (uint i = 0u; i < columns; i++) lanes[i & 255u] = fma(x[i], x[i], lanes[i & 255u]);
    float scale = 1.0f / sqrt(exact_halve_lanes(lanes) / (float)columns + epsilon);
    for (uint i = 0u; i < columns; i++) out[row * columns + i] = x[i] * scale * gain[i];
}

// x / max(length of the row, epsilon).
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void normalise(__global const float *values, __global float *out, uint columns, uint rows, float epsilon) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    __global const float *x = values + row * columns;
    float lanes[256];
    for (uint lane = 0u; lane < 256u; lane++) lanes[lane] = 0.0f;
    for (uint i = 0u; i < columns; i++) lanes[i & 255u] = fma(x[i], x[i], lanes[i & 255u]);
    float size = exact_larger(sqrt(exact_halve_lanes(lanes)), epsilon);
    for (uint i = 0u; i < columns; i++) out[row * columns + i] = x[i] / size;
}

// The index of the largest element, the lowest of equals; a NaN is chosen only among NaNs.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void argmax(__global const float *values, __global uint *out, uint columns, uint rows) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    __global const float *x = values + row * columns;
    uint best = 0u;
    for (uint i = 1u; i < columns; i++) {
        if (x[i] > x[best] || (x[best] != x[best] && x[i] == x[i])) best = i;
    }
    out[row] = best;
}

// The `count` largest elements in descending order with their indices, the lowest index first among equals. A NaN counts as
// -infinity. `count` is at most `columns`.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void top_k(__global const float *values, __global float *kept, __global uint *indices, uint columns, uint rows,
           uint count) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    __global const float *x = values + row * columns;
    float last = INFINITY;
    uint last_index = 0u;
    for (uint rank = 0u; rank < count; rank++) {
        float best = -INFINITY;
        uint index = columns;
        for (uint i = 0u; i < columns; i++) {
            float value = x[i] != x[i] ? -INFINITY : x[i];
            int follows = rank == 0u || value < last || (value == last && i > last_index) ? 1 : 0;
            if (follows != 0 && (index == columns || value > best)) {
                best = value;
                index = i;
            }
        }
        kept[row * count + rank] = best;
        indices[row * count + rank] = index;
        last = best;
        last_index = index;
    }
}
