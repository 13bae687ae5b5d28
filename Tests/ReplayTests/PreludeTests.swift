// The prelude's functions on the real device, against the same definitions in Swift, at the edges that OpenCL leaves open; and
// the arithmetic that the prelude and the build options promise.
import Codecs
import Testing

@testable import Replay

@Suite struct PreludeTests {
    private static let floats: [UInt32] = [
        0, 0x8000_0000, 1, 0x8000_0001, 0x007f_ffff, 0x0080_0000, 0x3f80_0000, 0xbf80_0000, 0x3f80_0001, 0x4eff_ffff,
        0x4f00_0000, 0xcf00_0000, 0xcf00_0001, 0x7f7f_ffff, 0xff7f_ffff, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000,
        0x4049_0fdb, 0xc2c8_0000, 0x3eaa_aaab, 0x34ff_fff1,
    ]
    private static let integers: [UInt32] = [
        0, 1, 2, 7, 31, 32, 33, 64, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fffe, 0xffff_ffff, 12_345,
    ]

    /// A seeded stream of bit patterns.
    private struct Patterns {
        var state: UInt64
        mutating func next() -> UInt32 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt32(truncatingIfNeeded: state >> 32)
        }
    }

    private static let count = 4096

    private static func pairs(_ edges: [UInt32], seed: UInt64) -> (left: [UInt32], right: [UInt32]) {
        var left: [UInt32] = []
        var right: [UInt32] = []
        for a in edges {
            for b in edges {
                left.append(a)
                right.append(b)
            }
        }
        var patterns = Patterns(state: seed)
        while left.count < count {
            left.append(patterns.next())
            right.append(patterns.next())
        }
        return (left, right)
    }

    /// Runs `expression` of `a` and `b` over every pair and returns the bits.
    private static func evaluate(
        _ expression: String,
        type: String,
        _ pairs: (left: [UInt32], right: [UInt32])
    ) async throws -> [UInt32] {
        let word = type == "f32" ? "float" : "uint"
        let text = """
            {"version":1,"class":"\(type == "f32" ? "exact" : "integer")","device":{"type":"any","memoryBytes":"0"},
             "sources":[{"name":"s","file":"k.cl"}],
             "slots":[{"name":"a","role":"in","dtype":"\(type)","shape":[\(count)],"file":"a","format":"raw"},
                      {"name":"b","role":"in","dtype":"\(type)","shape":[\(count)],"file":"b","format":"raw"},
                      {"name":"c","role":"out","dtype":"\(type)","shape":[\(count)]}],
             "steps":[{"kernel":"k","source":"s","global":[\(count)],"local":[16],
                       "args":[{"slot":"a"},{"slot":"b"},{"slot":"c","access":"write"}]}],
             "limits":{"wallSeconds":20,"memoryBytes":"1048576","outputBytes":"65536"}}
            """
        let source = """
            __kernel __attribute__((reqd_work_group_size(16, 1, 1)))
            void k(__global const \(word) *left, __global const \(word) *right, __global \(word) *out) {
                size_t i = get_global_id(0);
                \(word) a = left[i];
                \(word) b = right[i];
                out[i] = \(expression);
            }
            """
        let bytes = { (words: [UInt32]) in words.reduce(into: [UInt8]()) { $0.appendLittleEndian($1) } }
        let outcome = await Support.runner().run(
            try ReplaySpec(try JSONValue(parsing: Array(text.utf8))),
            files: ["k.cl": Array(source.utf8), "a": bytes(pairs.left), "b": bytes(pairs.right)]
        )
        guard case .completed(let execution) = outcome else {
            Issue.record("\(outcome)")
            return []
        }
        return Support.elements(execution.outputs["c"] ?? [], as: UInt32.self)
    }

    private struct Case<Value>: Sendable, CustomTestStringConvertible {
        let expression: String
        let oracle: @Sendable (Value, Value) -> Value
        var testDescription: String { expression }
    }

    private static let floatCases: [Case<Float>] = [
        Case(expression: "assay_relu(a)") { a, _ in a > 0 ? a : 0 },
        Case(expression: "assay_fmax(a, b)") { a, b in
            if a.isNaN || b.isNaN { return .nan }
            return a == b ? (a.sign == .plus ? a : b) : max(a, b)
        },
        Case(expression: "assay_fmin(a, b)") { a, b in
            if a.isNaN || b.isNaN { return .nan }
            return a == b ? (a.sign == .minus ? a : b) : min(a, b)
        },
        Case(expression: "as_float(assay_to_i32(a))") { a, _ in
            let integer: Int32 = a.isNaN ? 0 : a >= 0x1p31 ? .max : a < -0x1p31 ? .min : Int32(a)
            return Float(bitPattern: UInt32(bitPattern: integer))
        },
        // Never fused, denormals kept, division and square root correctly rounded.
        Case(expression: "a * b + a") { a, b in a * b + a },
        Case(expression: "fma(a, b, a)") { a, b in a.addingProduct(a, b) },
        Case(expression: "a / b") { a, b in a / b },
        Case(expression: "sqrt(a)") { a, _ in a.squareRoot() },
    ]

    private static let integerCases: [Case<UInt32>] = [
        Case(expression: "as_uint(assay_div_i32(as_int(a), as_int(b)))") { a, b in
            let dividend = Int32(bitPattern: a)
            let divisor = Int32(bitPattern: b)
            return divisor == 0 ? 0 : UInt32(bitPattern: dividend.dividedReportingOverflow(by: divisor).partialValue)
        },
        Case(expression: "assay_div_u32(a, b)") { a, b in b == 0 ? 0 : a / b },
        Case(expression: "assay_shl_u32(a, b)") { a, b in b < 32 ? a << b : 0 },
        Case(expression: "assay_shr_u32(a, b)") { a, b in b < 32 ? a >> b : 0 },
    ]

    private static func canonical(_ value: Float) -> UInt32 {
        value.isNaN ? 0x7fc0_0000 : value.bitPattern
    }

    @Test(arguments: floatCases.indices) func floatsAreExact(index: Int) async throws {
        let test = Self.floatCases[index]
        let seed: UInt64 = 2026
        let pairs = Self.pairs(Self.floats, seed: seed)
        let bits = try await Self.evaluate(test.expression, type: "f32", pairs)
        let expected = zip(pairs.left, pairs.right).map { a, b in
            Self.canonical(test.oracle(Float(bitPattern: a), Float(bitPattern: b)))
        }
        let wrong = zip(bits, expected).enumerated().first { $0.element.0 != $0.element.1 }
        #expect(bits == expected, "\(test.expression), seed \(seed): \(String(describing: wrong))")
    }

    @Test(arguments: integerCases.indices) func integersAreExact(index: Int) async throws {
        let test = Self.integerCases[index]
        let seed: UInt64 = 2027
        let pairs = Self.pairs(Self.integers, seed: seed)
        let bits = try await Self.evaluate(test.expression, type: "u32", pairs)
        let expected = zip(pairs.left, pairs.right).map { test.oracle($0, $1) }
        let wrong = zip(bits, expected).enumerated().first { $0.element.0 != $0.element.1 }
        #expect(bits == expected, "\(test.expression), seed \(seed): \(String(describing: wrong))")
    }

    @Test func everyFunctionIsTested() {
        let expressions = Self.floatCases.map(\.expression) + Self.integerCases.map(\.expression)
        for function in Prelude.functions {
            #expect(expressions.contains { $0.contains(function) }, "\(function)")
            #expect(Prelude.text.contains(" \(function)("))
        }
    }
}
