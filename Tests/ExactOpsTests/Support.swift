// What the tests share: the worker that was built beside them, and a runner over it.
import Codecs
import Commitments
import Foundation
import Testing

@testable import ExactOps
@testable import Replay

enum Support {
    /// The worker in the folder of build products that holds the tests.
    static let worker = SandboxedRunner.defaultWorker() ?? "assay-replay"

    static let isLong = ProcessInfo.processInfo.environment["ASSAY_LONG"] == "1"

    static let runner = runner(worker: worker)

    /// A runner that waits for a simulator as long as it takes.
    static let slowRunner = runner(worker: worker, simulateSeconds: 1800)

    static func runner(
        worker: String,
        usesNamespaces: Bool = true,
        simulateSeconds: Int64 = 120
    ) -> SandboxedRunner {
        var options = SandboxedRunner.Options()
        options.compileSeconds = 300
        options.simulateSeconds = simulateSeconds
        options.usesNamespaces = usesNamespaces
        options.usesLandlock = usesNamespaces
        if !usesNamespaces { options.minimumLevel = .process }
        return SandboxedRunner(worker: worker, workDirectory: NSTemporaryDirectory(), options: options)
    }

    /// The bits of the words in little-endian bytes.
    static func words(_ bytes: [UInt8]) -> [UInt32] {
        bytes.withUnsafeBytes { buffer in
            (0..<buffer.count / 4).map { buffer.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) }
        }
    }

    static func floats(_ bytes: [UInt8]) -> [Float] { words(bytes).map { Float(bitPattern: $0) } }

    static func bytes(_ floats: [Float]) -> [UInt8] { floats.flatMap { bytes(of: $0.bitPattern) } }

    static func bytes(of word: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }

    /// Runs one operation on the oracle.
    static func compute(
        _ kernel: ExactKernel,
        inputs: [(type: ElementType, bytes: [UInt8])],
        output: (type: ElementType, count: Int),
        _ scalars: [ExactGraph.Argument]
    ) throws -> [UInt8] {
        var graph = ExactGraph(schedule: .definition)
        var arguments: [ExactGraph.Argument] = []
        var files: [String: [UInt8]] = [:]
        for (index, input) in inputs.enumerated() {
            let count = UInt64(input.bytes.count / input.type.byteCount)
            arguments.append(.slot(try graph.input("in\(index)", input.type, [count], file: "in\(index)")))
            files["in\(index)"] = input.bytes
        }
        arguments.append(.slot(try graph.output("out", output.type, [UInt64(output.count)])))
        try graph.add(kernel, arguments + scalars)
        let spec = try graph.spec(wallSeconds: 60)
        let execution = try ExactOracle().execute(spec, files: files.merging(graph.sources) { first, _ in first })
        return execution.outputs["out"] ?? []
    }
}
