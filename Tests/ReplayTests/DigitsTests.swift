// The digits example through the real worker, against the same network written in Swift.
import Codecs
import Commitments
import Foundation
import Testing

@testable import Replay

@Suite struct DigitsTests {
    /// The network by the rules of the example: fma with k ascending from +0, the bias last, the lowest of equal scores.
    private static func oracle() throws -> (scores: [Float], labels: [UInt32]) {
        var values = try Support.digits("inputs/images_u8.npy", as: UInt8.self).map { Float($0) * 0.0625 }
        let rows = 1797
        var inner = 64
        for (layer, columns) in [64, 32, 10].enumerated() {
            let weights = try Support.digits("inputs/w\(layer)_f32.npy", as: Float.self)
            let bias = try Support.digits("inputs/b\(layer)_f32.npy", as: Float.self)
            var next = [Float](repeating: 0, count: rows * columns)
            for row in 0..<rows {
                for column in 0..<columns {
                    var sum: Float = 0
                    for k in 0..<inner {
                        sum.addProduct(values[row * inner + k], weights[k * columns + column])
                    }
                    sum += bias[column]
                    next[row * columns + column] = layer < 2 && !(sum > 0) ? 0 : sum
                }
            }
            values = next
            inner = columns
        }
        let labels = (0..<rows).map { row in
            (1..<10).reduce(into: UInt32(0)) { best, column in
                if values[row * 10 + column] > values[row * 10 + Int(best)] { best = UInt32(column) }
            }
        }
        return (values, labels)
    }

    @Test(arguments: [true, false]) func outputsAreTheOraclesBits(namespaces: Bool) async throws {
        let job = try Support.job("Examples/digits")
        let runner = Support.runner(usesNamespaces: namespaces)
        let outcome = await runner.run(job.spec, files: job.files)
        guard case .completed(let execution) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(execution.sandbox.measures.contains(.seccomp))
        let oracle = try Self.oracle()
        let scores = Support.elements(execution.outputs["scores"] ?? [], as: Float.self)
        let labels = Support.elements(execution.outputs["labels"] ?? [], as: UInt32.self)
        #expect(scores.map(\.bitPattern) == oracle.scores.map(\.bitPattern))
        #expect(labels == oracle.labels)
        #expect(execution.trace.leaves.count == job.spec.steps.count)

        let truth = try Support.digits("reference/labels_u8.npy", as: UInt8.self)
        let held = try Support.digits("reference/test_index_u16.npy", as: UInt16.self).map(Int.init)
        #expect(held.count == 360)
        #expect(held.count { labels[$0] == UInt32(truth[$0]) } == 350)

        // The second run takes the compiled program from memory and says the same.
        let again = await runner.run(job.spec, files: job.files)
        guard case .completed(let second) = again else {
            Issue.record("\(again)")
            return
        }
        #expect(second.trace == execution.trace)
        #expect(second.outputs == execution.outputs)
    }
}
