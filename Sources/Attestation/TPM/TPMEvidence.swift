// The wrappings in which TPM quotes travel: the JSON of the confidential containers guest components, and the
// `attest.Attestation` message of go-tpm-tools (proto/attest.proto, proto/tpm.proto).
public import Codecs

/// TPM evidence: an attestation key and one quote per bank. Nothing about it has been verified yet.
public struct TPMEvidence: Sendable {
    /// One quote with its signature and the registers that it covers.
    public struct Part: Sendable {
        /// The quote.
        public let quote: TPMQuote
        /// Its signature.
        public let signature: TPMSignature
        /// The registers that came along.
        public let values: PCRValues
    }

    /// The quotes; all by the same key.
    public let parts: [Part]
    /// The attestation key.
    public let key: PublicKey
    /// The key's public area, when the evidence has it; only it says what the key may sign.
    public let publicArea: TPMPublic?
    /// The attestation key's certificate and its issuers, in DER, when they came along.
    public let certificates: [[UInt8]]
    /// The event log that came along. It is believed only as far as it replays to quoted registers.
    public let eventLog: [UInt8]?

    /// The most bytes of evidence.
    public static let maximumBytes = 20 << 20

    /// Whether `bytes` look like one of the wrappings.
    static func isRecognised(_ bytes: [UInt8]) -> Bool {
        if Self.isObject(bytes) {
            let text = bytes.prefix(16 << 10)
            return contains("\"ak_public\"", in: text) && contains("\"tpm_quote\"", in: bytes[...].prefix(64 << 10))
        }
        // Field 1, a length, and TPMT_PUBLIC of an RSA or ECC key named by SHA-256.
        guard bytes.first == 0x0a else { return false }
        let area = bytes.dropFirst(bytes.dropFirst().first.map { $0 >= 0x80 } ?? false ? 3 : 2)
        return area.starts(with: [0x00, 0x01, 0x00, 0x0b]) || area.starts(with: [0x00, 0x23, 0x00, 0x0b])
    }

    /// Whether `bytes` begin like a JSON object.
    static func isObject(_ bytes: [UInt8]) -> Bool {
        bytes.first { $0 != 0x20 && $0 != 0x0a && $0 != 0x0d && $0 != 0x09 } == UInt8(ascii: "{")
    }

    /// Whether the UTF-8 bytes of `wanted` occur in `bytes`.
    static func contains(_ wanted: String, in bytes: ArraySlice<UInt8>) -> Bool {
        let pattern = Array(wanted.utf8)
        guard let first = pattern.first else { return true }
        var rest = bytes
        while let start = rest.firstIndex(of: first) {
            if rest[start...].starts(with: pattern) { return true }
            rest = rest[(start + 1)...]
        }
        return false
    }

