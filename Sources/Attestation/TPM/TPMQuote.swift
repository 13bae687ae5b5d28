// The layout of a TPM 2.0 quote (TCG TPM 2.0 Library, Part 2 "Structures"): TPMS_ATTEST with TPMS_QUOTE_INFO, big-endian.
public import Codecs

/// Which registers of one bank a quote covers (TPMS_PCR_SELECTION, Part 2 §10.6.2).
public struct PCRSelection: Sendable, Equatable {
    /// The TCG algorithm id of the bank: 0x0004 SHA-1, 0x000b SHA-256, 0x000c SHA-384, 0x000d SHA-512.
    public var bank: UInt16
    /// The selected registers in ascending order, which is also the order of their concatenation.
    public var registers: [Int]

    /// Selects `registers` of `bank`.
    public init(bank: UInt16, registers: [Int]) {
        self.bank = bank
        self.registers = registers
    }
}

/// A parsed TPMS_ATTEST structure of type TPM_ST_ATTEST_QUOTE. Nothing about it has been verified yet.
public struct TPMQuote: Sendable {
    /// TPM_GENERATED_VALUE, `0xff` and "TCG": a TPM puts it first only in what it made itself (Part 2 §6.2).
    public static let magic: UInt32 = 0xff54_4347
    /// TPM_ST_ATTEST_QUOTE (Part 2 §6.9).
    public static let quoteTag: UInt16 = 0x8018

    /// Exactly the bytes that were signed.
    public let signedBytes: [UInt8]
    /// The qualified name of the signing key.
    public let qualifiedSigner: [UInt8]
    /// The caller's qualifying data: the nonce.
    public let extraData: [UInt8]
    /// Milliseconds that the TPM has been powered since its clock was last cleared.
    public let clock: UInt64
    /// TPM resets since TPM2_Clear.
    public let resetCount: UInt32
    /// TPM restarts and resumes since the last reset.
    public let restartCount: UInt32
    /// Whether no clock value greater than `clock` was reported before.
    public let isClockSafe: Bool
    /// The vendor's firmware version.
    public let firmwareVersion: UInt64
    /// The covered registers, in the order in which they were hashed.
    public let selections: [PCRSelection]
    /// The digest over the covered registers, by the hash of the signing scheme.
    public let pcrDigest: [UInt8]

