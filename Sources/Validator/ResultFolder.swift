// Signed executions on disk, from before they are sent until the engine has everything.
internal import Codecs
internal import Commitments
internal import Glibc

/// What a node has bound itself to, or is about to.
struct NodeResult: Sendable, Equatable {
    /// DSSE envelope over the execution statement.
    var execution: [UInt8]
    /// The trace document.
    var trace: [UInt8]
    /// The identifiers of the outputs; their bytes are in the artefact folder.
    var outputs: [CID]
    /// What was measured; not kept on the disk.
    var workUnits: UInt64 = 0
    var wallMicroseconds: UInt64 = 0
}

/// A folder with one file for each attempt that this node has signed.
public struct ResultFolder: Sendable {
    private let folder: String

    /// Opens the folder, which is made when it is not there.
    public init(folder: String) throws(StorageError) {
        self.folder = folder
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw .system(folder, "make the folder") }
    }

    /// The result of an attempt; `nil` when nothing was signed yet.
    func read(job: Digest, attempt: Int64) throws(AgentError) -> NodeResult? {
        let path = path(job, attempt)
        guard let bytes = try AgentError.wrap({ () throws(StorageError) in try DurableFile.read(path) }) else {
            return nil
        }
        do throws(ParseError) {
            var reader = try JSONReader(try JSONValue(parsing: bytes, limits: JSONLimits(bytes: 64 << 20)))
            let result = NodeResult(
                execution: try Base64.decode(try reader.string("execution", maxBytes: 32 << 20), field: "execution"),
                trace: try Base64.decode(try reader.string("trace", maxBytes: 32 << 20), field: "trace"),
                outputs: try reader.array("outputs", max: 512) { (value, path) throws(ParseError) -> CID in
                    guard case .string(let text) = value else {
                        throw ParseError(field: path, expected: "a string", actual: value.typeName)
                    }
                    return try CID(text: text, field: path)
                }
            )
            try reader.finish()
            return result
        } catch {
            throw .storage("\(path): \(error)")
        }
    }

    /// Keeps a result; it is on the disk when this returns.
    func write(_ result: NodeResult, job: Digest, attempt: Int64) throws(AgentError) {
        let document = JSONValue.object([
            "execution": .string(Base64.encode(result.execution)),
            "trace": .string(Base64.encode(result.trace)),
            "outputs": .array(result.outputs.map { .string($0.text) }),
        ])
        let path = path(job, attempt)
        try AgentError.wrap { () throws(StorageError) in
            try DurableFile.write(document.serialized(), to: path, in: folder)
        }
    }

    /// Forgets every result: the engine has given this node no lease.
    func removeAll() throws(AgentError) {
        guard let directory = opendir(folder) else { throw .storage("\(folder): could not open the folder") }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            // A crash leaves what was being written.
            if name.hasSuffix(".json") || name.hasPrefix(DurableFile.temporaryPrefix) { unlink(folder + "/" + name) }
        }
    }

    private func path(_ job: Digest, _ attempt: Int64) -> String {
        "\(folder)/\(job.hex)-\(attempt).json"
    }
}
