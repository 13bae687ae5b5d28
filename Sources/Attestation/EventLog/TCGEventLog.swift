// The layout of TCG event logs: the SHA-1 form and the crypto-agile form (TCG PC Client Platform Firmware Profile §10.2),
// and the CCEL area of confidential VMs, which uses the second with measurement registers in place of PCRs.
public import Codecs

/// One event of a log.
public struct TCGEvent: Sendable {
    /// Event types that the replay and the checks know (PC Client Platform Firmware Profile §10.4.1).
    public enum Kind {
        /// EV_POST_CODE: firmware code that was run.
        public static let postCode: UInt32 = 0x01
        /// EV_NO_ACTION: a remark that extends no register.
        public static let noAction: UInt32 = 0x03
        /// EV_SEPARATOR: the end of what firmware measures into a register.
        public static let separator: UInt32 = 0x04
        /// EV_ACTION: a text that names a step.
        public static let action: UInt32 = 0x05
        /// EV_EFI_ACTION: a text that names a step of UEFI firmware.
        public static let efiAction: UInt32 = 0x8000_0007
        /// EV_EFI_HCRTM_EVENT: a hardware root of trust has measured.
        public static let efiHCRTM: UInt32 = 0x8000_0010
    }

    /// The register: a PCR index, or in a CCEL the CC measurement register index.
    public let register: UInt32
    /// The event type.
    public let kind: UInt32
    /// The digests by TCG algorithm id.
    public let digests: [UInt16: [UInt8]]
    /// The event's data; only some types of event measure it as it stands.
    public let data: [UInt8]
    /// Where the event begins in the log.
    public let offset: Int
}

/// A parsed event log. Its digests mean nothing before a replay has reproduced attested registers.
public struct TCGEventLog: Sendable {
    /// The form of the log.
    public enum Form: String, Sendable {
        /// One SHA-1 digest per event.
        case sha1
        /// A list of digests per event.
        case cryptoAgile
    }

    /// The form of the log.
    public let form: Form
    /// The digest sizes in bytes that the log declares, by TCG algorithm id.
    public let banks: [UInt16: Int]
    /// The events after the header event.
    public let events: [TCGEvent]
    /// How many bytes of padding follow the last event.
    public let paddingBytes: Int

    /// The most bytes and events that a log may have.
    public static let maximumBytes = 16 << 20
    /// The most events that a log may have.
    public static let maximumEvents = 65_536

