// The schedules for GPUs: a work-group shares its inputs in local memory, each work-item keeps its sums to itself, in the order
// that the definitions fix. GROUP is a power of two; a product's work-group is GROUP x GROUP.

// Adds lanes that a work-group holds, each work-item its own share of them; all get the sum.
#define HALVE_LANES(lanes, item) \
    for (uint width = 128u; width != 0u; width >>= 1) { \
        barrier(CLK_LOCAL_MEM_FENCE); \
        for (uint lane = item; lane < width; lane += GROUP) lanes[lane] += lanes[lane + width]; \
    } \
    barrier(CLK_LOCAL_MEM_FENCE);

// A product of which each work-item makes 4 x 4 elements: rows `row` + GROUP * i, columns `column` + GROUP * j.
// LEFT and RIGHT say how an element of the matrices becomes a float.
#define TILE_PRODUCT(LEFT, RIGHT) \
    __local float left_panel[16u * 4u * GROUP]; \
    __local float right_panel[16u * 4u * GROUP]; \
    uint x = (uint)get_local_id(0); \
    uint y = (uint)get_local_id(1); \
    uint column = (uint)get_group_id(0) * 4u * GROUP + x; \
    uint row = (uint)get_group_id(1) * 4u * GROUP + y; \
    uint item = y * GROUP + x; \
    float sums[16]; \
    float levels[16][8]; \
    for (uint i = 0u; i < 16u; i++) sums[i] = 0.0f; \
    uint blocks = 0u; \
    for (uint k = 0u; k < inner; k += 16u) { \
        uint depth = min(16u, inner - k); \
        for (uint i = item; i < 16u * 4u * GROUP; i += GROUP * GROUP) { \
            uint r = row - y + i / 16u; \
            uint c = column - x + i % (4u * GROUP); \
            size_t from_left = (size_t)r * inner + k + i % 16u; \
            size_t from_right = (size_t)(k + i / (4u * GROUP)) * columns + c; \
            left_panel[i] = r < rows && k + i % 16u < inner ? LEFT : 0.0f; \
            right_panel[i] = c < columns && k + i / (4u * GROUP) < inner ? RIGHT : 0.0f; \
        } \
        barrier(CLK_LOCAL_MEM_FENCE); \
        for (uint d = 0u; d < depth; d++) { \
            for (uint i = 0u; i < 4u; i++) { \
                float a = left_panel[(y + GROUP * i) * 16u + d]; \
                for (uint j = 0u; j < 4u; j++) { \
                    sums[i * 4u + j] = fma(a, right_panel[d * 4u * GROUP + x + GROUP * j], sums[i * 4u + j]); \
                } \
            } \
        } \
        barrier(CLK_LOCAL_MEM_FENCE); \
        if ((k + 16u) % 1024u == 0u || k + 16u >= inner) { \
            for (uint i = 0u; i < 16u; i++) { \
                exact_push_block(sums[i], blocks, levels[i]); \
                sums[i] = 0.0f; \
            } \
            blocks++; \
        } \
    }

