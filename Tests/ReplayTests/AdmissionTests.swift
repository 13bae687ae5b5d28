// The admission corpus: every banned thing is refused for its own named reason, and honest kernels pass.
import Codecs
import Testing

@testable import Replay

@Suite struct AdmissionTests {
    /// A spec with one step over an `a` (input), `b` (scratch) and `c` (output) of the given element type.
    static func spec(
        kernel: String = "k",
        type: String = "f32",
        replayClass: String = "exact",
        local: [Int] = [64],
        args: String = #"[{"slot":"a"},{"slot":"c","access":"write"}]"#
    ) throws -> ReplaySpec {
        let text = """
            {"version":1,"class":"\(replayClass)","device":{"type":"any","memoryBytes":"0"},
             "sources":[{"name":"s","file":"k.cl"}],
             "slots":[{"name":"a","role":"in","dtype":"\(type)","shape":[64],"file":"a.npy","format":"npy"},
                      {"name":"b","role":"scratch","dtype":"\(type)","shape":[64]},
                      {"name":"c","role":"out","dtype":"\(type)","shape":[64]}],
             "steps":[{"kernel":"\(kernel)","source":"s","global":\(local),"local":\(local),"args":\(args)}],
             "limits":{"wallSeconds":2,"memoryBytes":"1048576","outputBytes":"65536"}}
            """
        return try ReplaySpec(try JSONValue(parsing: Array(text.utf8)))
    }

    static let head = "__kernel __attribute__((reqd_work_group_size(64, 1, 1)))\n"
    static let signature = head + "void k(__global const float *a, __global float *c)"

    /// A kernel `k` around `body`, with `before` at file scope.
    static func source(_ body: String, before: String = "") -> String {
        before + "\n" + signature + " {\n    size_t i = get_global_id(0);\n    " + body + "\n}\n"
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let rule: AdmissionFault.Rule
        let source: String
        var testDescription: String { "\(rule.rawValue): \(source.replacing("\n", with: " ").suffix(90))" }

        init(_ rule: AdmissionFault.Rule, _ source: String) {
            self.rule = rule
            self.source = source
        }

        init(_ rule: AdmissionFault.Rule, body: String, before: String = "") {
            self.init(rule, AdmissionTests.source(body, before: before))
        }
    }