    /// Reads evidence in either wrapping.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        guard bytes.count <= Self.maximumBytes else {
            throw ParseError(field: "tpm", expected: "at most \(Self.maximumBytes) bytes", actual: "\(bytes.count)")
        }
        if Self.isObject(bytes) {
            try self.init(
                json: try JSONValue(parsing: bytes, limits: JSONLimits(bytes: 1 << 20, depth: 8, values: 4096))
            )
        } else {
            try self.init(protobuf: bytes[...])
        }
    }

    /// Reads `{"ak_public": BASE64 SPKI, "tpm_quote": {"message", "signature": BASE64, "pcrs": [HEX…]}}`; the registers
    /// are of the SHA-256 bank.
    private init(json value: JSONValue) throws(ParseError) {
        var json = try JSONReader(value)
        let der = try Base64.decode(try json.string("ak_public"), field: "ak_public")
        key = try PublicKey(subjectPublicKeyInfo: der[...], field: "ak_public")
        var tpm = try json.object("tpm_quote")
        let message = try Base64.decode(try tpm.string("message"), field: tpm.path("message"))
        let signature = try Base64.decode(try tpm.string("signature"), field: tpm.path("signature"))
        let registers = try tpm.array("pcrs", max: 24) { (value, path) throws(ParseError) -> [UInt8] in
            guard case .string(let text) = value else {
                throw ParseError(field: path, expected: "a string", actual: value.typeName)
            }
            return try Hex.decode(text, count: 32, field: path)
        }
        try tpm.finish()
        try json.finish()
        parts = [
            Part(
                quote: try TPMQuote(parsing: message),
                signature: try TPMSignature(parsing: signature),
                values: try PCRValues(registers, bank: .sha256, field: tpm.path("pcrs"))
            )
        ]
        publicArea = nil
        certificates = []
        eventLog = nil
    }

    /// Reads an `attest.Attestation` message. Fields that say something about other evidence (instance info, TEE reports)
    /// are skipped: they are not what the TPM signed.
    private init(protobuf bytes: ArraySlice<UInt8>) throws(ParseError) {
        var area: TPMPublic?
        var parts: [Part] = []
        var log: [UInt8]?
        var leaf: [UInt8]?
        var issuers: [[UInt8]] = []
        for field in try Protobuf.fields(bytes, max: 64, field: "attestation") {
            switch field.number {
            case 1:
                try Self.requireFirst(area == nil, "attestation.ak_pub")
                area = try TPMPublic(parsing: Array(try field.bytes("attestation.ak_pub")))
            case 2:
                guard parts.count < 8 else {
                    throw ParseError(field: "attestation.quotes", expected: "at most 8", actual: "more")
                }
                parts.append(try Self.part(try field.bytes("attestation.quotes"), "attestation.quotes[\(parts.count)]"))
            case 3:
                try Self.requireFirst(log == nil, "attestation.event_log")
                log = Array(try field.bytes("attestation.event_log"))
            case 5:
                try Self.requireFirst(leaf == nil, "attestation.ak_cert")
                leaf = Array(try field.bytes("attestation.ak_cert"))
            case 6:
                guard issuers.count < 6 else {
                    throw ParseError(field: "attestation.intermediate_certs", expected: "at most 6", actual: "more")
                }
                issuers.append(Array(try field.bytes("attestation.intermediate_certs")))
            default: break
            }
        }
        guard let area else {
            throw ParseError(field: "attestation.ak_pub", expected: "a public area", actual: "nothing")
        }
        guard !parts.isEmpty else {
            throw ParseError(field: "attestation.quotes", expected: "at least one quote", actual: "none")
        }
        key = try PublicKey(tpm: area, field: "attestation.ak_pub")
        publicArea = area
        self.parts = parts
        certificates = leaf.map { [$0] + issuers } ?? []
        eventLog = log
    }

    private static func requireFirst(_ isFirst: Bool, _ field: String) throws(ParseError) {
        guard isFirst else { throw ParseError(field: field, expected: "one value", actual: "another one") }
    }

    /// A `tpm.Quote` message: quote, signature, registers.
    private static func part(_ bytes: ArraySlice<UInt8>, _ path: String) throws(ParseError) -> Part {
        var message: [UInt8]?
        var signature: [UInt8]?
        var registers: PCRValues?
        for field in try Protobuf.fields(bytes, max: 16, field: path) {
            switch field.number {
            case 1:
                try requireFirst(message == nil, path + ".quote")
                message = Array(try field.bytes(path + ".quote"))
            case 2:
                try requireFirst(signature == nil, path + ".raw_sig")
                signature = Array(try field.bytes(path + ".raw_sig"))
            case 3:
                try requireFirst(registers == nil, path + ".pcrs")
                registers = try values(try field.bytes(path + ".pcrs"), path + ".pcrs")
            default: throw ParseError(field: path, expected: "fields 1 to 3", actual: "field \(field.number)")
            }
        }
        guard let message, let signature, let registers else {
            throw ParseError(field: path, expected: "a quote, a signature and registers", actual: "one is missing")
        }
        do throws(ParseError) {
            return Part(
                quote: try TPMQuote(parsing: message),
                signature: try TPMSignature(parsing: signature),
                values: registers
            )
        } catch {
            throw error.within(path)
        }
    }

    /// A `tpm.PCRs` message: a bank, and a map from register to digest.
    private static func values(_ bytes: ArraySlice<UInt8>, _ path: String) throws(ParseError) -> PCRValues {
        var bank: HashAlgorithm?
        var entries: [ArraySlice<UInt8>] = []
        for field in try Protobuf.fields(bytes, max: 40, field: path) {
            switch field.number {
            case 1:
                try requireFirst(bank == nil, path + ".hash")
                let number = try field.varint(path + ".hash")
                bank = UInt16(exactly: number).flatMap { HashAlgorithm(tcg: $0) }
                guard bank != nil else {
                    throw ParseError(field: path + ".hash", expected: "a known bank", actual: "\(number)")
                }
            case 2: entries.append(try field.bytes(path + ".pcrs"))
            default: throw ParseError(field: path, expected: "fields 1 and 2", actual: "field \(field.number)")
            }
        }
        guard let bank else {
            throw ParseError(field: path + ".hash", expected: "a bank", actual: "nothing")
        }
        var registers: [Int: [UInt8]] = [:]
        for entry in entries {
            // A missing key is the default, register 0.
            var key: UInt64?
            var value: ArraySlice<UInt8>?
            for field in try Protobuf.fields(entry, max: 2, field: path) {
                switch field.number {
                case 1:
                    try requireFirst(key == nil, path + ".key")
                    key = try field.varint(path)
                case 2:
                    try requireFirst(value == nil, path + ".value")
                    value = try field.bytes(path)
                default: throw ParseError(field: path, expected: "fields 1 and 2", actual: "field \(field.number)")
                }
            }
            let index = key ?? 0
            guard index < 32, let digest = value, digest.count == bank.digestCount else {
                let actual = "register \(index), \(value?.count ?? 0) bytes"
                throw ParseError(field: path, expected: "a register and its digest", actual: actual)
            }
            guard registers.updateValue(Array(digest), forKey: Int(index)) == nil else {
                throw ParseError(field: path, expected: "each register once", actual: "register \(index) twice")
            }
        }
        return PCRValues(banks: [bank.tcgIdentifier: registers])
    }
}