    /// Reads a log.
    ///
    /// After the last event only padding may follow, all 0xff or all 0x00, as firmware fills the log area.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        guard bytes.count <= Self.maximumBytes else {
            let expected = "at most \(Self.maximumBytes) bytes"
            throw ParseError(field: "eventLog", expected: expected, actual: "\(bytes.count)")
        }
        var reader = ByteReader(bytes)
        let first = try Self.legacyEvent(&reader)
        var events: [TCGEvent] = []
        if let banks = try Self.specification(first) {
            form = .cryptoAgile
            self.banks = banks
        } else {
            form = .sha1
            banks = [TCGAlgorithm.sha1: 20]
            events.append(first)
        }
        var padding = 0
        while !reader.isAtEnd {
            if let rest = Self.padding(reader) {
                padding = rest
                break
            }
            guard events.count < Self.maximumEvents else {
                throw ParseError(field: "eventLog", expected: "at most \(Self.maximumEvents) events", actual: "more")
            }
            do throws(ParseError) {
                let event = try form == .sha1 ? Self.legacyEvent(&reader) : Self.agileEvent(&reader, banks)
                events.append(event)
            } catch {
                throw error.within("eventLog.events[\(events.count)]")
            }
        }
        self.events = events
        paddingBytes = padding
    }

    /// The number of bytes left when all of them are one padding byte. An event of type 0 on register 0 with no digest
    /// and no data would also be all zero; it measures nothing, so nothing is lost by taking it for padding.
    private static func padding(_ reader: ByteReader) -> Int? {
        guard let byte = reader.peek(), byte == 0 || byte == 0xff else { return nil }
        var copy = reader
        let rest = copy.readRest()
        return rest.allSatisfy { $0 == byte } ? rest.count : nil
    }

    /// TCG_PCClientPCREvent.
    private static func legacyEvent(_ reader: inout ByteReader) throws(ParseError) -> TCGEvent {
        let offset = reader.offset
        let register = try reader.readLittleEndian(UInt32.self, "pcrIndex")
        let kind = try reader.readLittleEndian(UInt32.self, "eventType")
        let digest = Array(try reader.read(20, "digest"))
        let data = try eventData(&reader)
        try requireRegister(register, kind)
        return TCGEvent(
            register: register,
            kind: kind,
            digests: [TCGAlgorithm.sha1: digest],
            data: data,
            offset: offset
        )
    }

    /// TCG_PCR_EVENT2.
    private static func agileEvent(
        _ reader: inout ByteReader,
        _ banks: [UInt16: Int]
    ) throws(ParseError) -> TCGEvent {
        let offset = reader.offset
        let register = try reader.readLittleEndian(UInt32.self, "pcrIndex")
        let kind = try reader.readLittleEndian(UInt32.self, "eventType")
        let count = try reader.readLittleEndian(UInt32.self, "digests.count")
        guard count <= banks.count else {
            throw ParseError(field: "digests.count", expected: "at most \(banks.count)", actual: "\(count)")
        }
        var digests: [UInt16: [UInt8]] = [:]
        for _ in 0..<count {
            let algorithm = try reader.readLittleEndian(UInt16.self, "digests.hashAlg")
            guard let size = banks[algorithm] else {
                let actual = String(algorithm, radix: 16)
                throw ParseError(field: "digests.hashAlg", expected: "a bank that the header names", actual: actual)
            }
            let digest = Array(try reader.read(size, "digests.digest"))
            guard digests.updateValue(digest, forKey: algorithm) == nil else {
                throw ParseError(field: "digests", expected: "each bank once", actual: "a bank twice")
            }
        }
        let data = try eventData(&reader)
        try requireRegister(register, kind)
        return TCGEvent(register: register, kind: kind, digests: digests, data: data, offset: offset)
    }

    private static func eventData(_ reader: inout ByteReader) throws(ParseError) -> [UInt8] {
        let size = try reader.readLittleEndian(UInt32.self, "eventSize")
        guard UInt64(size) <= UInt64(reader.remaining) else {
            throw ParseError(
                field: "eventSize",
                expected: "at most \(reader.remaining)",
                actual: "\(size)",
                offset: reader.offset
            )
        }
        return Array(try reader.read(Int(size), "event"))
    }

    /// Only EV_NO_ACTION events, which are not measured, may stand on no register at all (0xffffffff).
    private static func requireRegister(_ register: UInt32, _ kind: UInt32) throws(ParseError) {
        guard register < 32 || (kind == TCGEvent.Kind.noAction && register == .max) else {
            throw ParseError(field: "pcrIndex", expected: "0 to 31", actual: "\(register)")
        }
    }

    /// The banks of a crypto-agile log's header event; `nil` for any other event.
    private static func specification(_ event: TCGEvent) throws(ParseError) -> [UInt16: Int]? {
        let signature = Array("Spec ID Event03\0".utf8)
        guard event.kind == TCGEvent.Kind.noAction, event.data.starts(with: signature) else { return nil }
        var reader = ByteReader(event.data)
        _ = try reader.read(signature.count, "specID.signature")
        _ = try reader.readLittleEndian(UInt32.self, "specID.platformClass")
        _ = try reader.read(4, "specID.version")
        let count = try reader.readLittleEndian(UInt32.self, "specID.numberOfAlgorithms")
        guard (1...8).contains(count) else {
            throw ParseError(field: "specID.numberOfAlgorithms", expected: "1 to 8", actual: "\(count)")
        }
        var banks: [UInt16: Int] = [:]
        for _ in 0..<count {
            let algorithm = try reader.readLittleEndian(UInt16.self, "specID.algorithmId")
            let size = Int(try reader.readLittleEndian(UInt16.self, "specID.digestSize"))
            let known = TCGAlgorithm.size(algorithm)
            guard (1...64).contains(size), known == nil || known == size else {
                throw ParseError(field: "specID.digestSize", expected: "\(known ?? 64)", actual: "\(size)")
            }
            guard banks.updateValue(size, forKey: algorithm) == nil else {
                throw ParseError(field: "specID.algorithmId", expected: "each bank once", actual: "a bank twice")
            }
        }
        let vendor = Int(try reader.readByte("specID.vendorInfoSize"))
        _ = try reader.read(vendor, "specID.vendorInfo")
        try reader.finish("specID")
        return banks
    }
}

/// TCG algorithm ids of hash functions (TCG Algorithm Registry §6.10).
public enum TCGAlgorithm {
    /// TPM_ALG_SHA1.
    public static let sha1: UInt16 = 0x0004
    /// TPM_ALG_SHA256.
    public static let sha256: UInt16 = 0x000b
    /// TPM_ALG_SHA384.
    public static let sha384: UInt16 = 0x000c
    /// TPM_ALG_SHA512.
    public static let sha512: UInt16 = 0x000d

    /// The digest size in bytes of a known algorithm.
    public static func size(_ algorithm: UInt16) -> Int? {
        switch algorithm {
        case sha1: 20
        case sha256: 32
        case sha384: 48
        case sha512: 64
        default: nil
        }
    }
}
