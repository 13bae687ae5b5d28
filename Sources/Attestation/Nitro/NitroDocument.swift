// The layout of an AWS Nitro Enclaves attestation document (aws-nitro-enclaves-nsm-api, docs/attestation_process.md §3):
// an untagged COSE_Sign1 structure whose payload is a CBOR map.
public import Codecs
public import Signatures

/// The payload of an attestation document of the Nitro Security Module. Nothing about it has been verified yet.
public struct NitroDocument: Sendable {
    /// The signed structure that the payload came in.
    public let cose: COSESign1
    /// The enclave's id: the instance id, `-enc` and a number.
    public let moduleID: String
    /// Milliseconds since 1970-01-01T00:00:00Z at which the document was made, by the hypervisor's clock.
    public let timestampMilliseconds: UInt64
    /// The locked platform configuration registers by index, 48 bytes each (SHA-384).
    public let pcrs: [Int: [UInt8]]
    /// The DER certificate of the key that signed the document; it lives about three hours.
    public let certificate: [UInt8]
    /// DER certificates from the root (first) down to the issuer of `certificate` (last).
    public let cabundle: [[UInt8]]
    /// What the enclave put in; `nil` when it was null. Empty and null are both seen and mean the same.
    public let publicKey: [UInt8]?
    /// What the enclave put in.
    public let userData: [UInt8]?
    /// What the enclave put in, usually a challenge of the relying party.
    public let nonce: [UInt8]?

    /// The most bytes that a document may have.
    public static let maximumBytes = 32 << 10

    /// Reads a document.
    /// - Throws: `ParseError` for everything that breaks the syntactic rules of §3.2.1 of the format document, and for
    ///   payload fields it does not know.
    public init(parsing bytes: ArraySlice<UInt8>) throws(ParseError) {
        guard bytes.count <= Self.maximumBytes else {
            throw ParseError(field: "nitro", expected: "at most \(Self.maximumBytes) bytes", actual: "\(bytes.count)")
        }
        let cose = try COSESign1(parsing: bytes, tag: .optional)
        guard let payload = cose.payload else {
            throw ParseError(field: "nitro.payload", expected: "a payload", actual: "a detached one")
        }
        let map: CBORItem
        do throws(ParseError) { map = try CBORItem(parsing: payload, .tolerant) } catch {
            throw error.within("nitro.payload")
        }
        let known: Set<String> = [
            "module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle", "public_key", "user_data", "nonce",
        ]
        for entry in try map.entries(max: known.count, "nitro.payload") {
            guard let name = entry.key.text, known.contains(name) else {
                let actual = entry.key.text ?? entry.key.typeName
                throw ParseError(field: "nitro.payload", expected: "a known field", actual: actual)
            }
        }
        func required(_ name: String) throws(ParseError) -> CBORItem {
            guard let item = map[name] else {
                throw ParseError(field: "nitro." + name, expected: "a value", actual: "nothing")
            }
            return item
        }
        func optionalBytes(_ name: String, max: Int) throws(ParseError) -> [UInt8]? {
            guard let item = map[name], !item.isNull else { return nil }
            return Array(try item.byteString(0...max, "nitro." + name))
        }

        moduleID = try required("module_id").textString(maxBytes: 256, "nitro.module_id")
        guard !moduleID.isEmpty else {
            throw ParseError(field: "nitro.module_id", expected: "an id", actual: "empty text")
        }
        let digest = try required("digest").textString(maxBytes: 16, "nitro.digest")
        guard digest == "SHA384" else {
            throw ParseError(field: "nitro.digest", expected: "SHA384", actual: digest)
        }
        let milliseconds = try required("timestamp").integer(in: 1...253_402_300_799_999, "nitro.timestamp")
        timestampMilliseconds = UInt64(milliseconds)
        let registers = try required("pcrs").entries(max: 32, "nitro.pcrs")
        guard !registers.isEmpty else {
            throw ParseError(field: "nitro.pcrs", expected: "at least one register", actual: "none")
        }
        var pcrs: [Int: [UInt8]] = [:]
        for register in registers {
            let index = Int(try register.key.integer(in: 0...31, "nitro.pcrs"))
            pcrs[index] = Array(try register.value.byteString(48...48, "nitro.pcrs[\(index)]"))
        }
        self.pcrs = pcrs
        certificate = Array(try required("certificate").byteString(1...1024, "nitro.certificate"))
        var bundle: [[UInt8]] = []
        for (index, item) in try required("cabundle").elements(max: 8, "nitro.cabundle").enumerated() {
            bundle.append(Array(try item.byteString(1...1024, "nitro.cabundle[\(index)]")))
        }
        guard !bundle.isEmpty else {
            throw ParseError(field: "nitro.cabundle", expected: "at least one certificate", actual: "none")
        }
        cabundle = bundle
        publicKey = try optionalBytes("public_key", max: 1024)
        userData = try optionalBytes("user_data", max: 512)
        nonce = try optionalBytes("nonce", max: 512)
        self.cose = cose
    }

    /// Whether the enclave runs in debug mode: then PCR0 to PCR2, which measure its image, are all zero (or missing).
    public var isDebug: Bool { unmeasured.count == Self.imageRegisters.count }

    /// The registers that measure the image.
    public static let imageRegisters = [0, 1, 2]
    /// The image registers that are zero or missing: they measure nothing. A real enclave has none or all of them.
    public var unmeasured: [Int] {
        Self.imageRegisters.filter { index in pcrs[index]?.allSatisfy { $0 == 0 } ?? true }
    }
}
