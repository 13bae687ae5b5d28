// A file of the job folder as a spec names it, before and after sealing.
internal import Codecs
public import Commitments
internal import Replay

/// A file of a job folder.
public struct JobFile: Sendable, Equatable {
    /// The path in the folder.
    public var path: String
    /// The length in bytes; known after sealing.
    public var byteCount: UInt64?
    /// The identifier of the bytes; known after sealing.
    public var cid: CID?

    /// Names a file.
    public init(path: String, byteCount: UInt64? = nil, cid: CID? = nil) {
        self.path = path
        self.byteCount = byteCount
        self.cid = cid
    }

    /// Reads the members `file`, `bytes` and `cid`.
    init(_ reader: inout JSONReader, maxBytes: UInt64) throws(ParseError) {
        path = try reader.relativePath("file")
        if reader.has("bytes") { byteCount = try reader.decimal("bytes", in: 1...maxBytes) }
        if reader.has("cid") { cid = try reader.cid("cid") }
    }

    /// Both, when they are known.
    public var identity: ArtefactIdentity? {
        guard let byteCount, let cid else { return nil }
        return ArtefactIdentity(cid: cid, byteCount: byteCount)
    }

    /// The members.
    var members: JSONObject {
        var object: JSONObject = ["file": .string(path)]
        if let byteCount { object["bytes"] = .string(String(byteCount)) }
        if let cid { object["cid"] = .string(cid.text) }
        return object
    }

    /// The same file with its length and identifier.
    /// - Throws: `ParseError` when it is missing or is not what is already said about it.
    func sealing(with files: [String: ArtefactIdentity], _ field: String) throws(ParseError) -> JobFile {
        guard let found = files[path] else {
            throw ParseError(field: field + ".file", expected: "file \(path)", actual: "no such file")
        }
        if let byteCount, byteCount != found.byteCount {
            throw ParseError(field: field + ".bytes", expected: "\(byteCount)", actual: "\(found.byteCount)")
        }
        if let cid, cid != found.cid {
            throw ParseError(field: field + ".cid", expected: cid.text, actual: found.cid.text)
        }
        return JobFile(path: path, byteCount: found.byteCount, cid: found.cid)
    }
}

/// A file of a sealed job.
public struct SealedFile: Sendable, Equatable {
    /// The path in the job folder.
    public var path: String
    /// Its length and identifier.
    public var identity: ArtefactIdentity
}
