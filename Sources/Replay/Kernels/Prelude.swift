// The text before every kernel and the options of every build: together they make "the same source" mean "the same bits".
public import Commitments

/// What is compiled in front of each source, and how.
public enum Prelude {
    /// The only options with which a kernel is ever built.
    public static let options = "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt"

    /// OpenCL C: contraction off, and defined versions of operations that OpenCL leaves open.
    public static let text = """
        #pragma OPENCL FP_CONTRACT OFF
        #ifdef cl_khr_fp64
        #pragma OPENCL EXTENSION cl_khr_fp64 : enable
        #endif
        /* max(x, 0); +0 for every x that is not above 0, NaN included. */
        static float assay_relu(float x) { return x > 0.0f ? x : 0.0f; }
        /* The larger value; +0 above -0; NaN when either is NaN. */
        static float assay_fmax(float a, float b) {
            if (a != a) return a;
            if (b != b) return b;
            if (a == b) return as_float(as_uint(a) & as_uint(b));
            return a > b ? a : b;
        }
        /* The smaller value; -0 below +0; NaN when either is NaN. */
        static float assay_fmin(float a, float b) {
            if (a != a) return a;
            if (b != b) return b;
            if (a == b) return as_float(as_uint(a) | as_uint(b));
            return a < b ? a : b;
        }
        /* Truncation; the nearest end of the range outside it, 0 for NaN. */
        static int assay_to_i32(float x) {
            if (x != x) return 0;
            if (x >= 2147483648.0f) return 2147483647;
            if (x < -2147483648.0f) return -2147483647 - 1;
            return (int)x;
        }
        /* Division towards 0; 0 for a zero divisor, and the wrapped quotient for the one that overflows. */
        static int assay_div_i32(int a, int b) {
            if (b == 0) return 0;
            if (b == -1) return as_int(0u - as_uint(a));
            return a / b;
        }
        /* 0 for a zero divisor. */
        static uint assay_div_u32(uint a, uint b) { return b == 0u ? 0u : a / b; }
        /* Shifts; 0 for 32 places and more. */
        static uint assay_shl_u32(uint a, uint n) { return n < 32u ? a << n : 0u; }
        static uint assay_shr_u32(uint a, uint n) { return n < 32u ? a >> n : 0u; }

        """

    /// The functions of `text` that a kernel may call.
    public static let functions: Set<String> = [
        "assay_relu", "assay_fmax", "assay_fmin", "assay_to_i32", "assay_div_i32", "assay_div_u32", "assay_shl_u32",
        "assay_shr_u32",
    ]

    /// SHA-256 of the prelude's text.
    public static let digest = SHA256.hash(Array(text.utf8))

    /// The text that the compiler gets for `source`.
    ///
    /// The constant keeps the two programs of one source apart in a driver that knows programs by their text.
    static func program(_ source: [UInt8], isSmallGrid: Bool) -> [UInt8] {
        Array((text + "__constant int assay_grid_\(isSmallGrid ? "small" : "large") = 0;\n#line 1\n").utf8) + source
    }

    /// What identifies a kernel in a trace.
    ///
    /// SHA-256("assay-kernel-1\\0" ‖ SHA-256(prelude) ‖ SHA-256(options) ‖ SHA-256(source) ‖ name).
    public static func kernelDigest(source: [UInt8], kernel: String) -> Digest {
        var hash = SHA256()
        hash.update("assay-kernel-1\0")
        hash.update(digest)
        hash.update(SHA256.hash(Array(options.utf8)))
        hash.update(SHA256.hash(source))
        hash.update(kernel)
        return hash.finalized()
    }
}
