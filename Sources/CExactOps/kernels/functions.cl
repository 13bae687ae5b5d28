// Elementary functions over single precision, made only of operations that IEEE 754 rounds in one way: + - * / sqrt fma,
// comparisons and integers. Every device that passes the self-test computes the same bits. Without branches, so that the same
// text with vectors for scalars is the form for 16 lanes.

// e^x. At most 0.845 ULP from the true value.
static float exact_exp(float x) {
    // Beyond these bounds the result is an infinity or a zero; NaN passes both.
    float bounded = x > 89.0f ? (float)89.0f : x;
    bounded = bounded < -104.0f ? (float)-104.0f : bounded;
    // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
    float shifted = fma(bounded, 1.44269504f, 12582912.0f);
    float n = shifted - 12582912.0f;
    // ln 2 in two parts; n times the first is exact, and so is the difference.
    float high = fma(n, -0.693145751953125f, bounded);
    float r = fma(n, -1.4286068e-06f, high);
    float low = fma(n, -1.4286068e-06f, high - r);
    float p = fma(r, 1.9948422e-04f, 1.3935087e-03f);
    p = fma(r, p, 8.333203e-03f);
    p = fma(r, p, 4.1666463e-02f);
    p = fma(r, p, 1.6666667e-01f);
    p = fma(r, p, 0.5f);
    float y = 1.0f + (r + fma(r * r, p, low));
    // Two factors, because 2^n alone may be out of range.
    int k = as_int(shifted) - 0x4b400000;
    int power = k >> 1;
    y = y * as_float((power + 127) << 23) * as_float((k - power + 127) << 23);
    return x != x ? x : y;
}

// The natural logarithm: -infinity for zeros, NaN below. At most 0.795 ULP from the true value.
static float exact_log(float x) {
    float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
    float base = x < 1.17549435e-38f ? (float)-23.0f : (float)0.0f;
    // x = m * 2^k with m from sqrt(1/2) to sqrt(2).
    int offset = as_int(scaled) - 0x3f3504f3;
    float m = as_float((offset & 0x007fffff) + 0x3f3504f3);
    // Small integers as floats by their bits: 1.5 * 2^23 + k.
    float k = as_float((offset >> 23) + 0x4b400000) - 12582912.0f + base;
    float f = m - 1.0f;
    float p = fma(f, 6.915611e-02f, -1.17893696e-01f);
    p = fma(f, p, 1.18726194e-01f);
    p = fma(f, p, -1.2384402e-01f);
    p = fma(f, p, 1.4218716e-01f);
    p = fma(f, p, -1.666925e-01f);
    p = fma(f, p, 2.0002224e-01f);
    p = fma(f, p, -2.4999987e-01f);
    p = fma(f, p, 3.333331e-01f);
    float square = f * f;
    p = fma(k, 1.4286068e-06f, p * f * square);
    float high = k * 0.693145751953125f;
    float sum = high + f;
    float rest = f - (sum - high);
    float y = sum + (rest - fma(square, 0.5f, -p));
    y = x == INFINITY ? x : y;
    y = x == 0.0f ? (float)-INFINITY : y;
    y = x < 0.0f ? (float)NAN : y;
    return x != x ? x : y;
}

// The hyperbolic tangent. At most 0.947 ULP from the true value.
static float exact_tanh(float x) {
    float a = fabs(x);
    float square = x * x;
    float p = fma(square, 1.1809658e-04f, -8.2757376e-04f);
    p = fma(square, p, 3.0565343e-03f);
    p = fma(square, p, -8.576556e-03f);
    p = fma(square, p, 2.1776177e-02f);
    p = fma(square, p, -5.3951e-02f);
    p = fma(square, p, 1.3333176e-01f);
    p = fma(square, p, -3.3333328e-01f);
    // The sum of two zeros would lose the sign of x.
    float near = copysign(fma(p * square, x, x), x);
    float far = copysign(1.0f - 2.0f / (exact_exp(a + a) + 1.0f), x);
    float y = a < 1.0f ? near : far;
    return x != x ? x : y;
}

