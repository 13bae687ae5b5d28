// Attention by definition, one query and head at a time: scores are chains of fma over the head's elements ascending, times the
// scale; softmax as over rows; the weighted sum is a chain of fma over the keys ascending. At most 1024 keys.

// `queries`, `keys` and `values` hold rows of `stride` elements, one per token, in which a head's `size` elements begin at its
// offset; `shared` heads in a row use the same keys and values. A sequence has `tokens` rows, of which only lengths[sequence]
// count: the others are written as zeros. With `causal` 1 a query sees no key after itself.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void attention(__global const float *queries, __global const float *keys, __global const float *values,
               __global const uint *lengths, __global float *out, uint stride, uint query_offset, uint key_offset,
               uint value_offset, uint heads, uint shared, uint size, uint tokens, uint sequences, uint causal,
               float scale) {
    size_t query = get_global_id(0);
    size_t head = get_global_id(1) % heads;
    size_t sequence = get_global_id(1) / heads;
    if (query >= tokens || sequence >= sequences) return;
    size_t first = sequence * tokens;
    uint used = min(lengths[sequence], tokens);
    uint count = causal != 0u ? min((uint)query + 1u, used) : used;
    __global float *y = out + (first + query) * heads * size + head * size;
    if (query >= used) {
        for (uint d = 0u; d < size; d++) y[d] = 0.0f;
        return;
    }
    __global const float *q = queries + (first + query) * stride + query_offset + head * size;
    __global const float *k = keys + first * stride + key_offset + head / shared * size;
    __global const float *v = values + first * stride + value_offset + head / shared * size;
    float weights[1024];
    float largest = -INFINITY;
    for (uint j = 0u; j < count; j++) {
        float sum = 0.0f;
        for (uint d = 0u; d < size; d++) sum = fma(q[d], k[(size_t)j * stride + d], sum);
        weights[j] = sum * scale;
        largest = j == 0u ? weights[0] : exact_larger(largest, weights[j]);
    }
    float lanes[256];
    for (uint lane = 0u; lane < 256u; lane++) lanes[lane] = 0.0f;
    for (uint j = 0u; j < count; j++) {
        weights[j] = exact_exp(weights[j] - largest);
        lanes[j & 255u] += weights[j];
    }
    float total = exact_halve_lanes(lanes);
    for (uint j = 0u; j < count; j++) weights[j] = weights[j] / total;
    for (uint d = 0u; d < size; d++) {
        float sum = 0.0f;
        for (uint j = 0u; j < count; j++) sum = fma(weights[j], v[(size_t)j * stride + d], sum);
        y[d] = sum;
    }
}

// Rotary position embedding of `heads` heads of `size` elements: element i is turned with element i + size / 2 by the angle
// (start + row) * frequencies[i].
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void rotary(__global const float *values, __global const float *frequencies, __global float *out, uint heads,
            uint size, uint rows, uint start) {
    size_t pair = get_global_id(0);
    size_t row = get_global_id(1);
    uint middle = size / 2u;
    if (pair >= heads * middle || row >= rows) return;
    size_t i = pair % middle;
    size_t place = row * heads * size + pair / middle * size + i;
    float angle = (float)(start + (uint)row) * frequencies[i];
    float c = exact_cos(angle);
    float s = exact_sin(angle);
    float a = values[place];
    float b = values[place + middle];
    out[place] = fma(a, c, -(b * s));
    out[place + middle] = fma(a, s, b * c);
}
