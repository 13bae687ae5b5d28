// The elementary functions of the library against the C library's `long double`: the largest error, and where.
import Codecs
import ExactOps
import Foundation
import Replay

#if arch(x86_64)
    typealias Wide = Float80
#else
    typealias Wide = Double
#endif

private struct Function: Sendable {
    let name: String
    let code: UInt32
    let truth: @Sendable (Wide) -> Wide
}

private let functions = [
    Function(name: "exp", code: 0) { exp($0) }, Function(name: "log", code: 1) { log($0) },
    Function(name: "tanh", code: 2) { tanh($0) }, Function(name: "erf", code: 3) { erf($0) },
    Function(name: "sin", code: 4) { sin($0) }, Function(name: "cos", code: 5) { cos($0) },
    Function(name: "1/sqrt", code: 6) { 1 / $0.squareRoot() },
]

/// The oracle's values for all of `x`.
private func compute(_ code: UInt32, _ x: [UInt32]) throws -> [Float] {
    var graph = ExactGraph(schedule: .definition)
    let count = UInt64(x.count)
    let input = try graph.input("x", .f32, [count], file: "x")
    let output = try graph.output("y", .f32, [count])
    try graph.add(.apply, .slot(input), .slot(output), .u32(UInt32(count)), .u32(1), .u32(code))
    var files = graph.sources
    files["x"] = x.withUnsafeBytes { Array($0) }
    let execution = try ExactOracle().execute(try graph.spec(wallSeconds: 60), files: files)
    return (execution.outputs["y"] ?? []).withUnsafeBytes { buffer in
        (0..<buffer.count / 4).map { buffer.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    }
}

/// Units in the last place between a value and the truth; infinite for a wrong special value.
private func distance(_ value: Float, _ truth: Wide) -> Double {
    if truth.isNaN || value.isNaN { return truth.isNaN && value.isNaN ? 0 : .infinity }
    let nearest = Float(truth)
    if nearest.isInfinite || value.isInfinite { return nearest == value ? 0 : .infinity }
    if truth == 0 { return value == 0 ? 0 : .infinity }
    let exponent = max(-126, truth.magnitude.isNormal ? Int(truth.exponent) : -126)
    return Double(abs(Wide(value) - truth) / Wide(sign: .plus, exponent: Wide.Exponent(exponent - 23), significand: 1))
}

func measureFunctions(stride: UInt64) throws {
    for function in functions {
        var worst = (distance: 0.0, at: UInt32(0))
        var count = 0
        var next: UInt64 = 0
        while next < 1 << 32 {
            var x: [UInt32] = []
            while next < 1 << 32, x.count < 1 << 20 {
                x.append(UInt32(next))
                next += stride
            }
            for (bits, value) in zip(x, try compute(function.code, x)) {
                let found = distance(value, function.truth(Wide(Float(bitPattern: bits))))
                if found > worst.distance { worst = (found, bits) }
            }
            count += x.count
        }
        let name = function.name.padding(toLength: 8, withPad: " ", startingAt: 0)
        say(
            name
                + String(
                    format: "%.6f units in the last place at 0x%08x, %d arguments",
                    worst.distance,
                    worst.at,
                    count
                )
        )
    }
}