// The error function. At most 0.991 ULP from the true value.
static float exact_erf(float x) {
    float a = fabs(x);
    float square = x * x;
    float p = fma(square, -2.2010086e-06f, 8.611995e-05f);
    p = fma(square, p, -8.113749e-04f);
    p = fma(square, p, 5.195437e-03f);
    p = fma(square, p, -2.6856367e-02f);
    p = fma(square, p, 1.128363e-01f);
    p = fma(square, p, -3.761263e-01f);
    p = fma(square, p, 1.2837917e-01f);
    float near = fma(p, x, x);
    // Around 1.5, where the function is the sum of the next two numbers.
    float t = a - 1.5f;
    float m = fma(t, 1.5426871e-03f, -2.4004502e-03f);
    m = fma(t, m, -4.7030454e-03f);
    m = fma(t, m, 1.9332778e-02f);
    m = fma(t, m, -1.4870356e-02f);
    m = fma(t, m, -4.459936e-02f);
    m = fma(t, m, 1.3875216e-01f);
    m = fma(t, m, -1.7839542e-01f);
    m = fma(t, m, 1.1893029e-01f);
    float middle = copysign(9.6610516e-01f + fma(t, m, -1.662207e-08f), x);
    // log(1 - erf(a)) as a polynomial; the bound keeps it where it was fitted.
    float b = a > 4.0f ? (float)4.0f : a;
    float q = fma(b, -4.514738e-04f, 7.846387e-03f);
    q = fma(b, q, -6.108821e-02f);
    q = fma(b, q, -7.0943034e-01f);
    q = fma(b, q, -1.0623468e+00f);
    q = fma(b, q, -2.491562e-02f);
    float far = copysign(1.0f - exact_exp(q), x);
    float y = a < 1.0f ? near : (a < 2.0f ? middle : far);
    return x != x ? x : y;
}

// 1 / sqrt(x): infinity with the sign of a zero, NaN below. At most 0.501 ULP from the true value.
static float exact_rsqrt(float x) {
    float scaled = x < 1.17549435e-38f ? x * 16777216.0f : x;
    float factor = x < 1.17549435e-38f ? (float)4096.0f : (float)1.0f;
    float y = 1.0f / sqrt(scaled);
    // One step of Newton's method on the exact residual 1 - x y^2.
    float h = scaled * y;
    float residual = fma(-h, y, 1.0f) - fma(scaled, y, -h) * y;
    float refined = fma(y * 0.5f, residual, y) * factor;
    refined = x == INFINITY ? (float)0.0f : refined;
    refined = x == 0.0f ? copysign((float)INFINITY, x) : refined;
    refined = x < 0.0f ? (float)NAN : refined;
    return x != x ? x : refined;
}

// x times the normal distribution's function, by erf: the exact form of GELU.
static float exact_gelu(float x) {
    return 0.5f * x * (1.0f + exact_erf(x * 0.707106781f));
}

// The approximation of GELU by tanh.
static float exact_gelu_tanh(float x) {
    float inner = 0.797884561f * fma(0.044715f * x * x, x, x);
    return 0.5f * x * (1.0f + exact_tanh(inner));
}

// x / (1 + e^-x).
static float exact_silu(float x) {
    return x / (1.0f + exact_exp(-x));
}

// max(x, 0); +0 for every x that is not above 0, NaN included.
static float exact_relu(float x) {
    return x > 0.0f ? x : (float)0.0f;
}

// 0: x itself; 1: relu; 2: gelu; 3: gelu by tanh; 4: silu.
static float exact_activate(float x, uint activation) {
    if (activation == 1u) return exact_relu(x);
    if (activation == 2u) return exact_gelu(x);
    if (activation == 3u) return exact_gelu_tanh(x);
    if (activation == 4u) return exact_silu(x);
    return x;
}