__kernel __attribute__((reqd_work_group_size(GROUP, GROUP, 1)))
void matmul_tiled(__global const float *left, __global const float *right, __global float *out, uint inner,
                  uint columns, uint rows) {
    TILE_PRODUCT(left[from_left], right[from_right])
    for (uint i = 0u; i < 16u; i++) {
        uint r = row + GROUP * (i / 4u);
        uint c = column + GROUP * (i % 4u);
        if (r < rows && c < columns) out[(size_t)r * columns + c] = exact_pop_blocks(blocks, levels[i]);
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, GROUP, 1)))
void matmul_bias_tiled(__global const float *left, __global const float *right, __global const float *bias,
                       __global float *out, uint inner, uint columns, uint rows, uint activation) {
    TILE_PRODUCT(left[from_left], right[from_right])
    for (uint i = 0u; i < 16u; i++) {
        uint r = row + GROUP * (i / 4u);
        uint c = column + GROUP * (i % 4u);
        if (r >= rows || c >= columns) continue;
        out[(size_t)r * columns + c] = exact_activate(exact_pop_blocks(blocks, levels[i]) + bias[c], activation);
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, GROUP, 1)))
void matmul_half_tiled(__global const ushort *left, __global const ushort *right, __global float *out, uint inner,
                       uint columns, uint rows, uint format) {
    TILE_PRODUCT((format == 0u ? exact_from_bf16(left[from_left]) : exact_from_f16(left[from_left])),
                 (format == 0u ? exact_from_bf16(right[from_right]) : exact_from_f16(right[from_right])))
    for (uint i = 0u; i < 16u; i++) {
        uint r = row + GROUP * (i / 4u);
        uint c = column + GROUP * (i % 4u);
        if (r < rows && c < columns) out[(size_t)r * columns + c] = exact_pop_blocks(blocks, levels[i]);
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, GROUP, 1)))
void matmul_i8_tiled(__global const char *left, __global const char *right, __global int *out, uint inner,
                     uint columns, uint rows) {
    __local char left_panel[16u * 4u * GROUP];
    __local char right_panel[16u * 4u * GROUP];
    uint x = (uint)get_local_id(0);
    uint y = (uint)get_local_id(1);
    uint column = (uint)get_group_id(0) * 4u * GROUP + x;
    uint row = (uint)get_group_id(1) * 4u * GROUP + y;
    uint item = y * GROUP + x;
    int sums[16];
    for (uint i = 0u; i < 16u; i++) sums[i] = 0;
    for (uint k = 0u; k < inner; k += 16u) {
        for (uint i = item; i < 16u * 4u * GROUP; i += GROUP * GROUP) {
            uint r = row - y + i / 16u;
            uint c = column - x + i % (4u * GROUP);
            uint below = k + i / (4u * GROUP);
            left_panel[i] = r < rows && k + i % 16u < inner ? left[(size_t)r * inner + k + i % 16u] : (char)0;
            right_panel[i] = c < columns && below < inner ? right[(size_t)below * columns + c] : (char)0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint d = 0u; d < 16u; d++) {
            for (uint i = 0u; i < 16u; i++) {
                int a = left_panel[(y + GROUP * (i / 4u)) * 16u + d];
                sums[i] += a * right_panel[d * 4u * GROUP + x + GROUP * (i % 4u)];
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (uint i = 0u; i < 16u; i++) {
        uint r = row + GROUP * (i / 4u);
        uint c = column + GROUP * (i % 4u);
        if (r < rows && c < columns) out[(size_t)r * columns + c] = sums[i];
    }
}

// One work-group for each row, in every kernel from here on to the next that says otherwise.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void reduce_tiled(__global const float *values, __global float *out, uint columns, uint rows, uint operation) {
    __local float lanes[256];
    uint item = (uint)get_local_id(0);
    size_t row = get_group_id(0);
    __global const float *x = values + row * columns;
    float sign = operation == 4u ? -1.0f : 1.0f;
    for (uint lane = item; lane < 256u; lane += GROUP) {
        float sum = operation >= 3u ? sign * x[lane < columns ? lane : 0u] : 0.0f;
        for (uint i = lane; i < columns; i += 256u) {
            if (operation >= 3u) sum = exact_larger(sum, sign * x[i]);
            else sum = operation == 2u ? fma(x[i], x[i], sum) : sum + x[i];
        }
        lanes[lane] = sum;
    }
    for (uint width = 128u; width != 0u; width >>= 1) {
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint lane = item; lane < width; lane += GROUP) {
            float a = lanes[lane];
            float b = lanes[lane + width];
            lanes[lane] = operation >= 3u ? exact_larger(a, b) : a + b;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item == 0u) {
        float sum = lanes[0];
        out[row] = operation >= 3u ? sign * sum : operation == 1u ? sum / (float)columns : sum;
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void softmax_tiled(__global const float *values, __global float *out, uint columns, uint rows) {
    __local float lanes[256];
    uint item = (uint)get_local_id(0);
    size_t row = get_group_id(0);
    __global const float *x = values + row * columns;
    __global float *y = out + row * columns;
    for (uint lane = item; lane < 256u; lane += GROUP) {
        float most = x[lane < columns ? lane : 0u];
        for (uint i = lane; i < columns; i += 256u) most = exact_larger(most, x[i]);
        lanes[lane] = most;
    }
    for (uint width = 128u; width != 0u; width >>= 1) {
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint lane = item; lane < width; lane += GROUP) {
            lanes[lane] = exact_larger(lanes[lane], lanes[lane + width]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float largest = lanes[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint lane = item; lane < 256u; lane += GROUP) {
        float sum = 0.0f;
        for (uint i = lane; i < columns; i += 256u) {
            float e = exact_exp(x[i] - largest);
            y[i] = e;
            sum += e;
        }
        lanes[lane] = sum;
    }
    HALVE_LANES(lanes, item)
    float total = lanes[0];
    for (uint lane = item; lane < 256u; lane += GROUP) {
        for (uint i = lane; i < columns; i += 256u) y[i] = y[i] / total;
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void add_layernorm_tiled(__global const float *values, __global const float *residual, __global const float *gain,
                         __global const float *shift, __global float *out, uint columns, uint rows,
                         float epsilon) {
    __local float lanes[256];
    uint item = (uint)get_local_id(0);
    size_t start = get_group_id(0) * columns;
    for (uint lane = item; lane < 256u; lane += GROUP) {
        float sum = 0.0f;
        for (uint i = lane; i < columns; i += 256u) {
            float x = values[start + i] + residual[start + i];
            out[start + i] = x;
            sum += x;
        }
        lanes[lane] = sum;
    }
    HALVE_LANES(lanes, item)
    float mean = lanes[0] / (float)columns;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint lane = item; lane < 256u; lane += GROUP) {
        float sum = 0.0f;
        for (uint i = lane; i < columns; i += 256u) sum = fma(out[start + i] - mean, out[start + i] - mean, sum);
        lanes[lane] = sum;
    }
    HALVE_LANES(lanes, item)
    float scale = 1.0f / sqrt(lanes[0] / (float)columns + epsilon);
    for (uint lane = item; lane < 256u; lane += GROUP) {
        for (uint i = lane; i < columns; i += 256u) {
            out[start + i] = fma((out[start + i] - mean) * scale, gain[i], shift[i]);
        }
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void layernorm_tiled(__global const float *values, __global const float *gain, __global const float *shift,
                     __global float *out, uint columns, uint rows, float epsilon) {
    __local float lanes[256];
    uint item = (uint)get_local_id(0);
    size_t start = get_group_id(0) * columns;
    for (uint lane = item; lane < 256u; lane += GROUP) {
        float sum = 0.0f;
        for (uint i = lane; i < columns; i += 256u) sum += values[start + i];
        lanes[lane] = sum;
    }
    HALVE_LANES(lanes, item)
    float mean = lanes[0] / (float)columns;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint lane = item; lane < 256u; lane += GROUP) {
        float sum = 0.0f;
        for (uint i = lane; i < columns; i += 256u) {
            sum = fma(values[start + i] - mean, values[start + i] - mean, sum);
        }
        lanes[lane] = sum;
    }
    HALVE_LANES(lanes, item)
    float scale = 1.0f / sqrt(lanes[0] / (float)columns + epsilon);
    for (uint lane = item; lane < 256u; lane += GROUP) {
        for (uint i = lane; i < columns; i += 256u) {
            out[start + i] = fma((values[start + i] - mean) * scale, gain[i], shift[i]);
        }
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void rmsnorm_tiled(__global const float *values, __global const float *gain, __global float *out, uint columns,
                   uint rows, float epsilon) {
    __local float lanes[256];
    uint item = (uint)get_local_id(0);
    size_t start = get_group_id(0) * columns;
    for (uint lane = item; lane < 256u; lane += GROUP) {
        float sum = 0.0f;
        for (uint i = lane; i < columns; i += 256u) sum = fma(values[start + i], values[start + i], sum);
        lanes[lane] = sum;
    }
    HALVE_LANES(lanes, item)
    float scale = 1.0f / sqrt(lanes[0] / (float)columns + epsilon);
    for (uint lane = item; lane < 256u; lane += GROUP) {
        for (uint i = lane; i < columns; i += 256u) out[start + i] = values[start + i] * scale * gain[i];
    }
}

// One work-group for each query of a head.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void attention_tiled(__global const float *queries, __global const float *keys, __global const float *values,
                     __global const uint *lengths, __global float *out, uint stride, uint query_offset,
                     uint key_offset, uint value_offset, uint heads, uint shared, uint size, uint tokens,
                     uint sequences, uint causal, float scale) {
    __local float weights[1024];
    __local float lanes[256];
    uint item = (uint)get_local_id(0);
    size_t query = get_group_id(0);
    size_t head = get_group_id(1) % heads;
    size_t sequence = get_group_id(1) / heads;
    size_t first = sequence * tokens;
    uint used = min(lengths[sequence], tokens);
    uint count = query >= used ? 0u : causal != 0u ? min((uint)query + 1u, used) : used;
    __global float *y = out + (first + query) * heads * size + head * size;
    __global const float *q = queries + (first + query) * stride + query_offset + head * size;
    __global const float *k = keys + first * stride + key_offset + head / shared * size;
    __global const float *v = values + first * stride + value_offset + head / shared * size;
    for (uint j = item; j < count; j += GROUP) {
        float sum = 0.0f;
        for (uint d = 0u; d < size; d++) sum = fma(q[d], k[(size_t)j * stride + d], sum);
        weights[j] = sum * scale;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint lane = item; lane < 256u; lane += GROUP) {
        float most = -INFINITY;
        if (count != 0u) most = weights[lane < count ? lane : 0u];
        for (uint j = lane; j < count; j += 256u) most = exact_larger(most, weights[j]);
        lanes[lane] = most;
    }
    for (uint width = 128u; width != 0u; width >>= 1) {
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint lane = item; lane < width; lane += GROUP) {
            lanes[lane] = exact_larger(lanes[lane], lanes[lane + width]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float largest = lanes[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint lane = item; lane < 256u; lane += GROUP) {
        float sum = 0.0f;
        for (uint j = lane; j < count; j += 256u) {
            weights[j] = exact_exp(weights[j] - largest);
            sum += weights[j];
        }
        lanes[lane] = sum;
    }
    HALVE_LANES(lanes, item)
    float total = lanes[0];
    for (uint j = item; j < count; j += GROUP) weights[j] = weights[j] / total;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint d = item; d < size; d += GROUP) {
        float sum = 0.0f;
        for (uint j = 0u; j < count; j++) sum = fma(weights[j], v[(size_t)j * stride + d], sum);
        y[d] = sum;
    }
}

// GROUP places of 16 filters for each work-group, which shares the weights of one channel's row of the filter.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void convolution_tiled(__global const float *values, __global const float *weights, __global const float *bias,
                       __global float *out, uint channels, uint height, uint width, uint filters,
                       uint filter_height, uint filter_width, uint stride, uint padding, uint images,
                       uint activation) {
    __local float panel[16];
    uint out_height = (height + 2u * padding - filter_height) / stride + 1u;
    uint out_width = (width + 2u * padding - filter_width) / stride + 1u;
    uint stripes = (filters + 15u) / 16u;
    uint item = (uint)get_local_id(0);
    size_t place = get_global_id(0);
    uint filter = (uint)(get_group_id(1) % stripes) * 16u;
    size_t image = get_group_id(1) / stripes;
    int top = (int)((uint)place / out_width * stride) - (int)padding;
    int left = (int)((uint)place % out_width * stride) - (int)padding;
    float sums[16];
    for (uint i = 0u; i < 16u; i++) sums[i] = 0.0f;
    for (uint c = 0u; c < channels; c++) {
        for (uint y = 0u; y < filter_height; y++) {
            for (uint x = 0u; x < filter_width; x++) {
                size_t start = (((size_t)c * filter_height + y) * filter_width + x) * filters;
                for (uint i = item; i < 16u; i += GROUP) {
                    panel[i] = filter + i < filters ? weights[start + filter + i] : 0.0f;
                }
                barrier(CLK_LOCAL_MEM_FENCE);
                int row = top + (int)y;
                int column = left + (int)x;
                int inside = place < out_height * out_width && row >= 0 && column >= 0 && row < (int)height
                    && column < (int)width ? 1 : 0;
                if (inside != 0) {
                    float value = values[((image * channels + c) * height + row) * width + column];
                    for (uint i = 0u; i < 16u; i++) sums[i] = fma(value, panel[i], sums[i]);
                }
                barrier(CLK_LOCAL_MEM_FENCE);
            }
        }
    }
    if (place >= out_height * out_width) return;
    for (uint i = 0u; i < 16u && filter + i < filters; i++) {
        float sum = exact_activate(sums[i] + bias[filter + i], activation);
        out[(image * filters + filter + i) * out_height * out_width + place] = sum;
    }
}
