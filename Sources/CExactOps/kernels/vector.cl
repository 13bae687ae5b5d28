// The schedules for CPUs: one work-item does many elements, 16 lanes at a time, in the order that the definitions fix. Names
// that end in _16 are the functions of one lane, made for 16.

// Lanes l of *sums* as the definition adds them up.
static float exact_halve_lanes_16(float16 *sums) {
    for (uint width = 8u; width != 0u; width >>= 1) {
        for (uint i = 0u; i < width; i++) sums[i] += sums[i + width];
    }
    float8 eight = sums[0].lo + sums[0].hi;
    float4 four = eight.lo + eight.hi;
    float2 two = four.lo + four.hi;
    return two.lo + two.hi;
}

// 16 elements from place `start` on, and zeros after place `end`.
static float16 exact_load_16(__global const float *values, uint start, uint end) {
    if (start + 16u <= end) return vload16(0, values + start);
    float part[16];
    for (uint i = 0u; i < 16u; i++) part[i] = start + i < end ? values[start + i] : 0.0f;
    return vload16(0, part);
}

// 16 elements from place `start` on, as many as stand before place `end`.
static void exact_store_16(float16 x, __global float *values, uint start, uint end) {
    if (start + 16u <= end) {
        vstore16(x, 0, values + start);
        return;
    }
    float part[16];
    vstore16(x, 0, part);
    for (uint i = 0u; i < 16u && start + i < end; i++) values[start + i] = part[i];
}

static void exact_clear_16(float16 *sums) {
    for (uint i = 0u; i < 16u; i++) sums[i] = (float16)0.0f;
}

// The largest of `count` elements.
static float exact_maximum_16(__global const float *values, uint count) {
    float largest = values[0];
    uint i = 0u;
    if (count >= 16u) {
        float16 most = vload16(0, values);
        for (i = 16u; i + 16u <= count; i += 16u) {
            float16 x = vload16(0, values + i);
            most = most == x ? as_float16(as_uint16(most) & as_uint16(x)) : (most != most || most > x ? most : x);
        }
        float part[16];
        vstore16(most, 0, part);
        for (uint lane = 0u; lane < 16u; lane++) largest = exact_larger(largest, part[lane]);
    }
    for (; i < count; i++) largest = exact_larger(largest, values[i]);
    return largest;
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void reduce_vector(__global const float *values, __global float *out, uint columns, uint rows, uint operation) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    __global const float *x = values + row * columns;
    if (operation == 3u) {
        out[row] = exact_maximum_16(x, columns);
        return;
    }
    if (operation == 4u) {
        float largest = -x[0];
        for (uint i = 1u; i < columns; i++) largest = exact_larger(largest, -x[i]);
        out[row] = -largest;
        return;
    }
    float16 sums[16];
    exact_clear_16(sums);
    for (uint i = 0u; i < columns; i += 16u) {
        uint lane = i / 16u & 15u;
        float16 v = exact_load_16(x, i, columns);
        sums[lane] = operation == 2u ? fma(v, v, sums[lane]) : sums[lane] + v;
    }
    float sum = exact_halve_lanes_16(sums);
    out[row] = operation == 1u ? sum / (float)columns : sum;
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void softmax_vector(__global const float *values, __global float *out, uint columns, uint rows) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    __global const float *x = values + row * columns;
    __global float *y = out + row * columns;
    float largest = exact_maximum_16(x, columns);
    float16 sums[16];
    exact_clear_16(sums);
    for (uint i = 0u; i < columns; i += 16u) {
        float16 e = exact_exp_16(exact_load_16(x, i, columns) - largest);
        exact_store_16(e, y, i, columns);
        // What stands after the end of the row adds nothing.
        if (i + 16u > columns) e = exact_load_16(y, i, columns);
        sums[i / 16u & 15u] += e;
    }
    float sum = exact_halve_lanes_16(sums);
    for (uint i = 0u; i < columns; i += 16u) {
        exact_store_16(exact_load_16(y, i, columns) / sum, y, i, columns);
    }
}

