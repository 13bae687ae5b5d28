// `assay commit open`: shows a range of a file to somebody who has only its commitment.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import Foundation

struct CommitOpen: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Cut a range out of a file, with a proof that it belongs to the file's commitment.",
        discussion: """
            Writes the whole chunks of 1 MiB that hold the range, and an opening; assay commit verify checks them together. \\
            The file is read once to make the proof.
            """
    )

    @Argument(help: "The file.")
    var path: String
    @Option(help: "The first byte of the range.")
    var offset: UInt64 = 0
    @Option(help: "The bytes of the range.")
    var length: UInt64
    @Option(help: ArgumentHelp("The file for the chunks.", valueName: "file"))
    var data: String
    @Option(name: .shortAndLong, help: ArgumentHelp("The file for the opening.", valueName: "file"))
    var output: String
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        guard case .file(let names) = try CommittedPath(path, ScanOptions(flatSHA256: false), tool) else {
            throw Failure(
                .noInput,
                "file.folder",
                "\(path): expected a file, found a folder",
                field: path,
                expected: "a file",
                actual: "a folder"
            )
        }
        let (end, overflow) = offset.addingReportingOverflow(length)
        guard length > 0, length <= 64 << 20, !overflow, end <= names.commitment.length,
            let chunks = names.commitment.chunks(holding: offset..<end),
            let opening = ArtefactOpening(of: names.commitment, chunks: chunks)
        else {
            let expected = "1 to \(64 << 20) bytes within the \(names.commitment.length) of the file"
            let error = ParseError(field: "length", expected: expected, actual: "\(length) at \(offset)")
            throw Failure(option: "--length", error)
        }
        let start = chunks.lowerBound * names.commitment.chunkSize
        let stop = min(chunks.upperBound * names.commitment.chunkSize, names.commitment.length)
        let bytes = try Self.bytes(of: path, from: start, count: Int(stop - start))
        // What was read now is checked against what was hashed before, so that no proof is written for other bytes.
        guard opening.verifies(bytes) else {
            throw Failure(.ioError, "file.changed", "\(path): the file was changed while it was read", field: path)
        }
        try Files.write(bytes, to: data)
        try Files.write(opening.json.serialized(pretty: true), to: output)
        return Answer(
            members: [
                "commitment": .string(opening.commitment.hex), "firstChunk": .string(String(chunks.lowerBound)),
                "chunks": .integer(chunks.count), "offset": .string(String(start)), "bytes": .integer(bytes.count),
                "data": .string(data), "opening": .string(output),
            ],
            lines: Table.facts([
                ("commitment", opening.commitment.hex),
                ("chunks", "\(chunks.lowerBound) to \(chunks.upperBound - 1): bytes \(start) to \(stop - 1)"),
                ("data", data), ("opening", output),
            ])
        )
    }

    private static func bytes(of path: String, from start: UInt64, count: Int) throws(Failure) -> [UInt8] {
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            try handle.seek(toOffset: start)
            return [UInt8](try handle.read(upToCount: count) ?? Data())
        } catch {
            throw Failure(
                .ioError,
                "file.read",
                "\(path): could not read it: \(error.localizedDescription)",
                field: path
            )
        }
    }
}
