// Which program did a role's work, as the role says itself.
internal import Codecs
public import Commitments

/// The program behind a signed document. A claim of its signer: only an attestation can show which program really ran.
public struct Software: Sendable, Equatable {
    /// The program's name.
    public var name: String
    /// Its version.
    public var version: String
    /// SHA-256 of the executable's bytes.
    public var digest: Digest
    /// SHA-256 of the worker's executable, for a role that runs kernels.
    public var worker: Digest?

    /// Names a program.
    public init(name: String, version: String, digest: Digest, worker: Digest? = nil) {
        self.name = name
        self.version = version
        self.digest = digest
        self.worker = worker
    }

    init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        name = try reader.code("name")
        version = try reader.code("version")
        digest = try reader.digest("digest")
        worker = try reader.optionalDigest("worker")
        try reader.finish()
    }

    var json: JSONValue {
        var object: JSONObject = [
            "name": .string(name),
            "version": .string(version),
            "digest": .string(digest.hex),
        ]
        if let worker { object["worker"] = .string(worker.hex) }
        return .object(object)
    }
}

extension JSONReader {
    /// The program behind the document, or `nil` when the member is missing.
    mutating func optionalSoftware(_ name: String = "software") throws(ParseError) -> Software? {
        let path = path(name)
        return try optionalValue(name).map { (value) throws(ParseError) in try Software(value, path) }
    }
}
