// Images: convolution and pooling over planes [image][channel][y][x].

// One chain of fma over (channel, y, x) of the filter ascending, positions outside the image left out; then the bias, then the
// activation. `weights` is [channel][y][x][filter]: its first three lengths in one.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void convolution(__global const float *values, __global const float *weights, __global const float *bias,
                 __global float *out, uint channels, uint height, uint width, uint filters, uint filter_height,
                 uint filter_width, uint stride, uint padding, uint images, uint activation) {
    uint out_height = (height + 2u * padding - filter_height) / stride + 1u;
    uint out_width = (width + 2u * padding - filter_width) / stride + 1u;
    size_t place = get_global_id(0);
    size_t filter = get_global_id(1) % filters;
    size_t image = get_global_id(1) / filters;
    if (place >= out_height * out_width || image >= images) return;
    int top = (int)((uint)place / out_width * stride) - (int)padding;
    int left = (int)((uint)place % out_width * stride) - (int)padding;
    float sum = 0.0f;
    for (uint c = 0u; c < channels; c++) {
        for (uint y = 0u; y < filter_height; y++) {
            for (uint x = 0u; x < filter_width; x++) {
                int row = top + (int)y;
                int column = left + (int)x;
                if (row < 0 || column < 0 || row >= (int)height || column >= (int)width) continue;
                float value = values[((image * channels + c) * height + row) * width + column];
                sum = fma(value, weights[(((size_t)c * filter_height + y) * filter_width + x) * filters + filter], sum);
            }
        }
    }
    sum = exact_activate(sum + bias[filter], activation);
    out[(image * filters + filter) * out_height * out_width + place] = sum;
}

// Over squares of `size`: 0: the largest; 1: the mean, added up row by row from +0.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void pool(__global const float *values, __global float *out, uint planes, uint height, uint width, uint size,
          uint stride, uint operation) {
    uint out_height = (height - size) / stride + 1u;
    uint out_width = (width - size) / stride + 1u;
    size_t place = get_global_id(0);
    size_t plane = get_global_id(1);
    if (place >= out_height * out_width || plane >= planes) return;
    __global const float *corner = values + (plane * height + place / out_width * stride) * width
        + place % out_width * stride;
    float result = operation == 0u ? corner[0] : 0.0f;
    for (uint y = 0u; y < size; y++) {
        for (uint x = 0u; x < size; x++) {
            float value = corner[(size_t)y * width + x];
            result = operation == 0u ? exact_larger(result, value) : result + value;
        }
    }
    out[plane * out_height * out_width + place] = operation == 0u ? result : result / (float)(size * size);
}
