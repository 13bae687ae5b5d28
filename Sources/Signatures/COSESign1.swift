// COSE_Sign1 (RFC 9052 §4.2): the signed form of Nitro documents, Arm and PSA tokens, and CBOR receipts.
// What is signed are the protected header and the payload as they came, never a re-encoding of them.
public import Codecs

/// A signature algorithm of COSE (RFC 9053 §2, RFC 8230 §2).
public enum COSEAlgorithm: Int64, Sendable, CaseIterable, CustomStringConvertible {
    /// ECDSA with SHA-256; in Assay always on P-256.
    case es256 = -7
    /// ECDSA with SHA-384; in Assay always on P-384.
    case es384 = -35
    /// ECDSA with SHA-512; in Assay always on P-521.
    case es512 = -36
    /// Ed25519.
    case edDSA = -8
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes.
    case ps256 = -37

    /// The name in the IANA registry.
    public var description: String {
        switch self {
        case .es256: "ES256"
        case .es384: "ES384"
        case .es512: "ES512"
        case .edDSA: "EdDSA"
        case .ps256: "PS256"
        }
    }
}

/// Whether the CBOR tag of a structure has to be there.
public enum COSETagRule: Sendable {
    /// The tag must stand in front.
    case required
    /// No tag may stand in front.
    case forbidden
    /// Both forms are taken.
    case optional
}

/// A parsed COSE_Sign1 structure. Nothing about it has been verified yet.
public struct COSESign1: Sendable {
    /// The CBOR tag of COSE_Sign1 (RFC 9052 §2).
    public static let tag: UInt64 = 18

    /// Whether the tag 18 stood in front.
    public let isTagged: Bool
    /// The content of the protected header's byte string, as it was signed.
    public let protectedBytes: ArraySlice<UInt8>
    /// The protected header map; an empty one when `protectedBytes` is empty.
    public let protectedHeader: CBORItem
    /// The unprotected header map: unsigned, so nothing in it may decide anything.
    public let unprotectedHeader: CBORItem
    /// The payload; `nil` when it is detached.
    public let payload: ArraySlice<UInt8>?
    /// The signature in COSE's own form: for ECDSA r ‖ s, each as wide as the field (RFC 9053 §2.1).
    public let signature: ArraySlice<UInt8>

    /// Reads a COSE_Sign1 structure that fills `bytes` exactly.
    ///
    /// Refused besides malformed CBOR: a label in both headers, and a `crit` header, because Assay implements none of the
    /// extensions it could name (RFC 9052 §3.1).
    public init(
        parsing bytes: ArraySlice<UInt8>,
        tag rule: COSETagRule = .optional,
        _ rules: CBORRules = .tolerant
    ) throws(ParseError) {
        try self.init(try CBORItem(parsing: bytes, rules), tag: rule, rules)
    }

    /// Takes a COSE_Sign1 structure out of a larger CBOR item.
    public init(
        _ item: CBORItem,
        tag rule: COSETagRule = .optional,
        _ rules: CBORRules = .tolerant,
        field: String = "cose"
    ) throws(ParseError) {
        var body = item
        if case .tagged(let number, let inner) = item.content {
            guard number == Self.tag, rule != .forbidden else {
                let expected = rule == .forbidden ? "no tag" : "tag \(Self.tag)"
                throw ParseError(field: field, expected: expected, actual: item.typeName)
            }
            body = inner
            isTagged = true
        } else {
            guard rule != .required else {
                throw ParseError(field: field, expected: "tag \(Self.tag)", actual: item.typeName)
            }
            isTagged = false
        }
        let parts = try body.elements(max: 4, field)
        guard parts.count == 4 else {
            throw ParseError(field: field, expected: "4 elements", actual: "\(parts.count)")
        }
        protectedBytes = try parts[0].byteString(0...4096, field + ".protected")
        if protectedBytes.isEmpty {
            protectedHeader = try CBORItem(parsing: [0xa0])
        } else {
            do throws(ParseError) {
                protectedHeader = try CBORItem(parsing: protectedBytes, rules)
            } catch {
                throw error.within(field + ".protected")
            }
        }
        unprotectedHeader = parts[1]
        let signed = try protectedHeader.entries(max: 32, field + ".protected")
        let unsigned = try unprotectedHeader.entries(max: 32, field + ".unprotected")
        let labels = Set(signed.map { $0.key.value.encoded() })
        guard !unsigned.contains(where: { labels.contains($0.key.value.encoded()) }) else {
            throw ParseError(field: field + ".unprotected", expected: "each label in one header", actual: "in both")
        }
        guard protectedHeader[2] == nil, unprotectedHeader[2] == nil else {
            throw ParseError(field: field + ".protected.crit", expected: "no critical extension", actual: "some")
        }
        payload = parts[2].isNull ? nil : try parts[2].byteString(0...Int.max, field + ".payload")
        signature = try parts[3].byteString(1...1024, field + ".signature")
    }

    /// The algorithm that the protected header names; `nil` when it names none or one that Assay does not implement.
    public var algorithm: COSEAlgorithm? {
        protectedHeader[1]?.integer.flatMap(COSEAlgorithm.init(rawValue:))
    }

    /// What the protected header says about the algorithm, for a check line.
    public var algorithmText: String {
        guard let item = protectedHeader[1] else { return "no protected algorithm" }
        return algorithm?.description ?? item.integer.map { "algorithm \($0)" } ?? item.text ?? item.typeName
    }

    /// The bytes that the signature is over: Sig_structure of RFC 9052 §4.4 with context `Signature1`.
    /// - Parameters:
    ///   - detached: the payload when it is not in the structure; ignored otherwise.
    ///   - externalAAD: data that both sides know and that is signed with the rest.
    /// - Returns: `nil` when there is no payload at all.
    public func signedBytes(detached: [UInt8]? = nil, externalAAD: [UInt8] = []) -> [UInt8]? {
        guard let content = payload ?? detached?[...] else { return nil }
        return Self.signedBytes(protected: protectedBytes, payload: content, externalAAD: externalAAD[...])
    }

    /// Sig_structure of RFC 9052 §4.4 for given parts; what a signer signs.
    public static func signedBytes(
        protected: ArraySlice<UInt8>,
        payload: ArraySlice<UInt8>,
        externalAAD: ArraySlice<UInt8> = []
    ) -> [UInt8] {
        CBORValue.array([
            .text("Signature1"), .bytes(Array(protected)), .bytes(Array(externalAAD)), .bytes(Array(payload)),
        ]).encoded()
    }
}