    /// Reads TPMS_ATTEST (Part 2 §10.12.12) and refuses every other type of attestation than a quote.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        var reader = ByteReader(bytes)
        let magic = try reader.readBigEndian(UInt32.self, "tpm.magic")
        guard magic == Self.magic else {
            throw ParseError(
                field: "tpm.magic",
                expected: "ff544347",
                actual: String(magic, radix: 16),
                offset: 0
            )
        }
        let type = try reader.readBigEndian(UInt16.self, "tpm.type")
        guard type == Self.quoteTag else {
            throw ParseError(field: "tpm.type", expected: "8018 (quote)", actual: String(type, radix: 16), offset: 4)
        }
        qualifiedSigner = try Self.sized(&reader, 2...66, "tpm.qualifiedSigner")
        extraData = try Self.sized(&reader, 0...66, "tpm.extraData")
        clock = try reader.readBigEndian(UInt64.self, "tpm.clockInfo.clock")
        resetCount = try reader.readBigEndian(UInt32.self, "tpm.clockInfo.resetCount")
        restartCount = try reader.readBigEndian(UInt32.self, "tpm.clockInfo.restartCount")
        let safe = try reader.readByte("tpm.clockInfo.safe")
        guard safe <= 1 else {
            throw ParseError(field: "tpm.clockInfo.safe", expected: "0 or 1", actual: "\(safe)")
        }
        isClockSafe = safe == 1
        firmwareVersion = try reader.readBigEndian(UInt64.self, "tpm.firmwareVersion")
        selections = try Self.selections(&reader)
        pcrDigest = try Self.sized(&reader, 20...64, "tpm.pcrDigest")
        try reader.finish("tpm")
        signedBytes = bytes
    }

    /// A TPM2B structure: a 16-bit size within `sizes` and that many bytes.
    static func sized(
        _ reader: inout ByteReader,
        _ sizes: ClosedRange<Int>,
        _ field: String
    ) throws(ParseError) -> [UInt8] {
        let size = Int(try reader.readBigEndian(UInt16.self, field))
        guard sizes.contains(size) else {
            let expected = "\(sizes.lowerBound) to \(sizes.upperBound) bytes"
            throw ParseError(field: field, expected: expected, actual: "\(size)", offset: reader.offset)
        }
        return Array(try reader.read(size, field))
    }

    private static func selections(_ reader: inout ByteReader) throws(ParseError) -> [PCRSelection] {
        let count = try reader.readBigEndian(UInt32.self, "tpm.pcrSelect.count")
        guard (1...16).contains(count) else {
            throw ParseError(field: "tpm.pcrSelect.count", expected: "1 to 16", actual: "\(count)")
        }
        var selections: [PCRSelection] = []
        for _ in 0..<count {
            let bank = try reader.readBigEndian(UInt16.self, "tpm.pcrSelect.hash")
            let size = Int(try reader.readByte("tpm.pcrSelect.sizeofSelect"))
            guard (1...4).contains(size) else {
                throw ParseError(field: "tpm.pcrSelect.sizeofSelect", expected: "1 to 4", actual: "\(size)")
            }
            let bits = try reader.read(size, "tpm.pcrSelect")
            var registers: [Int] = []
            for (index, byte) in bits.enumerated() {
                for bit in 0..<8 where byte >> bit & 1 == 1 { registers.append(8 * index + bit) }
            }
            // The same bank twice would leave it open which registers a digest covers.
            guard !selections.contains(where: { $0.bank == bank }) else {
                throw ParseError(field: "tpm.pcrSelect.hash", expected: "each bank once", actual: "bank \(bank) twice")
            }
            selections.append(PCRSelection(bank: bank, registers: registers))
        }
        return selections
    }
}

/// A TPM signature: algorithm, hash and value (TPMT_SIGNATURE, Part 2 §11.3.4), or the bare value that Azure hands out.
public struct TPMSignature: Sendable, Equatable {
    /// The signature schemes that attestation keys use.
    public enum Scheme: UInt16, Sendable {
        /// RSASSA-PKCS1-v1_5.
        case rsassa = 0x0014
        /// RSASSA-PSS.
        case rsapss = 0x0016
        /// ECDSA.
        case ecdsa = 0x0018
    }

    /// The scheme.
    public let scheme: Scheme
    /// The TCG algorithm id of the message hash.
    public let hash: UInt16
    /// The RSA signature, or r ‖ s with both halves padded to the same even width.
    public let value: [UInt8]

    /// Reads TPMT_SIGNATURE.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        var reader = ByteReader(bytes)
        let number = try reader.readBigEndian(UInt16.self, "tpm.signature.sigAlg")
        guard let scheme = Scheme(rawValue: number) else {
            let actual = String(number, radix: 16)
            throw ParseError(field: "tpm.signature.sigAlg", expected: "RSASSA, RSAPSS or ECDSA", actual: actual)
        }
        hash = try reader.readBigEndian(UInt16.self, "tpm.signature.hash")
        switch scheme {
        case .rsassa, .rsapss:
            value = try TPMQuote.sized(&reader, 256...512, "tpm.signature.sig")
        case .ecdsa:
            let r = try TPMQuote.sized(&reader, 1...66, "tpm.signature.signatureR")
            let s = try TPMQuote.sized(&reader, 1...66, "tpm.signature.signatureS")
            let width = max(r.count, s.count)
            value =
                [UInt8](repeating: 0, count: width - r.count) + r + [UInt8](repeating: 0, count: width - s.count) + s
        }
        try reader.finish("tpm.signature")
        self.scheme = scheme
    }

    /// A bare RSASSA signature with SHA-256.
    public init(bareRSASSA value: [UInt8]) throws(ParseError) {
        guard (256...512).contains(value.count) else {
            throw ParseError(field: "tpm.signature", expected: "256 to 512 bytes", actual: "\(value.count) bytes")
        }
        scheme = .rsassa
        hash = 0x000b
        self.value = value
    }
}