// Mean and scale of the row that `out` holds, whose lanes are in *sums*; then the row itself.
static void exact_layernorm_16(float16 *sums, __global const float *gain, __global const float *shift,
                               __global float *out, uint columns, float epsilon) {
    float mean = exact_halve_lanes_16(sums) / (float)columns;
    exact_clear_16(sums);
    for (uint i = 0u; i < columns; i += 16u) {
        uint lane = i / 16u & 15u;
        float16 d = exact_load_16(out, i, columns) - mean;
        if (i + 16u > columns) {
            float part[16];
            vstore16(d, 0, part);
            for (uint e = 0u; e < 16u; e++) part[e] = i + e < columns ? part[e] : 0.0f;
            d = vload16(0, part);
        }
        sums[lane] = fma(d, d, sums[lane]);
    }
    float scale = 1.0f / sqrt(exact_halve_lanes_16(sums) / (float)columns + epsilon);
    for (uint i = 0u; i < columns; i += 16u) {
        float16 x = (exact_load_16(out, i, columns) - mean) * scale;
        x = fma(x, exact_load_16(gain, i, columns), exact_load_16(shift, i, columns));
        exact_store_16(x, out, i, columns);
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void add_layernorm_vector(__global const float *values, __global const float *residual, __global const float *gain,
                          __global const float *shift, __global float *out, uint columns, uint rows,
                          float epsilon) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    size_t start = row * columns;
    float16 sums[16];
    exact_clear_16(sums);
    for (uint i = 0u; i < columns; i += 16u) {
        float16 x = exact_load_16(values + start, i, columns) + exact_load_16(residual + start, i, columns);
        exact_store_16(x, out + start, i, columns);
        sums[i / 16u & 15u] += x;
    }
    exact_layernorm_16(sums, gain, shift, out + start, columns, epsilon);
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void layernorm_vector(__global const float *values, __global const float *gain, __global const float *shift,
                      __global float *out, uint columns, uint rows, float epsilon) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    size_t start = row * columns;
    float16 sums[16];
    exact_clear_16(sums);
    for (uint i = 0u; i < columns; i += 16u) {
        float16 x = exact_load_16(values + start, i, columns);
        exact_store_16(x, out + start, i, columns);
        sums[i / 16u & 15u] += x;
    }
    exact_layernorm_16(sums, gain, shift, out + start, columns, epsilon);
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void rmsnorm_vector(__global const float *values, __global const float *gain, __global float *out, uint columns,
                    uint rows, float epsilon) {
    size_t row = get_global_id(0);
    if (row >= rows) return;
    __global const float *x = values + row * columns;
    float16 sums[16];
    exact_clear_16(sums);
    for (uint i = 0u; i < columns; i += 16u) {
        float16 v = exact_load_16(x, i, columns);
        sums[i / 16u & 15u] = fma(v, v, sums[i / 16u & 15u]);
    }
    float scale = 1.0f / sqrt(exact_halve_lanes_16(sums) / (float)columns + epsilon);
    for (uint i = 0u; i < columns; i += 16u) {
        float16 y = exact_load_16(x, i, columns) * scale * exact_load_16(gain, i, columns);
        exact_store_16(y, out + row * columns, i, columns);
    }
}

// A tile of 64 rows and 32 columns of a product: `left` holds 64 rows of 128 elements, `right` 128 rows of 32, `sums` the tile.
// Each sum goes on where it stands, with k ascending, over `depth` elements.
static void exact_tile_16(__local const float *left, __local const float *right, __local float *sums, uint depth) {
    for (uint row = 0u; row < 64u; row += 8u) {
        __local const float *a = left + row * 128u;
        __local float *out = sums + row * 32u;
        float16 s0 = vload16(0, out), t0 = vload16(1, out);
        float16 s1 = vload16(2, out), t1 = vload16(3, out);
        float16 s2 = vload16(4, out), t2 = vload16(5, out);
        float16 s3 = vload16(6, out), t3 = vload16(7, out);
        float16 s4 = vload16(8, out), t4 = vload16(9, out);
        float16 s5 = vload16(10, out), t5 = vload16(11, out);
        float16 s6 = vload16(12, out), t6 = vload16(13, out);
        float16 s7 = vload16(14, out), t7 = vload16(15, out);
        for (uint k = 0u; k < depth; k++) {
            float16 b = vload16(2u * k, right);
            float16 c = vload16(2u * k + 1u, right);
            float16 x0 = (float16)a[k], x1 = (float16)a[k + 128u], x2 = (float16)a[k + 256u];
            float16 x3 = (float16)a[k + 384u], x4 = (float16)a[k + 512u], x5 = (float16)a[k + 640u];
            float16 x6 = (float16)a[k + 768u], x7 = (float16)a[k + 896u];
            s0 = fma(x0, b, s0);
            t0 = fma(x0, c, t0);
            s1 = fma(x1, b, s1);
            t1 = fma(x1, c, t1);
            s2 = fma(x2, b, s2);
            t2 = fma(x2, c, t2);
            s3 = fma(x3, b, s3);
            t3 = fma(x3, c, t3);
            s4 = fma(x4, b, s4);
            t4 = fma(x4, c, t4);
            s5 = fma(x5, b, s5);
            t5 = fma(x5, c, t5);
            s6 = fma(x6, b, s6);
            t6 = fma(x6, c, t6);
            s7 = fma(x7, b, s7);
            t7 = fma(x7, c, t7);
        }
        vstore16(s0, 0, out);
        vstore16(t0, 1, out);
        vstore16(s1, 2, out);
        vstore16(t1, 3, out);
        vstore16(s2, 4, out);
        vstore16(t2, 5, out);
        vstore16(s3, 6, out);
        vstore16(t3, 7, out);
        vstore16(s4, 8, out);
        vstore16(t4, 9, out);
        vstore16(s5, 10, out);
        vstore16(t5, 11, out);
        vstore16(s6, 12, out);
        vstore16(t6, 13, out);
        vstore16(s7, 14, out);
        vstore16(t7, 15, out);
    }
}

// Pushes the tile's block sums like exact_push_block and begins a new block; `levels` holds seven tiles.
static void exact_push_tile(__local float *sums, __local float *levels, uint block) {
    uint level = 0u;
    for (uint bits = block; (bits & 1u) != 0u; bits >>= 1) {
        for (uint i = 0u; i < 2048u; i++) sums[i] = levels[level * 2048u + i] + sums[i];
        level++;
    }
    for (uint i = 0u; i < 2048u; i++) {
        levels[level * 2048u + i] = sums[i];
        sums[i] = 0.0f;
    }
}

// The sums over `blocks` pushed blocks, into `sums`.
static void exact_pop_tile(__local float *sums, __local const float *levels, uint blocks) {
    uint level = 0u;
    while ((blocks >> level & 1u) == 0u) level++;
    for (uint i = 0u; i < 2048u; i++) sums[i] = levels[level * 2048u + i];
    for (level++; blocks >> level != 0u; level++) {
        if ((blocks >> level & 1u) == 0u) continue;
        for (uint i = 0u; i < 2048u; i++) sums[i] = levels[level * 2048u + i] + sums[i];
    }
}

// Copies `depth` columns of up to 64 rows into *panel*, zeros below the last row.
static void exact_load_left(__global const float *left, __local float *panel, uint inner, uint row, uint rows, uint k,
                            uint depth) {
    for (uint r = 0u; r < 64u; r++) {
        for (uint i = 0u; i < depth; i++) {
            panel[r * 128u + i] = row + r < rows ? left[(size_t)(row + r) * inner + k + i] : 0.0f;
        }
    }
}

// Copies `depth` rows of up to 32 columns into *panel*, zeros after the last column.
static void exact_load_right(__global const float *right, __local float *panel, uint columns, uint column, uint k,
                             uint depth) {
    for (uint i = 0u; i < depth; i++) {
        __global const float *source = right + (size_t)(k + i) * columns;
        if (column + 32u <= columns) {
            vstore16(vload16(0, source + column), 2u * i, panel);
            vstore16(vload16(1, source + column), 2u * i + 1u, panel);
        } else {
            for (uint c = 0u; c < 32u; c++) panel[i * 32u + c] = column + c < columns ? source[column + c] : 0.0f;
        }
    }
}

static void exact_clear_tile(__local float *sums) {
    for (uint i = 0u; i < 2048u; i++) sums[i] = 0.0f;
}

// Each work-item makes 64 rows of 32 columns; the work-groups of one column stripe follow one another.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void matmul_vector(__global const float *left, __global const float *right, __global float *out, uint inner,
                   uint columns, uint rows) {
    __local float left_panel[8192];
    __local float right_panel[4096];
    __local float sums[2048];
    __local float levels[14336];
    uint row = (uint)get_global_id(0) * 64u;
    uint column = (uint)get_global_id(1) * 32u;
    if (row >= rows || column >= columns) return;
    uint blocks = 0u;
    exact_clear_tile(sums);
    for (uint k = 0u; k < inner; k += 128u) {
        uint depth = min(128u, inner - k);
        exact_load_left(left, left_panel, inner, row, rows, k, depth);
        exact_load_right(right, right_panel, columns, column, k, depth);
        exact_tile_16(left_panel, right_panel, sums, depth);
        if (inner > 1024u && ((k + 128u) % 1024u == 0u || k + 128u >= inner)) exact_push_tile(sums, levels, blocks++);
    }
    if (blocks != 0u) exact_pop_tile(sums, levels, blocks);
    for (uint r = 0u; r < 64u && row + r < rows; r++) {
        for (uint c = 0u; c < 32u; c += 16u) {
            float16 x = vload16(0, sums + r * 32u + c);
            exact_store_16(x, out + (size_t)(row + r) * columns, column + c, columns);
        }
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void matmul_bias_vector(__global const float *left, __global const float *right, __global const float *bias,
                        __global float *out, uint inner, uint columns, uint rows, uint activation) {
    __local float left_panel[8192];
    __local float right_panel[4096];
    __local float sums[2048];
    __local float levels[14336];
    uint row = (uint)get_global_id(0) * 64u;
    uint column = (uint)get_global_id(1) * 32u;
    if (row >= rows || column >= columns) return;
    uint blocks = 0u;
    exact_clear_tile(sums);
    for (uint k = 0u; k < inner; k += 128u) {
        uint depth = min(128u, inner - k);
        exact_load_left(left, left_panel, inner, row, rows, k, depth);
        exact_load_right(right, right_panel, columns, column, k, depth);
        exact_tile_16(left_panel, right_panel, sums, depth);
        if (inner > 1024u && ((k + 128u) % 1024u == 0u || k + 128u >= inner)) exact_push_tile(sums, levels, blocks++);
    }
    if (blocks != 0u) exact_pop_tile(sums, levels, blocks);
    for (uint c = 0u; c < 32u && column + c < columns; c += 16u) {
        float16 shift = exact_load_16(bias, column + c, columns);
        for (uint r = 0u; r < 64u && row + r < rows; r++) {
            float16 x = exact_activate_16(vload16(0, sums + r * 32u + c) + shift, activation);
            exact_store_16(x, out + (size_t)(row + r) * columns, column + c, columns);
        }
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void matmul_half_vector(__global const ushort *left, __global const ushort *right, __global float *out, uint inner,
                        uint columns, uint rows, uint format) {
    __local float left_panel[8192];
    __local float right_panel[4096];
    __local float sums[2048];
    __local float levels[14336];
    uint row = (uint)get_global_id(0) * 64u;
    uint column = (uint)get_global_id(1) * 32u;
    if (row >= rows || column >= columns) return;
    uint blocks = 0u;
    exact_clear_tile(sums);
    for (uint k = 0u; k < inner; k += 128u) {
        uint depth = min(128u, inner - k);
        for (uint r = 0u; r < 64u; r++) {
            for (uint i = 0u; i < depth; i++) {
                ushort x = row + r < rows ? left[(size_t)(row + r) * inner + k + i] : (ushort)0;
                left_panel[r * 128u + i] = format == 0u ? exact_from_bf16(x) : exact_from_f16(x);
            }
        }
        for (uint i = 0u; i < depth; i++) {
            for (uint c = 0u; c < 32u; c++) {
                ushort x = column + c < columns ? right[(size_t)(k + i) * columns + column + c] : (ushort)0;
                right_panel[i * 32u + c] = format == 0u ? exact_from_bf16(x) : exact_from_f16(x);
            }
        }
        exact_tile_16(left_panel, right_panel, sums, depth);
        if (inner > 1024u && ((k + 128u) % 1024u == 0u || k + 128u >= inner)) exact_push_tile(sums, levels, blocks++);
    }
    if (blocks != 0u) exact_pop_tile(sums, levels, blocks);
    for (uint r = 0u; r < 64u && row + r < rows; r++) {
        for (uint c = 0u; c < 32u; c += 16u) {
            float16 x = vload16(0, sums + r * 32u + c);
            exact_store_16(x, out + (size_t)(row + r) * columns, column + c, columns);
        }
    }
}

// Each work-item makes 4 rows of 16 columns.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void matmul_i8_vector(__global const char *left, __global const char *right, __global int *out, uint inner,
                      uint columns, uint rows) {
    uint row = (uint)get_global_id(0) * 4u;
    uint column = (uint)get_global_id(1) * 16u;
    if (row >= rows || column >= columns) return;
    uint height = min(4u, rows - row);
    uint width = min(16u, columns - column);
    int16 sums[4];
    for (uint r = 0u; r < 4u; r++) sums[r] = (int16)0;
    for (uint k = 0u; k < inner; k++) {
        __global const char *source = right + (size_t)k * columns + column;
        int16 b;
        if (width == 16u) {
            b = convert_int16(vload16(0, source));
        } else {
            int part[16];
            for (uint c = 0u; c < 16u; c++) part[c] = c < width ? (int)source[c] : 0;
            b = vload16(0, part);
        }
        for (uint r = 0u; r < height; r++) sums[r] += (int)left[(size_t)(row + r) * inner + k] * b;
    }
    for (uint r = 0u; r < height; r++) {
        int part[16];
        vstore16(sums[r], 0, part);
        for (uint c = 0u; c < width; c++) out[(size_t)(row + r) * columns + column + c] = part[c];
    }
}

// Each work-item answers 16 queries of one head.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attention_vector(__global const float *queries, __global const float *keys, __global const float *values,
                      __global const uint *lengths, __global float *out, uint stride, uint query_offset,
                      uint key_offset, uint value_offset, uint heads, uint shared, uint size, uint tokens,
                      uint sequences, uint causal, float scale) {
    __local float weights[16384];
    uint base = (uint)get_global_id(0) * 16u;
    size_t head = get_global_id(1) % heads;
    size_t sequence = get_global_id(1) / heads;
    if (base >= tokens || sequence >= sequences) return;
    size_t first = sequence * tokens;
    uint used = min(lengths[sequence], tokens);
    uint here = min(16u, tokens - base);
    uint live = base >= used ? 0u : min(here, used - base);
    size_t row = heads * size;
    __global float *y = out + (first + base) * row + head * size;
    for (uint q = live; q < here; q++) {
        for (uint d = 0u; d < size; d++) y[q * row + d] = 0.0f;
    }
    if (live == 0u) return;
    __global const float *query = queries + (first + base) * stride + query_offset + head * size;
    __global const float *key = keys + first * stride + key_offset + head / shared * size;
    __global const float *value = values + first * stride + value_offset + head / shared * size;
    uint most = causal != 0u ? min(base + live, used) : used;
    for (uint j = 0u; j < most; j += 16u) {
        uint wide = min(16u, most - j);
        float16 scores[16];
        for (uint q = 0u; q < 16u; q++) scores[q] = (float16)0.0f;
        for (uint d = 0u; d < size; d++) {
            float part[16];
            for (uint i = 0u; i < 16u; i++) part[i] = key[(size_t)(j + min(i, wide - 1u)) * stride + d];
            float16 k = vload16(0, part);
            for (uint q = 0u; q < 16u; q++) {
                scores[q] = fma((float16)query[(size_t)min(q, live - 1u) * stride + d], k, scores[q]);
            }
        }
        for (uint q = 0u; q < 16u; q++) vstore16(scores[q] * scale, 0, weights + q * 1024u + j);
    }
    for (uint q = 0u; q < live; q++) {
        __local float *w = weights + q * 1024u;
        uint count = causal != 0u ? min(base + q + 1u, used) : used;
        float largest = w[0];
        for (uint j = 1u; j < count; j++) largest = exact_larger(largest, w[j]);
        float16 sums[16];
        exact_clear_16(sums);
        for (uint j = 0u; j < count; j += 16u) {
            float16 e = exact_exp_16(vload16(0, w + j) - largest);
            vstore16(e, 0, w + j);
            for (uint i = count; i < j + 16u; i++) w[i] = 0.0f;
            sums[j / 16u & 15u] += vload16(0, w + j);
        }
        float total = exact_halve_lanes_16(sums);
        for (uint j = 0u; j < count; j += 16u) vstore16(vload16(0, w + j) / total, 0, w + j);
    }
    for (uint d = 0u; d < size; d += 16u) {
        float16 results[16];
        for (uint q = 0u; q < 16u; q++) results[q] = (float16)0.0f;
        for (uint j = 0u; j < most; j++) {
            float16 v = exact_load_16(value + (size_t)j * stride, d, size);
            for (uint q = 0u; q < live; q++) {
                // A causal query ends before the block's last key.
                if (causal == 0u || j <= base + q) results[q] = fma((float16)weights[q * 1024u + j], v, results[q]);
            }
        }
        for (uint q = 0u; q < live; q++) exact_store_16(results[q], y + q * row, d, size);
    }
}

// Each work-item makes one place of 16 filters.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void convolution_vector(__global const float *values, __global const float *weights, __global const float *bias,
                        __global float *out, uint channels, uint height, uint width, uint filters,
                        uint filter_height, uint filter_width, uint stride, uint padding, uint images,
                        uint activation) {
    uint out_height = (height + 2u * padding - filter_height) / stride + 1u;
    uint out_width = (width + 2u * padding - filter_width) / stride + 1u;
    uint stripes = (filters + 15u) / 16u;
    size_t place = get_global_id(0);
    uint filter = (uint)(get_global_id(1) % stripes) * 16u;
    size_t image = get_global_id(1) / stripes;
    if (place >= out_height * out_width || image >= images) return;
    int top = (int)((uint)place / out_width * stride) - (int)padding;
    int left = (int)((uint)place % out_width * stride) - (int)padding;
    float16 sum = (float16)0.0f;
    for (uint c = 0u; c < channels; c++) {
        for (uint y = 0u; y < filter_height; y++) {
            for (uint x = 0u; x < filter_width; x++) {
                int row = top + (int)y;
                int column = left + (int)x;
                if (row < 0 || column < 0 || row >= (int)height || column >= (int)width) continue;
                float value = values[((image * channels + c) * height + row) * width + column];
                size_t start = (((size_t)c * filter_height + y) * filter_width + x) * filters;
                sum = fma((float16)value, exact_load_16(weights + start, filter, filters), sum);
            }
        }
    }
    sum = exact_activate_16(sum + exact_load_16(bias, filter, filters), activation);
    float part[16];
    vstore16(sum, 0, part);
    for (uint i = 0u; i < 16u && filter + i < filters; i++) {
        out[(image * filters + filter + i) * out_height * out_width + place] = part[i];
    }
}
