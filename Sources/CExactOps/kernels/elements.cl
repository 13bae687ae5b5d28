// Element by element, and rows by index.

// 0: exp; 1: log; 2: tanh; 3: erf; 4: sin; 5: cos; 6: 1/sqrt; 7: relu; 8: gelu; 9: gelu by tanh; 10: silu.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void apply(__global const float *values, __global float *out, uint columns, uint rows, uint function) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (column >= columns || row >= rows) return;
    float x = values[row * columns + column];
    float y;
    if (function == 0u) y = exact_exp(x);
    else if (function == 1u) y = exact_log(x);
    else if (function == 2u) y = exact_tanh(x);
    else if (function == 3u) y = exact_erf(x);
    else if (function == 4u) y = exact_sin(x);
    else if (function == 5u) y = exact_cos(x);
    else if (function == 6u) y = exact_rsqrt(x);
    else y = exact_activate(x, function - 6u);
    out[row * columns + column] = y;
}

// 0: a + b; 1: a - b; 2: a * b; 3: a / b. `b` has `period` rows, which repeat.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void combine(__global const float *left, __global const float *right, __global float *out, uint columns, uint rows,
             uint period, uint operation) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (column >= columns || row >= rows) return;
    float a = left[row * columns + column];
    float b = right[row % period * columns + column];
    float y;
    if (operation == 0u) y = a + b;
    else if (operation == 1u) y = a - b;
    else if (operation == 2u) y = a * b;
    else y = a / b;
    out[row * columns + column] = y;
}

// Row ids[r] of the table; zeros for an id that it does not have.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void embed(__global const float *table, __global const uint *ids, __global float *out, uint columns, uint rows,
           uint vocabulary) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (column >= columns || row >= rows) return;
    uint id = ids[row];
    out[row * columns + column] = id < vocabulary ? table[(size_t)id * columns + column] : 0.0f;
}

// The mean of the first lengths[sequence] of every `tokens` rows, added up in order from +0; zeros for none.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void mean_pool(__global const float *values, __global const uint *lengths, __global float *out, uint columns,
               uint tokens, uint sequences) {
    size_t column = get_global_id(0);
    size_t sequence = get_global_id(1);
    if (column >= columns || sequence >= sequences) return;
    uint used = min(lengths[sequence], tokens);
    float sum = 0.0f;
    for (uint t = 0u; t < used; t++) sum += values[(sequence * tokens + t) * columns + column];
    out[sequence * columns + column] = used == 0u ? 0.0f : sum / (float)used;
}

// out[c][r] = values[r][c].
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void transpose(__global const float *values, __global float *out, uint columns, uint rows) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (column >= columns || row >= rows) return;
    out[column * rows + row] = values[row * columns + column];
}
