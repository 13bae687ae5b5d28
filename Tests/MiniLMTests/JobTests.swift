// The model as a job: on the device and on the oracle, against an independent evaluation in double precision, with a flipped bit.
import AssayTesting
import Codecs
import ExactOps
import Foundation
import MiniLM
import Receipts
import Testing

@testable import Replay

@Suite(.enabled(if: MiniLMModel.isInstalled, "Examples/minilm/get-model installs the model")) struct MiniLMJobTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let tokens = 16

    private struct Made {
        let job: MiniLMJob
        let spec: ReplaySpec
        let ids: [[Int32]]
        let names: [String]
    }

    private static func make() throws -> Made {
        let read = { (name: String) in
            [UInt8](try Data(contentsOf: MiniLMModel.folder.appendingPathComponent(name)))
        }
        let tokenizer = try WordPiece(vocabulary: try read("vocab.txt"))
        let file = root.appendingPathComponent("Examples/minilm/sentences.txt")
        let names = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
        let ids = names.map { tokenizer.ids(of: $0, length: tokens) }
        let job = try MiniLMJob(
            weights: try SafetensorsFile(parsing: try read("model.safetensors")),
            sentences: ids,
            padding: tokenizer.padding,
            tokens: tokens,
            schedule: .vector
        )
        return Made(job: job, spec: try ReplaySpec(job.replay), ids: ids, names: names)
    }

    private static let worker = SandboxedRunner.defaultWorker() ?? "assay-replay"

    private static func run(_ made: Made, files: [String: [UInt8]]? = nil) async throws -> Execution {
        let runner = SandboxedRunner(worker: worker, workDirectory: NSTemporaryDirectory())
        switch await runner.run(made.spec, files: files ?? made.job.files) {
        case .completed(let execution): return execution
        case .refused(let faults): throw RunFailure(.compile, faults.map(\.description).joined(separator: "; "))
        case .failed(let failure): throw failure
        }
    }

    private static func npy(_ type: String, _ shape: String, _ words: [Int32]) -> Data {
        var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape)), }"
        header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
        var bytes = Array("\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) }) + [1, 0]
        bytes.appendLittleEndian(UInt16(header.utf8.count))
        bytes += header.utf8
        for word in words { bytes.appendLittleEndian(UInt32(bitPattern: word)) }
        return Data(bytes)
    }

    /// A Python with NumPy.
    private static let python =
        ProcessInfo.processInfo.environment["ASSAY_MINILM_PYTHON"]
        ?? root.appendingPathComponent(".assay/minilm/python/bin/python").path

    /// What `reference.py` computes in double precision.
    private static func reference(_ made: Made) throws -> [Double] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let padded = made.ids.flatMap { $0 + Array(repeating: 0, count: tokens - $0.count) }
        let path = { (name: String) in folder.appendingPathComponent(name) }
        try npy("<i4", "\(made.ids.count), \(tokens)", padded).write(to: path("ids.npy"))
        try npy("<i4", "\(made.ids.count),", made.ids.map { Int32($0.count) }).write(to: path("lengths.npy"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = [
            root.appendingPathComponent("Examples/minilm/reference.py").path, "--model", MiniLMModel.folder.path,
            "--ids", path("ids.npy").path, "--lengths", path("lengths.npy").path, "-o", path("out.npy").path,
        ]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        let array = try NPYFile(parsing: [UInt8](try Data(contentsOf: path("out.npy"))))
        try #require(array.type == .f64)
        return Array(array.content).withUnsafeBytes { buffer in
            (0..<buffer.count / 8).map { buffer.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) }
        }
    }

    @Test func deviceAndOracleAgree() async throws {
        let made = try Self.make()
        let execution = try await Self.run(made)
        let bytes = execution.outputs[MiniLMJob.output] ?? []
        let embeddings = try Embeddings(bytes, count: made.names.count)

        // Two lines that mean the same stand together; each is the other's nearest.
        for index in made.names.indices {
            let others = made.names.indices.filter { $0 != index }
            let nearest = others.max { embeddings.similarity(index, $0) < embeddings.similarity(index, $1) }
            #expect(nearest == index ^ 1, "\(made.names[index])")
        }

        // The definition in C, over the same weights, leaves the same trace: every step of it, bit for bit.
        let oracle = try ExactOracle().execute(made.spec, files: made.job.files)
        #expect(oracle.trace.root == execution.trace.root)
        #expect(oracle.outputs == execution.outputs)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: python), "needs a Python with NumPy"))
    func embeddingsAreThoseOfDoublePrecision() async throws {
        let made = try Self.make()
        let outputs = try ExactOracle().execute(made.spec, files: made.job.files).outputs
        let embeddings = try Embeddings(outputs[MiniLMJob.output] ?? [], count: made.names.count)
        let truth = try Self.reference(made)
        let values = embeddings.rows.flatMap { $0 }
        try #require(values.count == truth.count)
        for row in 0..<made.names.count {
            let range = row * MiniLMModel.width..<(row + 1) * MiniLMModel.width
            let error = range.reduce(0.0) { $0 + pow(Double(values[$1]) - truth[$1], 2) }.squareRoot()
            let size = range.reduce(0.0) { $0 + truth[$1] * truth[$1] }.squareRoot()
            #expect(error / size <= 1e-5, "\(made.names[row]): \(error / size)")
        }
    }

    @Test func oneFlippedBitInLayerFourIsFound() async throws {
        let made = try Self.make()
        let honest = try ExactOracle().execute(made.spec, files: made.job.files)
        let file = "inputs/encoder.layer.3.output.dense.weight.raw"
        let cheat = CheatingRunner(ExactOracle(), lie: .flippedInputBit(file: file, byte: 4003, bit: 0))
        guard case .completed(let claimed) = await cheat.run(made.spec, files: made.job.files) else {
            Issue.record("no result")
            return
        }
        let comparison = Comparison.compare(
            claimedTrace: claimed.trace,
            claimedOutputs: claimed.outputs,
            replayed: honest,
            spec: made.spec
        )
        guard case .mismatch(let divergence) = comparison else {
            Issue.record("a flipped bit was not seen")
            return
        }
        // Four steps make the first hidden state, seven each layer; the changed matrix is that of the sixth.
        #expect(divergence.step == 4 + 3 * 7 + 5)
        #expect(divergence.slot == "projected")
    }
}
