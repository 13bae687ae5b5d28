// What the self-test of a device asks: one operation at a time that every correct device answers with the same bits.

// The answer to question `operation` about three words, most of them read as floats.
static uint exact_probe(uint a, uint b, uint c, uint operation) {
    float x = as_float(a);
    float y = as_float(b);
    float z = as_float(c);
    float result;
    switch (operation) {
    // Rounded twice: a device that fuses is found here.
    case 0u: result = x * y + z; break;
    case 1u: result = fma(x, y, z); break;
    case 2u: result = x / y; break;
    case 3u: result = sqrt(x); break;
    case 4u: result = x + y; break;
    case 5u: result = x - y; break;
    case 6u: result = x * y; break;
    // Products and sums near the bottom of the range: a device that flushes denormals is found here.
    case 7u: result = as_float(a & 0x80ffffffu) * as_float((b & 0x80ffffffu) | 0x3f000000u); break;
    case 8u: result = as_float(a & 0x80ffffffu) + as_float(b & 0x80ffffffu); break;
    case 9u: result = (float)(int)a; break;
    case 10u: result = (float)a; break;
    case 11u: result = (float)((long)((ulong)a << 32 | b) >> 1); break;
    case 12u: return (uint)(int)(as_float(0x3f800000u | (a & 0x00ffffffu)) * 65536.0f);
    case 13u: return mul_hi(a, b) ^ (uint)((ulong)a * c >> (b & 63u));
    case 14u: return (x < y ? 1u : 0u) | (x <= y ? 2u : 0u) | (x == y ? 4u : 0u) | (x != x ? 8u : 0u)
        | (x > z ? 16u : 0u) | (x >= z ? 32u : 0u);
    case 15u: return (a >> (b & 31u)) ^ (uint)((int)c >> (a & 31u)) ^ (b / (c | 1u)) ^ (b % (c | 1u));
    case 16u: result = exact_exp(x); break;
    case 17u: result = exact_log(x); break;
    case 18u: result = exact_tanh(x); break;
    case 19u: result = exact_erf(x); break;
    case 20u: result = exact_sin(x); break;
    case 21u: result = exact_cos(x); break;
    case 22u: result = exact_rsqrt(x); break;
    case 23u: result = exact_gelu(x); break;
    case 24u: result = exact_gelu_tanh(x); break;
    case 25u: result = exact_silu(x); break;
    case 26u: return (uint)exact_to_bf16(x) << 16 | exact_to_f16(y);
    case 27u: result = exact_from_f16((ushort)a) + exact_from_bf16((ushort)b); break;
    case 28u: result = exact_larger(x, y); break;
    // A chain, in which a device that regroups sums is found.
    case 29u: result = ((x + y) + z) + (x * z - y); break;
    case 30u: result = fma(x, y, fma(y, z, fma(z, x, y))); break;
    default: result = x / (y * z); break;
    }
    return result != result ? 0x7fc00000u : as_uint(result);
}

// The answers to 32 questions about each of `count` triples: out[question][triple].
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void probe(__global const uint *a, __global const uint *b, __global const uint *c, __global uint *out, uint count) {
    size_t i = get_global_id(0);
    size_t operation = get_global_id(1);
    if (i >= count || operation >= 32u) return;
    out[operation * count + i] = exact_probe(a[i], b[i], c[i], (uint)operation);
}
