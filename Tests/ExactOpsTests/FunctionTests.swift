// The elementary functions against x87 extended precision, and the conversions against the language's own types.
import Codecs
import Foundation
import Replay
import Testing

@testable import ExactOps

/// Where the truth is computed: with 64 bits of significand on x86, whose `long double` this is, and 53 elsewhere.
#if arch(x86_64)
    private typealias Wide = Float80
#else
    private typealias Wide = Double
#endif

@Suite struct FunctionTests {
    private struct Function: Sendable, CustomTestStringConvertible {
        let name: String
        let code: UInt32
        /// What the documentation states as the most, in units in the last place.
        let bound: Double
        let truth: @Sendable (Wide) -> Wide
        var testDescription: String { name }
    }

    private static let functions = [
        Function(name: "exp", code: 0, bound: 0.845) { exp($0) },
        Function(name: "log", code: 1, bound: 0.795) { log($0) },
        Function(name: "tanh", code: 2, bound: 0.947) { tanh($0) },
        Function(name: "erf", code: 3, bound: 0.991) { erf($0) },
        Function(name: "sin", code: 4, bound: 0.826) { sin($0) },
        Function(name: "cos", code: 5, bound: 0.837) { cos($0) },
        Function(name: "rsqrt", code: 6, bound: 0.5005) { 1 / $0.squareRoot() },
    ]

    /// The distance in units in the last place of the true value; infinite for a wrong special value.
    private static func distance(_ value: Float, _ truth: Wide) -> Double {
        if truth.isNaN || value.isNaN { return truth.isNaN && value.isNaN ? 0 : .infinity }
        let nearest = Float(truth)
        if nearest.isInfinite || value.isInfinite { return nearest == value ? 0 : .infinity }
        if truth == 0 { return value == 0 && value.sign == truth.sign ? 0 : .infinity }
        let exponent = max(-126, truth.magnitude.isNormal ? Int(truth.exponent) : -126)
        return Double(
            abs(Wide(value) - truth) / Wide(sign: .plus, exponent: Wide.Exponent(exponent - 23), significand: 1)
        )
    }

    /// Where the worst cases of a search through all 2^32 arguments against double precision lie, by code.
    private static let worst: [UInt32] = [0x4240_b95a, 0x3fb4_2c5d, 0x3f81_d4cc, 0x3f7f_91d2, 0x4d54_aa91]

    @Test(arguments: functions.indices) func staysWithinItsBound(index: Int) throws {
        let function = Self.functions[index]
        let edges: [UInt32] = [
            0, 1, 0x007f_ffff, 0x0080_0000, 0x3f80_0000, 0x7f7f_ffff, 0x7f80_0000, 0x7fc0_0000, 0x42b1_7218,
        ]
        // The worst arguments with their neighbours, and a sample of all others.
        let near = Self.worst.flatMap { word in (0...400).map { word &+ $0 &- 200 } }
        var words = edges + near
        words += words.map { $0 ^ 0x8000_0000 }
        let stride: UInt32 = Support.isLong ? 997 : 40_009
        var word: UInt32 = 0
        while word < UInt32.max - stride {
            words.append(word)
            word += stride
        }
        let x = words.map { Float(bitPattern: $0) }
        let bytes = try Support.compute(
            .apply,
            inputs: [(.f32, Support.bytes(x))],
            output: (.f32, x.count),
            [.u32(UInt32(x.count)), .u32(1), .u32(function.code)]
        )
        let values = Support.floats(bytes)
        var worst = (distance: 0.0, at: Float(0))
        for (x, y) in zip(x, values) {
            let distance = Self.distance(y, function.truth(Wide(x)))
            if distance > worst.distance { worst = (distance, x) }
        }
        #expect(worst.distance <= function.bound, "\(function.name) at \(worst.at.bitPattern)")
        #expect(worst.distance < 1)
        #expect(values.count == x.count)
        if Support.isLong {
            print("\(function.name): \(worst.distance) at \(worst.at.bitPattern) of \(x.count) arguments")
        }
    }

    @Test func halvesAreTheLanguagesOwn() throws {
        let all = (0..<65_536).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
        let scalars: [ExactGraph.Argument] = [.u32(65_536), .u32(1), .u32(1)]
        let wide = Support.floats(
            try Support.compute(.fromHalf, inputs: [(.u16, all)], output: (.f32, 65_536), scalars)
        )
        #if arch(arm64) || os(Linux)
            for (bits, value) in wide.enumerated() {
                let truth = Float(Float16(bitPattern: UInt16(bits)))
                #expect(truth.isNaN ? value.isNaN : value.bitPattern == truth.bitPattern, "\(bits)")
            }
            var state: UInt64 = 11
            let x = (0..<50_000).map { index -> Float in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let bits = UInt32(truncatingIfNeeded: state >> 32)
                // Half of them with exponents that a half has, ties among them.
                return Float(bitPattern: index % 2 == 0 ? bits : bits & 0x803f_f000 | (100 + bits >> 23 & 31) << 23)
            }
            let narrow = try Support.compute(
                .toHalf,
                inputs: [(.f32, Support.bytes(x))],
                output: (.u16, x.count),
                [.u32(UInt32(x.count)), .u32(1), .u32(1)]
            )
            for (index, value) in x.enumerated() {
                let bits = UInt16(narrow[2 * index]) | UInt16(narrow[2 * index + 1]) << 8
                let truth = Float16(value)
                #expect(truth.isNaN ? bits == 0x7e00 : bits == truth.bitPattern, "\(value)")
            }
        #endif
    }

    @Test func bfloatsRoundToEven() throws {
        let x: [UInt32] = [0x3f80_8000, 0x3f81_8000, 0x3f80_8001, 0x3f80_7fff, 0x7f7f_ffff, 0xff80_0000, 0x7f80_0001]
        let bytes = try Support.compute(
            .toHalf,
            inputs: [(.f32, x.flatMap { Support.bytes(of: $0) })],
            output: (.u16, x.count),
            [.u32(UInt32(x.count)), .u32(1), .u32(0)]
        )
        let bits = (0..<x.count).map { UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8 }
        #expect(bits == [0x3f80, 0x3f82, 0x3f81, 0x3f80, 0x7f80, 0xff80, 0x7fc0])
    }

    /// The known answers of Random123 (Salmon et al.), `philox4x32 10`.
    @Test func philoxGivesItsKnownAnswers() throws {
        let zeros = try Support.compute(
            .randomBits,
            inputs: [],
            output: (.u32, 4),
            [.u64(0), .u32(0), .u32(4)]
        )
        #expect(Support.words(zeros) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    }
}
