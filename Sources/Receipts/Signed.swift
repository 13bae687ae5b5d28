// Signed documents: an in-toto Statement v1 (in-toto/attestation, spec/v1/statement.md) in a DSSE envelope.
public import Codecs
public import Commitments
public import Signatures

/// The part of a statement that one kind of document defines.
public protocol DocumentPredicate: Sendable, Equatable {
    /// The `predicateType`: a URI with the major version in it.
    static var predicateType: String { get }
    /// The key that this document says it comes from. A document signed by another key is refused.
    var author: VerifyingKey { get }
    /// The predicate as a JSON object, members in the document's fixed order.
    var json: JSONValue { get }
    /// Reads the predicate; unknown members are refused.
    init(_ value: JSONValue, _ field: String) throws(ParseError)
}

/// What a statement is about: a name and the SHA-256 of its bytes.
public struct Subject: Sendable, Equatable {
    /// The name of the subject within the statement.
    public var name: String
    /// SHA-256 of the subject's bytes.
    public var digest: Digest

    /// Names a subject.
    public init(name: String, digest: Digest) {
        self.name = name
        self.digest = digest
    }
}

/// Why a document cannot be used.
public enum DocumentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It does not have the form that its format demands.
    case malformed(ParseError)
    /// It is well formed, and no signature in it is by the key that it must be by.
    case badSignature(expected: VerifyingKey)
    /// It names another author than the key that it was to be checked with.
    case foreignAuthor(expected: VerifyingKey, actual: VerifyingKey)
    /// The signing key could not be used.
    case key(KeyError)

    public var description: String {
        switch self {
        case .malformed(let error): error.description
        case .badSignature(let key): "signature: expected one by \(key), found none"
        case .foreignAuthor(let expected, let actual): "author: expected \(expected), found \(actual)"
        case .key(let error): error.description
        }
    }
}

/// A document whose form is right and whose signature has not been looked at.
///
/// For an auditor who wants to say everything that is wrong with a file; everybody else takes `Signed`.
public struct UnverifiedDocument<Predicate: DocumentPredicate>: Sendable, Equatable {
    /// What the document says.
    public let predicate: Predicate
    /// What it says it about.
    public let subjects: [Subject]
    /// The envelope around it.
    public let envelope: Envelope

    /// Reads a document.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        try self.init(try Envelope(parsing: bytes))
    }

    fileprivate init(_ envelope: Envelope) throws(ParseError) {
        guard envelope.payloadType == StatementType.payload else {
            throw ParseError(field: "payloadType", expected: StatementType.payload, actual: envelope.payloadType)
        }
        let statement = try Statement<Predicate>(try JSONValue(parsing: envelope.payload))
        predicate = statement.predicate
        subjects = statement.subjects
        self.envelope = envelope
    }

    /// SHA-256 of the signed payload: how other documents refer to this one.
    public var digest: Digest { SHA256.hash(envelope.payload) }

    /// Whether the author that the document names has signed it.
    public var isSignedByAuthor: Bool { envelope.isSigned(by: predicate.author) }
}

/// A document whose signature has been verified.
public struct Signed<Predicate: DocumentPredicate>: Sendable, Equatable {
    /// What the document says.
    public let predicate: Predicate
    /// What it says it about.
    public let subjects: [Subject]
    /// The key whose signature was verified; it is the predicate's author.
    public let signer: VerifyingKey
    /// The signed bytes.
    public let payload: [UInt8]
    /// The envelope's bytes, as they were read or made.
    public let envelope: [UInt8]
    /// SHA-256 of `payload`: how other documents refer to this one.
    ///
    /// Never of the envelope, whose base 64 and key hints can be written in several ways.
    public let digest: Digest

    /// Reads a document and verifies its signature.
    /// - Parameters:
    ///   - bytes: the DSSE envelope.
    ///   - key: whose signature is demanded; `nil` for the key that the predicate itself names.
    /// - Throws: `DocumentError`; a bad signature is never a `malformed`.
    public init(verifying bytes: [UInt8], key: VerifyingKey? = nil) throws(DocumentError) {
        let parsed: Envelope
        do throws(ParseError) {
            parsed = try Envelope(parsing: bytes)
        } catch {
            throw .malformed(error)
        }
        // With the key at hand nothing inside the payload is looked at before the signature holds.
        if let key, !parsed.isSigned(by: key) { throw .badSignature(expected: key) }
        let document: UnverifiedDocument<Predicate>
        do throws(ParseError) {
            document = try UnverifiedDocument(parsed)
        } catch {
            throw .malformed(error)
        }
        let author = document.predicate.author
        if let key {
            guard key == author else { throw .foreignAuthor(expected: key, actual: author) }
        } else {
            guard document.isSignedByAuthor else { throw .badSignature(expected: author) }
        }
        predicate = document.predicate
        subjects = document.subjects
        signer = author
        payload = parsed.payload
        envelope = bytes
        digest = document.digest
    }

    /// Signs a document.
    ///
    /// What was written is read back before it is returned, so that nothing is ever signed that a reader would refuse.
    /// - Throws: `DocumentError.foreignAuthor` when `key` is not the author that the predicate names.
    public static func sign(
        _ predicate: Predicate,
        subjects: [Subject],
        with key: SigningKey
    ) throws(DocumentError) -> Signed {
        let payload = Statement.json(predicate, subjects).serialized()
        let envelope: Envelope
        do throws(KeyError) {
            envelope = try Envelope.sign(payload, type: StatementType.payload, with: key)
        } catch {
            throw .key(error)
        }
        return try Signed(verifying: envelope.bytes, key: key.verifyingKey)
    }
}

/// An in-toto Statement v1, whatever it is encoded in.
struct Statement<Predicate: DocumentPredicate> {
    let predicate: Predicate
    let subjects: [Subject]

    /// Reads a statement; unknown members are refused.
    init(_ value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value)
        try reader.constant("_type", StatementType.statement)
        subjects = try reader.array("subject", max: 256) { (value, path) throws(ParseError) -> Subject in
            var entry = try JSONReader(value, path)
            let name = try entry.string("name", maxBytes: 256)
            var digests = try entry.object("digest")
            let digest = try digests.digest("sha256")
            try digests.finish()
            try entry.finish()
            return Subject(name: name, digest: digest)
        }
        try reader.constant("predicateType", Predicate.predicateType)
        predicate = try Predicate(try reader.value("predicate"), "predicate")
        try reader.finish()
    }

    /// The statement with its members in the fixed order.
    static func json(_ predicate: Predicate, _ subjects: [Subject]) -> JSONValue {
        .object([
            "_type": .string(StatementType.statement),
            "subject": .array(
                subjects.map { subject in
                    .object([
                        "name": .string(subject.name),
                        "digest": .object(["sha256": .string(subject.digest.hex)]),
                    ])
                }
            ),
            "predicateType": .string(Predicate.predicateType),
            "predicate": predicate.json,
        ])
    }
}

/// The fixed type names of in-toto statements in DSSE.
enum StatementType {
    static let payload = "application/vnd.in-toto+json"
    static let statement = "https://in-toto.io/Statement/v1"
}
