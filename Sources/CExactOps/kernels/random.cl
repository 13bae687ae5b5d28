// Random numbers by counter: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).

// Four words for a counter and a key.
static uint4 exact_philox(uint4 counter, uint2 key) {
    for (uint round = 0u; round < 10u; round++) {
        uint high0 = mul_hi(0xd2511f53u, counter.x);
        uint low0 = 0xd2511f53u * counter.x;
        uint high1 = mul_hi(0xcd9e8d57u, counter.z);
        uint low1 = 0xcd9e8d57u * counter.z;
        uint4 next;
        next.x = high1 ^ counter.y ^ key.x;
        next.y = low1;
        next.z = high0 ^ counter.w ^ key.y;
        next.w = low0;
        counter = next;
        key.x += 0x9e3779b9u;
        key.y += 0xbb67ae85u;
    }
    return counter;
}

// The four words at place 4 * item of stream `stream` of a 64-bit seed.
static uint4 exact_random_words(ulong item, ulong seed, uint stream) {
    uint4 counter;
    counter.x = (uint)item;
    counter.y = (uint)(item >> 32);
    counter.z = stream;
    counter.w = 0u;
    uint2 key;
    key.x = (uint)seed;
    key.y = (uint)(seed >> 32);
    return exact_philox(counter, key);
}

// 32 random bits in each of `count` places, a multiple of 4.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void random_bits(__global uint *out, ulong seed, uint stream, uint count) {
    size_t item = get_global_id(0);
    if (item >= count / 4u) return;
    uint4 words = exact_random_words(item, seed, stream);
    out[4 * item] = words.x;
    out[4 * item + 1] = words.y;
    out[4 * item + 2] = words.z;
    out[4 * item + 3] = words.w;
}

// Multiples of 2^-24 from 0 to below 1.
static float exact_unit(uint word) {
    return (float)(word >> 8) * 5.96046448e-08f;
}

// Uniform numbers from 0 to below 1 in each of `count` places, a multiple of 4.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void random_uniform(__global float *out, ulong seed, uint stream, uint count) {
    size_t item = get_global_id(0);
    if (item >= count / 4u) return;
    uint4 words = exact_random_words(item, seed, stream);
    out[4 * item] = exact_unit(words.x);
    out[4 * item + 1] = exact_unit(words.y);
    out[4 * item + 2] = exact_unit(words.z);
    out[4 * item + 3] = exact_unit(words.w);
}

// Normal numbers by Box and Muller in each of `count` places, a multiple of 4.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void random_normal(__global float *out, ulong seed, uint stream, uint count) {
    size_t item = get_global_id(0);
    if (item >= count / 4u) return;
    uint4 words = exact_random_words(item, seed, stream);
    float radius0 = sqrt(-2.0f * exact_log(1.0f - exact_unit(words.x)));
    float radius1 = sqrt(-2.0f * exact_log(1.0f - exact_unit(words.z)));
    float angle0 = 6.28318531f * exact_unit(words.y);
    float angle1 = 6.28318531f * exact_unit(words.w);
    out[4 * item] = radius0 * exact_cos(angle0);
    out[4 * item + 1] = radius0 * exact_sin(angle0);
    out[4 * item + 2] = radius1 * exact_cos(angle1);
    out[4 * item + 3] = radius1 * exact_sin(angle1);
}