    static let refusals: [Refusal] = [
        // Text.
        Refusal(.sourceSize, String(repeating: "// padding\n", count: 30_000)),
        Refusal(.sourceSize, String(repeating: "; ", count: 70_000)),
        Refusal(.sourceText, "int \u{1}x;"),
        Refusal(.sourceText, "int x\r = 1;"),
        Refusal(.sourceText, "int \\u0061;"),
        Refusal(.sourceText, "int x \\ \n;"),
        Refusal(.sourceText, "%:define A 1"),
        Refusal(.sourceText, "int a<:4:>;"),
        Refusal(.sourceText, "??=define A 1"),
        Refusal(.sourceText, "/* no end"),
        Refusal(.sourceText, "int é;"),
        Refusal(.sourceText, "int x = 'a;"),
        Refusal(.sourceText, "int x = 1 @ 2;"),
        Refusal(.stringLiteral, body: "c[i] = a[i]; \"text\";"),
        // Directives.
        Refusal(.include, "#include \"/etc/passwd\"\n" + source("c[i] = a[i];")),
        Refusal(.include, "#  include <x.h>\n"),
        Refusal(.include, "#inc\\\nlude <x.h>\n"),
        Refusal(.include, "#/* */include <x.h>\n"),
        Refusal(.pragma, "#pragma OPENCL FP_CONTRACT ON\n" + source("c[i] = a[i];")),
        Refusal(.directive, "#error no\n"),
        Refusal(.directive, "#line 5\n"),
        Refusal(.tokenPasting, "#define P(x, y) x##y\n" + source("c[i] = a[i];")),
        Refusal(.tokenPasting, "#define S(x) #x\n"),
        Refusal(.macroName, "#define A 1\n#define A 2\n"),
        Refusal(.macroName, "#define float double\n"),
        Refusal(.macroName, "#define reqd_work_group_size(x, y, z) aligned\n"),
        Refusal(.macroName, "#undef FP\n"),
        Refusal(.deviceCondition, "#ifdef POCL_DEVICE_ADDRESS_BITS\n#endif\n"),
        Refusal(.deviceCondition, "#if CL_VERSION > 120\n#endif\n"),
        Refusal(
            .macroExpansion,
            (1...20).map { "#define M\($0) M\($0 - 1) M\($0 - 1)" }.joined(separator: "\n") + "\n#define M0 1\n"
                + source("c[i] = M20;")
        ),
        Refusal(.macroExpansion, "#define D(x) x x\n" + source(nested("D", 24))),
        // Names.
        Refusal(.reservedIdentifier, body: "c[i] = __builtin_expf(a[i]);"),
        Refusal(.reservedIdentifier, body: "c[i] = _cl_exp(a[i]);"),
        Refusal(.reservedIdentifier, body: "c[i] = assay_secret(a[i]);"),
        Refusal(.reservedIdentifier, body: "c[i] = __LINE__;"),
        Refusal(.assembler, body: "asm(1);"),
        Refusal(.assembler, body: "__asm__ volatile(1);"),
        Refusal(.assembler, body: "a\\\nsm(1);"),
        Refusal(.externalDeclaration, body: "c[i] = a[i];", before: "extern int getpid(void);"),
        Refusal(.externalDeclaration, body: "c[i] = Sleef_expf8_u10(a[i]);", before: "float Sleef_expf8_u10(float);"),
        Refusal(.externalDeclaration, body: "float Sleef_expf8_u10(float); c[i] = Sleef_expf8_u10(a[i]);"),
        Refusal(.externalDeclaration, body: "F hidden(F); c[i] = hidden(a[i]);", before: "#define F float"),
        Refusal(.printf, body: "printf(1);"),
        Refusal(.attribute, "__attribute__((constructor)) void f(void) { }"),
        Refusal(.attribute, "__attribute__((aligned(4), section(1))) int x;"),
        Refusal(.attribute, "#define A __attribute__((weak))\n"),
        // Pointers.
        Refusal(.pointerCast, body: "c[i] = *(__global float *)4096ul;"),
        Refusal(.pointerCast, body: "c[i] = *(float *const)4096ul;"),
        Refusal(.pointerCast, body: "c[i] = *(__global float * Q)4096ul;", before: "#define Q const"),
        Refusal(.pointerCast, body: "c[i] = *(P)4096ul;", before: "typedef __global float *P;"),
        Refusal(.pointerCast, body: "c[i] = *(P)4096ul;", before: "#define P __global float *"),
        Refusal(.pointerCast, body: "uintptr_t p = (uintptr_t)a; c[i] = p;"),
        Refusal(.union, body: "c[i] = a[i];", before: "union U { ulong n; float f; };"),
        Refusal(.statementExpression, body: "c[i] = ({ a[i]; });"),
        // Arithmetic.
        Refusal(.halfPrecision, body: "half h = a[i]; c[i] = h;"),
        Refusal(.halfPrecision, body: "c[i] = vload_half(0, a);"),
        Refusal(.floatingPoint, body: "c[i] = a[i] * 0.5f;"),
        // Order.
        Refusal(.atomicExchange, body: "atomic_cmpxchg((volatile __global int *)c, 0, 1);"),
        Refusal(.atomicExchange, body: "atomic_xchg(c, 1.0f);"),
        Refusal(.atomicExchange, body: "atomic_fetch_add(c, 1);"),
        Refusal(.atomicResult, body: "c[i] = atomic_inc(n);"),
        Refusal(.atomicResult, body: "atomic_inc(n) ? 1 : 0;"),
        Refusal(.atomicResult, body: "for (; atomic_inc(n); ) { }"),
        Refusal(.atomicResult, body: "c[i] = NEXT(n);", before: "#define NEXT(p) atomic_inc(p)"),
        Refusal(.groupCollective, body: "c[i] = work_group_reduce_add(a[i]);"),
        Refusal(.groupCollective, body: "c[i] = sub_group_broadcast(a[i], 0);"),
        Refusal(.groupCollective, body: "c[i] = get_sub_group_size();"),
        Refusal(.image, "__kernel void k(read_only image2d_t image) { }"),
        Refusal(.image, "__constant sampler_t s = 0;"),
        Refusal(.image, body: "c[i] = read_imagef(a, i).x;"),
        // Heads.
        Refusal(.workGroupSize, "__kernel void k(__global const float *a, __global float *c) { }"),
        Refusal(
            .workGroupSize,
            "__kernel __attribute__((reqd_work_group_size(32, 1, 1)))\n"
                + "void k(__global const float *a, __global float *c) { }"
        ),
        Refusal(.workGroupSize, "__kernel __attribute__((reqd_work_group_size(64, 1)))\nvoid k(void) { }"),
        Refusal(.kernelMissing, head + "void other(__global const float *a, __global float *c) { }"),
        Refusal(.kernelMissing, source("") + source("")),
        Refusal(.arguments, head + "void k(__global const float *a) { }"),
        Refusal(.arguments, head + "void k(__global float *a, __global float *c) { }"),
        Refusal(.arguments, head + "void k(__global const float *a, __global const float *c) { }"),
        Refusal(.arguments, head + "void k(__global const int *a, __global float *c) { }"),
        Refusal(.arguments, head + "void k(float a, __global float *c) { }"),
        Refusal(.arguments, head + "void k(__local float *a, __global float *c) { }"),
    ]

