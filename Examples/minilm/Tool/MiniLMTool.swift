// Makes the job folder from sentences, and reads what came out.
import ArgumentParser
import Codecs
import ExactOps
import Foundation
import MiniLM
import Receipts

@main
struct MiniLMTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "minilm-job",
        abstract: "Sentence embeddings by all-MiniLM-L6-v2 as an Assay job.",
        subcommands: [Make.self, Similar.self]
    )
}

/// One sentence a line; empty lines do not count.
private func lines(in path: String) throws -> [String] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
}

struct Make: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Write a job folder for the sentences of a file.")

    @Argument(help: "A file with one sentence a line.")
    var sentences: String

    @Option(name: .shortAndLong, help: "The folder to make.")
    var output: String

    @Option(help: "The length of every row; longer sentences are cut.")
    var tokens: Int = 128

    @Option(help: "The form of the kernels: vector for CPUs, tiled for GPUs.")
    var schedule: String = "vector"

    func run() throws {
        guard let schedule = Schedule(rawValue: schedule) else {
            throw ValidationError("--schedule: expected definition, vector or tiled, found \(schedule)")
        }
        guard MiniLMModel.isInstalled else {
            throw ValidationError("no model in \(MiniLMModel.folder.path); Examples/minilm/get-model installs it")
        }
        let folder = MiniLMModel.folder
        let weights = try SafetensorsFile(
            parsing: [UInt8](Data(contentsOf: folder.appendingPathComponent("model.safetensors")))
        )
        let tokenizer = try WordPiece(
            vocabulary: [UInt8](Data(contentsOf: folder.appendingPathComponent("vocab.txt")))
        )
        let ids = try lines(in: sentences).map { tokenizer.ids(of: $0, length: tokens) }
        let job = try MiniLMJob(
            weights: weights,
            sentences: ids,
            padding: tokenizer.padding,
            tokens: tokens,
            schedule: schedule
        )
        let root = URL(fileURLWithPath: output)
        for (path, bytes) in job.files {
            let file = root.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(bytes).write(to: file)
        }
        let document = job.document.serialized(pretty: true)
        try Data(document).write(to: root.appendingPathComponent("job.json"))
        print("\(output): \(ids.count) sentences of \(tokens) tokens")
    }
}

struct Similar: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print each sentence's nearest other one, by the embeddings of a receipt or of `assay replay run`."
    )

    @Argument(help: "A receipt bundle, or the file of the output slot.")
    var embeddings: String

    @Argument(help: "The file with the sentences.")
    var sentences: String

    func run() throws {
        let names = try lines(in: sentences)
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: embeddings)))
        if embeddings.hasSuffix(".assay") {
            bytes = try Bundle(parsing: bytes).member(BundleMember.output(MiniLMJob.output))
        }
        let rows = try Embeddings(bytes, count: names.count)
        for (index, name) in names.enumerated() {
            let others = names.indices.filter { $0 != index }
            guard let nearest = others.max(by: { rows.similarity(index, $0) < rows.similarity(index, $1) }) else {
                continue
            }
            let percent = Int((rows.similarity(index, nearest) * 100).rounded())
            print("\(percent) %  \(name)  ~  \(names[nearest])")
        }
    }
}
