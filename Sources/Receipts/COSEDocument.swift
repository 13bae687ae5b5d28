// The second encoding of a signed document: the same statement as deterministic CBOR in a COSE_Sign1 structure (RFC 9052), for
// readers that have CBOR and no JSON. Whoever reads either gets the same predicate and the same digest.
public import Codecs
public import Commitments
public import Signatures

/// A document that was read from COSE_Sign1 and whose signature has been verified.
public struct COSEDocument<Predicate: DocumentPredicate>: Sendable, Equatable {
    /// What the document says.
    public let predicate: Predicate
    /// What it says it about.
    public let subjects: [Subject]
    /// The key whose signature was verified; it is the predicate's author.
    public let signer: VerifyingKey
    /// The COSE_Sign1 structure as it was read or made.
    public let bytes: [UInt8]
    /// The digest of the document in its first encoding: how other documents refer to this one.
    public let digest: Digest

    /// Signs a document.
    ///
    /// The protected header names the algorithm, the content type, the key's text as key identifier, and the CWT claims
    /// issuer (the author) and subject (RFC 9597, as RFC 9943 §5.1 demands); the unprotected header is empty.
    /// - Throws: `DocumentError.foreignAuthor` when `key` is not the author that the predicate names.
    public static func sign(
        _ predicate: Predicate,
        subjects: [Subject],
        with key: SigningKey
    ) throws(DocumentError) -> COSEDocument {
        guard key.verifyingKey == predicate.author else {
            throw .foreignAuthor(expected: key.verifyingKey, actual: predicate.author)
        }
        let payload: [UInt8]
        do throws(ParseError) {
            payload = try CBORValue(Statement.json(predicate, subjects)).encoded()
        } catch {
            throw .malformed(error)
        }
        let bytes: [UInt8]
        do throws(KeyError) {
            bytes = try COSESign1.sign(payload, headers: COSEHeader.pairs(predicate.author, subjects), with: key)
        } catch {
            throw .key(error)
        }
        return try COSEDocument(verifying: bytes, key: key.verifyingKey)
    }

    /// Reads a document and verifies its signature.
    ///
    /// Refused: CBOR that is not deterministic, a structure without tag 18 or with a detached payload, another content type,
    /// issuer or subject than the statement's. The unprotected header is not looked at: it may carry log receipts.
    /// - Parameter key: whose signature is demanded; `nil` for the key that the predicate itself names.
    /// - Throws: `DocumentError`; a bad signature is never a `malformed`.
    public init(verifying bytes: [UInt8], key: VerifyingKey? = nil) throws(DocumentError) {
        let parsed: COSEForm
        do throws(ParseError) {
            parsed = try COSEForm(bytes)
        } catch {
            throw .malformed(error)
        }
        // With the key at hand nothing inside the payload is looked at before the signature holds.
        if let key, !parsed.message.isSigned(by: key) { throw .badSignature(expected: key) }
        let statement: Statement<Predicate>
        do throws(ParseError) {
            statement = try Statement(parsed.statement())
            try COSEHeader.check(parsed.message, author: statement.predicate.author, subjects: statement.subjects)
        } catch {
            throw .malformed(error)
        }
        let author = statement.predicate.author
        if let key {
            guard key == author else { throw .foreignAuthor(expected: key, actual: author) }
        } else {
            guard parsed.message.isSigned(by: author) else { throw .badSignature(expected: author) }
        }
        predicate = statement.predicate
        subjects = statement.subjects
        signer = author
        self.bytes = bytes
        digest = SHA256.hash(Statement.json(statement.predicate, statement.subjects).serialized())
    }
}

/// What any document in COSE says, without a look at its signature.
public enum COSEStatement {
    /// The content type in the protected header.
    public static let contentType = "application/vnd.assay.statement+cbor"
    /// The most bytes of a structure.
    public static let maxBytes = 4 << 20

    /// The statement of a COSE_Sign1 structure as JSON. Nothing has been verified.
    public static func json(parsing bytes: [UInt8]) throws(ParseError) -> JSONValue {
        try COSEForm(bytes).statement()
    }
}

/// A structure whose form is right.
private struct COSEForm {
    static let rules = CBORRules(isDeterministic: true, bytes: COSEStatement.maxBytes, depth: 16)
    let message: COSESign1

    init(_ bytes: [UInt8]) throws(ParseError) {
        // A log may add its receipts to the unprotected header, so that only the signed parts have to be deterministic.
        let rules = CBORRules(isDeterministic: false, bytes: COSEStatement.maxBytes, depth: 16)
        message = try COSESign1(parsing: bytes[...], tag: .required, rules)
        _ = try CBORItem(parsing: message.protectedBytes, Self.rules)
        guard message.protectedHeader[3]?.text == COSEStatement.contentType else {
            throw ParseError(
                field: "cose.protected.contentType",
                expected: COSEStatement.contentType,
                actual: message.protectedHeader[3]?.text ?? "none"
            )
        }
    }

    func statement() throws(ParseError) -> JSONValue {
        guard let payload = message.payload else {
            throw ParseError(field: "cose.payload", expected: "a payload", actual: "none")
        }
        return try JSONValue(try CBORItem(parsing: payload, Self.rules))
    }
}

/// What the protected header says besides the algorithm.
private enum COSEHeader {
    private static let contentType: Int64 = 3
    private static let keyID: Int64 = 4
    private static let claims: Int64 = 15
    private static let issuer: Int64 = 1
    private static let subject: Int64 = 2

    static func pairs(_ author: VerifyingKey, _ subjects: [Subject]) -> [CBORValue.Pair] {
        [
            CBORValue.Pair(.integer(contentType), .text(COSEStatement.contentType)),
            CBORValue.Pair(.integer(keyID), .bytes(Array(author.text.utf8))),
            CBORValue.Pair(
                .integer(claims),
                .labelled([issuer: .text(author.text), subject: .text(subjectText(subjects))])
            ),
        ]
    }

    static func check(_ message: COSESign1, author: VerifyingKey, subjects: [Subject]) throws(ParseError) {
        let claims = message.protectedHeader[claims]
        for (name, label, expected) in [("iss", issuer, author.text), ("sub", subject, subjectText(subjects))] {
            let actual = claims?[label]?.text
            guard actual == expected else {
                throw ParseError(field: "cose.protected.\(name)", expected: expected, actual: actual ?? "none")
            }
        }
    }

    /// The first subject's digest: what the statement is about in one string.
    private static func subjectText(_ subjects: [Subject]) -> String {
        subjects.first.map { "sha256:" + $0.digest.hex } ?? "none"
    }
}