    /// Calls of every built-in whose result is open.
    static let functionRefusals: [Refusal] = {
        let inexact = KernelNames.inexact.sorted().map { Refusal(.inexactMath, body: "c[i] = \($0)(a[i]);") }
        let own = ["native_exp", "native_divide", "native_rsqrt", "half_exp", "half_divide", "half_powr"]
        let unspecified = ["mad", "mad24", "mul24"]
        return inexact + own.map { Refusal(.implementationDefinedMath, body: "c[i] = \($0)(a[i]);") }
            + unspecified.map { Refusal(.unspecifiedContraction, body: "c[i] = \($0)(a[i], a[i], a[i]);") }
    }()

    private static func nested(_ macro: String, _ depth: Int) -> String {
        "c[i] = " + String(repeating: macro + "(", count: depth) + "1" + String(repeating: ")", count: depth) + ";"
    }

    @Test(arguments: refusals + functionRefusals) func refusesForItsOwnReason(_ refusal: Refusal) throws {
        let spec =
            refusal.rule == .floatingPoint
            ? try Self.spec(type: "i32", replayClass: "integer") : try Self.spec()
        let faults = Admission.faults(in: spec, sources: [Array(refusal.source.utf8)])
        #expect(faults.contains { $0.rule == refusal.rule }, "\(faults.map(\.description))")
    }

    @Test func everyRuleHasARefusal() {
        let covered = Set((Self.refusals + Self.functionRefusals).map(\.rule))
        let missing = AdmissionFault.Rule.allCases.filter { $0.stage == .rules && !covered.contains($0) }
        #expect(missing.isEmpty)
    }

    @Test(arguments: [
        source("c[i] = fma(a[i], 2.0f, c[i]);"),
        source("c[i] = sqrt(fabs(a[i])) / 3.0f;"),
        source("c[i] = a[i] > 0.0f ? a[i] : -a[i]; // exp() is only mentioned"),
        source("/* half_exp mad24 asm */ c[i] = assay_relu(a[i]);"),
        source("float4 v = vload4(i / 4, a); c[i] = v.x + v.y * v.z - v.w;"),
        source("c[i] = convert_float_rtz(convert_int_sat(rint(a[i])));"),
        source("c[i] = as_float(as_uint(a[i]) & 0x7fffffffu);"),
        source("for (__global const float *p = a; p < a + 4; p++) c[i] = *p;"),
        source("c[i] = (float)i * (a[i] * (float)2);"),
        source("c[i] = twice(a[i]);", before: "static float twice(float x) { return x + x; }"),
        source("c[i] = SQUARE(a[i]);", before: "#define SQUARE(x) ((x) * (x))"),
        source("c[i] = a[i] * N;", before: "#ifndef N\n#define N 4\n#endif"),
        source("c[i] = table[i % 4];", before: "__constant float table[4] = { 1.0f, 2.0f, 3.0f, 4.0f };"),
        source("c[i] = third;", before: "__constant float third = (1.0f / 3.0f);"),
        source("__local float t[64]; t[i] = a[i]; barrier(CLK_LOCAL_MEM_FENCE); c[i] = t[63 - i];"),
        source("struct Pair p; p.x = a[i]; c[i] = p.x;", before: "struct Pair { float x; float y; };"),
        source("c[i] = select(a[i], 0.0f, (int)isnan(a[i]));"),
        source("c[i] = a[i]; /* Größe in Bytes: ×2 */"),
        source("c[i] = 1e-3f + 0x1.8p3f + .5f;"),
        source("double d = a[i]; c[i] = (float)(d * d);"),
        "#define GROUP 64\n__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))\n"
            + "void k(__global const float *restrict a, __global float *restrict c) { c[0] = a[0]; }",
        "kernel void __attribute__((reqd_work_group_size(64u, 1u, 0x1)))\n"
            + "k(const global float *a, global float *c)\n{ c[get_global_id(0)] = a[get_global_id(0)]; }\r\n",
        head + "void k(__global const float4 *a, __global float4 *c) { c[0] = a[0]; }",
        head + "void k(__constant float *a, __global float *c) { if (a[0] > 1.0f) { return; } else { c[0] = 2.0f; } }",
        source("c[i] = \\\n a[i];"),
    ]) func admitsHonestKernels(_ source: String) throws {
        let faults = Admission.faults(in: try Self.spec(), sources: [Array(source.utf8)])
        #expect(faults.isEmpty, "\(faults.map(\.description))")
    }

