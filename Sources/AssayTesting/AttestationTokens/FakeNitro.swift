// A fake Nitro Security Module: well-formed and faulty attestation documents under a test root.
internal import Attestation
public import Codecs
public import Signatures

/// Signs COSE_Sign1 structures.
public enum FakeCOSE {
    /// A COSE_Sign1 structure over `payload`.
    /// - Parameters:
    ///   - algorithm: what the protected header says, whatever the key is.
    ///   - tag: the CBOR tag in front, if any.
    ///   - unprotected: the header that nothing signs.
    public static func sign1(
        payload: [UInt8],
        key: TestKey,
        algorithm: COSEAlgorithm? = nil,
        tag: UInt64? = COSESign1.tag,
        unprotected: CBORValue = .map([])
    ) -> CBORValue {
        let named = algorithm ?? key.publicKey.coseAlgorithm ?? .es256
        let protected = CBORValue.labelled([1: .integer(named.rawValue)]).encoded()
        let message = COSESign1.signedBytes(protected: protected[...], payload: payload[...])
        let body = CBORValue.array([.bytes(protected), unprotected, .bytes(payload), .bytes(key.sign(message))])
        return tag.map { .tagged($0, body) } ?? body
    }
}

/// A fake Nitro Security Module with its own chain: root, intermediate, leaf.
public struct FakeNitro: Sendable {
    /// The root to pin.
    public let root: TestIdentity
    /// The authority that issues leaves.
    public let intermediate: TestIdentity
    /// The key that signs documents.
    public let leaf: TestIdentity
    /// What the payload says; change it at will.
    public var fields: [(String, CBORValue)]
    /// The time in the document.
    public let time: Timestamp

    /// A module whose leaf lives three hours around `time`.
    public init(time: Timestamp) {
        root = TestIdentity.root(TestCertificateForm(name: "Test Nitro root"))
        intermediate = root.issue(TestCertificateForm(name: "Test Nitro zone", serial: 2, isAuthority: true))
        leaf = intermediate.issue(
            TestCertificateForm(
                name: "i-0-enc0",
                serial: 3,
                notBefore: time.adding(seconds: -3),
                notAfter: time.adding(seconds: 10_800)
            )
        )
        self.time = time
        fields = [
            ("module_id", .text("i-0123456789abcdef0-enc0123456789abcdef")),
            ("digest", .text("SHA384")),
            ("timestamp", .unsigned(UInt64(time.seconds) * 1000)),
            (
                "pcrs",
                .map(
                    (0..<16).map {
                        .init(.unsigned(UInt64($0)), .bytes([UInt8](repeating: UInt8($0) &+ 1, count: 48)))
                    }
                )
            ),
            ("certificate", .bytes(leaf.certificate.der)),
            ("cabundle", .array([.bytes(root.certificate.der), .bytes(intermediate.certificate.der)])),
            ("public_key", .null),
            ("user_data", .null),
            ("nonce", .null),
        ]
    }

    /// Sets or adds a field; `nil` takes it away.
    public mutating func set(_ name: String, _ value: CBORValue?) {
        if let index = fields.firstIndex(where: { $0.0 == name }) {
            if let value { fields[index].1 = value } else { fields.remove(at: index) }
        } else if let value {
            fields.append((name, value))
        }
    }

    /// The payload in the order of the fields, which is not the deterministic one: neither is a real module's.
    public var payload: [UInt8] {
        var bytes: [UInt8] = [0xa0 | UInt8(fields.count)]
        for (name, value) in fields { bytes += CBORValue.text(name).encoded() + value.encoded() }
        return bytes
    }

    /// The signed document.
    public func document(payload: [UInt8]? = nil, key: TestKey? = nil, algorithm: COSEAlgorithm? = nil) -> [UInt8] {
        FakeCOSE.sign1(payload: payload ?? self.payload, key: key ?? leaf.key, algorithm: algorithm, tag: nil).encoded()
    }
}
