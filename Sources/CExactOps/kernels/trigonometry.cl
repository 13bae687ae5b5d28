// Sine and cosine over all of single precision. The argument is reduced exactly, in integers.

// 32 zeros and the first 224 bits of 2/pi.
__constant uint exact_two_over_pi[8] = {
    0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu
};

// a = (quadrant + fraction) * pi/2 for a finite a >= 1/2, where the fraction lies between -1/2 and 1/2.
// Returns the fraction in units of 2^-64, and the quadrant modulo 4 in *quadrant.
static long exact_reduce(float a, uint *quadrant) {
    uint bits = as_uint(a);
    ulong mantissa = (bits & 0x007fffffu) | 0x00800000u;
    // a = mantissa * 2^(place - 30). Digits before `place` make multiples of four quadrants.
    uint place = (bits >> 23) - 120u;
    uint word = place >> 5;
    uint shift = place & 31u;
    uint digits[3];
    for (uint i = 0u; i < 3u; i++) {
        ulong pair = (ulong)exact_two_over_pi[word + i] << 32 | exact_two_over_pi[word + i + 1u];
        digits[i] = (uint)(pair << shift >> 32);
    }
    // mantissa * digits modulo 2^96, in units of 2^-94 quadrants.
    ulong low = mantissa * digits[2];
    ulong middle = mantissa * digits[1] + (low >> 32);
    uint top = (uint)(mantissa * digits[0] + (middle >> 32));
    ulong fraction = (ulong)top << 34 | (middle & 0xfffffffful) << 2 | (low >> 30 & 3ul);
    *quadrant = (top >> 30) + (uint)(fraction >> 63);
    return as_long(fraction);
}

// The sine of (quadrant * pi/2 + r + low) for |r + low| <= pi/4.
static float exact_sine_part(uint quadrant, float r, float low) {
    float s = r * r;
    float p = fma(s, 2.8374852e-06f, -1.985351e-04f);
    p = fma(s, p, 8.33338e-03f);
    p = fma(s, p, -1.6666667e-01f);
    float sine = r + fma(r * s, p, fma(-0.5f * s, low, low));
    float q = fma(s, 2.4430668e-05f, -1.3887301e-03f);
    q = fma(s, q, 4.1666646e-02f);
    float h = 0.5f * s;
    float w = 1.0f - h;
    float cosine = w + (((1.0f - w) - h) + fma(s * s, q, -r * low));
    float y = (quadrant & 1u) != 0u ? cosine : sine;
    return (quadrant & 2u) != 0u ? -y : y;
}

// The sine of a + turn * pi/2 for a >= 0.
static float exact_turned_sine(float a, uint turn) {
    if (!(a < INFINITY)) return NAN;
    if (a < 0.5f) return exact_sine_part(turn, a, 0.0f);
    uint quadrant;
    // Halved, so that the rounded value stays within the integers.
    long fraction = exact_reduce(a, &quadrant) >> 1;
    float high = (float)fraction;
    float rest = (float)(fraction - (long)high);
    // pi/2 * 2^-63 in two parts.
    float r = high * 1.70306079e-19f;
    float low = fma(high, 1.70306079e-19f, -r) + fma(high, -4.7391982e-27f, rest * 1.70306079e-19f);
    return exact_sine_part(quadrant + turn, r, low);
}

// sin x; NaN for infinities. At most 0.826 ULP from the true value.
static float exact_sin(float x) {
    if (x != x) return x;
    float y = exact_turned_sine(fabs(x), 0u);
    return x < 0.0f ? -y : (x == 0.0f ? x : y);
}

// cos x; NaN for infinities. At most 0.837 ULP from the true value.
static float exact_cos(float x) {
    if (x != x) return x;
    return exact_turned_sine(fabs(x), 1u);
}