    @Test(arguments: ["atomic_add(c, a[i]);", "if (a[i] > 2) { atomic_inc(c); } else atomic_max(c, 3);"])
    func admitsOrderFreeAtomicStatements(_ body: String) throws {
        let spec = try Self.spec(type: "i32", replayClass: "integer")
        let text = Self.source(body).replacing("float", with: "int")
        #expect(Admission.faults(in: spec, sources: [Array(text.utf8)]).isEmpty)
    }

    @Test func namesTheLine() throws {
        let text = "\n\n" + Self.source("c[i] = a[i];\n    c[i] = exp(a[i]);")
        let faults = Admission.faults(in: try Self.spec(), sources: [Array(text.utf8)])
        #expect(faults.map(\.line) == [8])
        #expect(faults.first?.description == "s:8:12: inexactMath: exp")
    }

    @Test func listsSeveralBreaches() throws {
        let text = Self.source("c[i] = exp(a[i]); printf(1); asm(2);")
        let faults = Admission.faults(in: try Self.spec(), sources: [Array(text.utf8)])
        #expect(Set(faults.map(\.rule)) == [.inexactMath, .printf, .assembler])
    }

    @Test func admitsTheDigitsExample() throws {
        let job = try Support.job("Examples/digits")
        #expect(Admission.faults(in: job.spec, sources: job.spec.sources.map { job.files[$0.file] ?? [] }).isEmpty)
    }

    /// Texts at the bounds of size that would take a reader with a nested loop for ever.
    @Test(arguments: [
        String(repeating: "(int ", count: 30_000), String(repeating: "typedef ", count: 30_000),
        String(repeating: "kernel a(", count: 20_000), String(repeating: "__attribute__((", count: 15_000),
        String(repeating: "#\n", count: 65_000), String(repeating: "exp ", count: 60_000),
        String(repeating: "* const ", count: 30_000), String(repeating: "atomic_inc(", count: 20_000),
        String(repeating: "((((", count: 15_000), (0..<4000).map { "#define M\($0) M\($0 + 1) M\($0 + 1)\n" }.joined(),
        (0..<400).map { "#define M\($0) M\($0 + 1) N\($0 + 1)\n#define N\($0) M\($0 + 1)\n" }.joined(),
        "#define A B A\n#define B A B\n",
    ]) func largeTextsEnd(_ text: String) throws {
        let faults = Admission.faults(in: try Self.spec(), sources: [Array(text.utf8)])
        #expect(!faults.isEmpty)
        #expect(faults.count <= 64)
    }

    /// No text makes the tokenizer trap or run for ever.
    @Test func survivesRandomText() throws {
        var seed: UInt64 = 0x9e37_79b9_7f4a_7c15
        let pieces = [
            "#define ", "(", ")", "{", "}", "*", "__kernel ", "__attribute__((", "reqd_work_group_size", "\"", "'",
            "/*",
            "*/", "//", "\n", "\\\n", "A", "1.0f", ",", ";", "typedef ", "\u{7f}", "??=", " ", "#", "atomic_inc",
        ]
        let spec = try Self.spec()
        for _ in 0..<2000 {
            var text = ""
            for _ in 0..<40 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(seed >> 33) % pieces.count]
            }
            _ = Admission.faults(in: spec, sources: [Array(text.utf8)])
        }
    }
}
