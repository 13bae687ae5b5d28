// A fake TPM with an elliptic curve attestation key: quotes, event logs and the faults that public vectors lack.
public import Attestation
internal import Codecs

/// A fake TPM 2.0. Change its fields and ask for evidence.
public struct FakeTPM: Sendable {
    /// The root that certifies attestation keys.
    public let root: TestIdentity
    /// The attestation key with its certificate.
    public let attestationKey: TestIdentity
    /// TPMA_OBJECT of the key.
    public var attributes: UInt32
    /// The bank that is quoted.
    public var bank: HashAlgorithm
    /// The registers that are quoted.
    public var selection: [Int]
    /// The registers' values in the bank.
    public var registers: [Int: [UInt8]]
    /// The qualifying data.
    public var extraData: [UInt8] = []
    /// TPMI_ST_ATTEST.
    public var type: UInt16 = TPMQuote.quoteTag
    /// TPM_GENERATED.
    public var magic: UInt32 = TPMQuote.magic
    /// The name of the key below its parents; of an unknown parent when `nil`.
    public var qualifiedSigner: [UInt8]?
    /// The event log that goes along.
    public var eventLog: [UInt8]?

    /// A TPM whose registers reproduce a small, good event log.
    public init(bank: HashAlgorithm = .sha256, curve: SignatureCurve = .p256) {
        root = TestIdentity.root(TestCertificateForm(name: "Test TPM root"))
        attestationKey = root.issue(TestCertificateForm(name: "", serial: 7), key: TestKey(curve))
        typealias Bit = TPMPublic.Attribute
        attributes = Bit.fixedTPM | Bit.fixedParent | Bit.sensitiveDataOrigin | Bit.restricted | Bit.sign | 1 << 6
        self.bank = bank
        selection = Array(0..<24)
        let log = FakeEventLog(bank: bank)
        registers = log.registers
        eventLog = log.bytes
    }

    /// TPMT_PUBLIC of the attestation key.
    public var publicArea: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(UInt16(0x0023))
        bytes.appendBigEndian(TCGAlgorithm.sha256)
        bytes.appendBigEndian(attributes)
        bytes.appendBigEndian(UInt16(0))
        bytes.appendBigEndian(UInt16(0x0010))
        bytes.appendBigEndian(UInt16(0x0018))
        bytes.appendBigEndian(attestationKey.key.hash.tcgIdentifier)
        let curves: [SignatureCurve: UInt16] = [.p256: 3, .p384: 4, .p521: 5]
        bytes.appendBigEndian(curves[attestationKey.key.curve] ?? 0)
        bytes.appendBigEndian(UInt16(0x0010))
        let width = attestationKey.key.curve.coordinateCount
        for half in [attestationKey.key.coordinates.prefix(width), attestationKey.key.coordinates.dropFirst(width)] {
            bytes.appendBigEndian(UInt16(half.count))
            bytes.append(contentsOf: half)
        }
        return bytes
    }

    /// TPMS_ATTEST over the selected registers.
    public var quote: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(magic)
        bytes.appendBigEndian(type)
        let signer = qualifiedSigner ?? [0x00, 0x0b] + [UInt8](repeating: 0x5a, count: 32)
        bytes.appendBigEndian(UInt16(signer.count))
        bytes.append(contentsOf: signer)
        bytes.appendBigEndian(UInt16(extraData.count))
        bytes.append(contentsOf: extraData)
        bytes.append(contentsOf: [UInt8](repeating: 0, count: 16) + [1])
        bytes.appendBigEndian(UInt64(0x2024_0101))
        bytes.appendBigEndian(UInt32(1))
        bytes.appendBigEndian(bank.tcgIdentifier)
        bytes.append(3)
        var bits: [UInt8] = [0, 0, 0]
        for index in selection { bits[index / 8] |= 1 << UInt8(index % 8) }
        bytes.append(contentsOf: bits)
        let digest = attestationKey.key.hash.digest(
            selection.sorted().flatMap { registers[$0] ?? [UInt8](repeating: 0, count: bank.digestCount) }
        )
        bytes.appendBigEndian(UInt16(digest.count))
        bytes.append(contentsOf: digest)
        return bytes
    }

    /// TPMT_SIGNATURE over `message`.
    public func signature(of message: [UInt8], key: TestKey? = nil, hash: HashAlgorithm? = nil) -> [UInt8] {
        let signer = key ?? attestationKey.key
        let named = hash ?? signer.hash
        let raw = signer.sign(message, hash: named)
        var bytes: [UInt8] = []
        bytes.appendBigEndian(UInt16(0x0018))
        bytes.appendBigEndian(named.tcgIdentifier)
        for half in [raw.prefix(raw.count / 2), raw.dropFirst(raw.count / 2)] {
            bytes.appendBigEndian(UInt16(half.count))
            bytes.append(contentsOf: half)
        }
        return bytes
    }

    /// The evidence as an `attest.Attestation` message.
    public func evidence(
        signature: [UInt8]? = nil,
        certificate: Certificate? = nil,
        withCertificate: Bool = true
    ) -> [UInt8] {
        func field(_ number: UInt64, _ content: [UInt8]) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.appendVarint(number << 3 | 2)
            bytes.appendVarint(UInt64(content.count))
            return bytes + content
        }
        func varint(_ number: UInt64, _ value: UInt64) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.appendVarint(number << 3)
            bytes.appendVarint(value)
            return bytes
        }
        let quote = quote
        var values = varint(1, UInt64(bank.tcgIdentifier))
        for (index, value) in registers.sorted(by: { $0.key < $1.key }) {
            values += field(2, varint(1, UInt64(index)) + field(2, value))
        }
        let part = field(1, quote) + field(2, signature ?? self.signature(of: quote)) + field(3, values)
        var bytes = field(1, publicArea) + field(2, part)
        if let eventLog { bytes += field(3, eventLog) }
        if withCertificate { bytes += field(5, (certificate ?? attestationKey.certificate).der) }
        return bytes
    }
}

/// A small crypto-agile event log, and the registers that it leads to.
public struct FakeEventLog: Sendable {
    /// The bank of the log.
    public var bank: HashAlgorithm
    /// The events: register, type, data; the digest is the hash of the data.
    public var events: [(register: UInt32, kind: UInt32, data: [UInt8])]

    /// Firmware version, separators on PCR 0–7, and the hand-over.
    public init(bank: HashAlgorithm) {
        self.bank = bank
        events = [(0, 0x08, Array("firmware".utf8))]
        events += (0..<8).map { (UInt32($0), TCGEvent.Kind.separator, [0, 0, 0, 0]) }
        events.append((4, TCGEvent.Kind.efiAction, Array("Calling EFI Application from Boot Option".utf8)))
        events.append((5, TCGEvent.Kind.efiAction, Array("Exit Boot Services Returned with Success".utf8)))
    }

    /// The log's bytes.
    public var bytes: [UInt8] {
        var header = Array("Spec ID Event03\0".utf8) + [0, 0, 0, 0, 0, 2, 0, 2]
        header.appendLittleEndian(UInt32(1))
        header.appendLittleEndian(bank.tcgIdentifier)
        header.appendLittleEndian(UInt16(bank.digestCount))
        header.append(0)
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(UInt32(0))
        bytes.appendLittleEndian(TCGEvent.Kind.noAction)
        bytes.append(contentsOf: [UInt8](repeating: 0, count: 20))
        bytes.appendLittleEndian(UInt32(header.count))
        bytes.append(contentsOf: header)
        for event in events {
            bytes.appendLittleEndian(event.register)
            bytes.appendLittleEndian(event.kind)
            bytes.appendLittleEndian(UInt32(1))
            bytes.appendLittleEndian(bank.tcgIdentifier)
            bytes.append(contentsOf: bank.digest(event.data))
            bytes.appendLittleEndian(UInt32(event.data.count))
            bytes.append(contentsOf: event.data)
        }
        return bytes
    }

    /// All 24 registers after the log, by a replay of its own that shares no code with the verifier's.
    public var registers: [Int: [UInt8]] {
        var registers: [Int: [UInt8]] = [:]
        for index in 0..<24 {
            let start: UInt8 = (17...22).contains(index) ? 0xff : 0
            registers[index] = [UInt8](repeating: start, count: bank.digestCount)
        }
        for event in events where event.kind != TCGEvent.Kind.noAction {
            let old = registers[Int(event.register)] ?? []
            registers[Int(event.register)] = bank.digest(old + bank.digest(event.data))
        }
        return registers
    }
}
