// AMD SEV-SNP attestation reports, versions 2 to 5. Layout only, nothing is judged here.
// Source: AMD 56860 "SEV Secure Nested Paging Firmware ABI Specification", §7.3 ATTESTATION_REPORT, §2.2 TCB_VERSION,
// §4.3 guest policy.

public import Codecs

/// A product line of AMD processors, each with its own root key.
public enum AMDProduct: String, Sendable, CaseIterable {
    case milan = "Milan"
    /// Genoa, and Bergamo and Siena, whose keys are issued under Genoa's name.
    case genoa = "Genoa"
    case turin = "Turin"

    /// The product with this CPUID family and model, or `nil` when it is none that is known.
    public init?(family: UInt8, model: UInt8) {
        switch (family, model >> 4) {
        case (0x19, 0x0): self = .milan
        case (0x19, 0x1), (0x19, 0xa): self = .genoa
        case (0x1a, 0x0), (0x1a, 0x1): self = .turin
        default: return nil
        }
    }
}

/// The security versions of a processor's firmware.
public struct SNPTCBVersion: Sendable, Equatable {
    /// The eight bytes as in the report.
    public var bytes: [UInt8]
    /// The product, which decides what the bytes mean.
    public var product: AMDProduct

    /// Reads eight bytes.
    public init(_ bytes: some Collection<UInt8>, product: AMDProduct) {
        precondition(bytes.count == 8, "a TCB version has eight bytes")
        self.bytes = Array(bytes)
        self.product = product
    }

    /// The boot loader's version.
    public var bootLoader: UInt8 { product == .turin ? bytes[1] : bytes[0] }
    /// The security processor operating system's version.
    public var tee: UInt8 { product == .turin ? bytes[2] : bytes[1] }
    /// The SNP firmware's version.
    public var snp: UInt8 { product == .turin ? bytes[3] : bytes[6] }
    /// The microcode's lowest version of all cores.
    public var microcode: UInt8 { bytes[7] }
    /// The version of the first mutable code; only Turin has it.
    public var fmc: UInt8? { product == .turin ? bytes[0] : nil }

    /// Whether every part is at or above `bound`, which must be of the same product.
    public func reaches(_ bound: SNPTCBVersion) -> Bool {
        product == bound.product && bootLoader >= bound.bootLoader && tee >= bound.tee && snp >= bound.snp
            && microcode >= bound.microcode && (fmc ?? 0) >= (bound.fmc ?? 0)
    }

    /// The parts by name.
    public var text: String {
        let start = fmc.map { "fmc \($0), " } ?? ""
        return start + "boot loader \(bootLoader), tee \(tee), snp \(snp), microcode \(microcode)"
    }
}

/// Which key signed a report.
public enum SNPSigningKey: String, Sendable, CaseIterable {
    /// The chip's own key for its TCB version.
    case vcek
    /// A key that AMD gave to a cloud provider.
    case vlek
}

/// An attestation report of 1,184 bytes.
public struct SNPReport: Sendable {
    /// The bytes.
    public let bytes: ArraySlice<UInt8>
    /// Format version, 2 to 5.
    public let version: UInt32

    /// The size of a report.
    public static let byteCount = 1184
    /// How many bytes are signed.
    public static let signedCount = 0x2a0

    /// Takes a report.
    public init(_ evidence: [UInt8]) throws(ParseError) {
        guard evidence.count == Self.byteCount else {
            let expected = "\(Self.byteCount) bytes"
            throw ParseError(field: "report", expected: expected, actual: "\(evidence.count) bytes")
        }
        bytes = evidence[...]
        var reader = ByteReader(bytes)
        version = try reader.readLittleEndian(UInt32.self, "version")
        guard (2...5).contains(version), version != 4 else {
            throw ParseError(field: "version", expected: "2, 3 or 5", actual: "\(version)", offset: 0)
        }
        let algorithm = word32(0x34)
        guard algorithm == 1 else {
            let expected = "1 (ECDSA P-384 with SHA-384)"
            throw ParseError(field: "signatureAlgo", expected: expected, actual: "\(algorithm)", offset: 0x34)
        }
    }

    private func field(_ offset: Int, _ count: Int) -> ArraySlice<UInt8> {
        let start = bytes.startIndex + offset
        return bytes[start..<start + count]
    }

    private func number(_ offset: Int, _ count: Int) -> UInt64 {
        field(offset, count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func word32(_ offset: Int) -> UInt32 { UInt32(number(offset, 4)) }

    /// Security version of the guest, from the ID block.
    public var guestSvn: UInt32 { word32(0x04) }
    /// The guest policy's bits.
    public var guestPolicy: UInt64 { number(0x08, 8) }
    /// Family identifier, from the ID block.
    public var familyId: ArraySlice<UInt8> { field(0x10, 16) }
    /// Image identifier, from the ID block.
    public var imageId: ArraySlice<UInt8> { field(0x20, 16) }
    /// The privilege level that asked for the report, 0 the highest.
    public var vmpl: UInt32 { word32(0x30) }
    /// The firmware versions that run.
    public var currentTcb: ArraySlice<UInt8> { field(0x38, 8) }
    /// The platform's bits.
    public var platformInfo: UInt64 { number(0x40, 8) }
    /// Key selection and masks.
    public var flags: UInt32 { word32(0x48) }
    /// Free data of the guest.
    public var reportData: ArraySlice<UInt8> { field(0x50, 64) }
    /// Measurement of the guest at launch.
    public var measurement: ArraySlice<UInt8> { field(0x90, 48) }
    /// Free data of the host.
    public var hostData: ArraySlice<UInt8> { field(0xc0, 32) }
    /// Digest of the key that signed the ID block; zero without one.
    public var idKeyDigest: ArraySlice<UInt8> { field(0xe0, 48) }
    /// Digest of the key that certified the ID key; zero without one.
    public var authorKeyDigest: ArraySlice<UInt8> { field(0x110, 48) }
    /// The guest's report identifier.
    public var reportId: ArraySlice<UInt8> { field(0x140, 32) }
    /// The migration agent's report identifier.
    public var reportIdMA: ArraySlice<UInt8> { field(0x160, 32) }
    /// The firmware versions by which the signing key was derived.
    public var reportedTcb: ArraySlice<UInt8> { field(0x180, 8) }
    /// CPUID family, model and stepping; `nil` before version 3.
    public var cpuid: (family: UInt8, model: UInt8, step: UInt8)? {
        guard version >= 3 else { return nil }
        let part = field(0x188, 3)
        return (part[part.startIndex], part[part.startIndex + 1], part[part.startIndex + 2])
    }
    /// The chip's identifier; zero when it is masked.
    public var chipId: ArraySlice<UInt8> { field(0x1a0, 64) }
    /// The firmware versions that cannot be rolled back.
    public var committedTcb: ArraySlice<UInt8> { field(0x1e0, 8) }
    /// The firmware versions at the launch of the guest.
    public var launchTcb: ArraySlice<UInt8> { field(0x1f0, 8) }
    /// Mitigations in force at the launch; `nil` before version 5.
    public var launchMitigations: UInt64? { version >= 5 ? number(0x1f8, 8) : nil }
    /// Mitigations in force now; `nil` before version 5.
    public var currentMitigations: UInt64? { version >= 5 ? number(0x200, 8) : nil }

    /// Exactly the bytes that are signed.
    public var signedSpan: ArraySlice<UInt8> { field(0, Self.signedCount) }
    /// The signature's halves, little-endian numbers in fields of 72 bytes.
    var signatureFields: (r: ArraySlice<UInt8>, s: ArraySlice<UInt8>) { (field(0x2a0, 72), field(0x2e8, 72)) }
    /// The bytes after the signature's halves.
    var signatureReserved: ArraySlice<UInt8> { field(0x330, 0x170) }

    /// Which key signed, `nil` for none or an unknown one.
    public var signingKey: SNPSigningKey? {
        switch flags >> 2 & 7 {
        case 0: .vcek
        case 1: .vlek
        default: nil
        }
    }
    /// Whether an author key certified the ID key.
    public var isAuthorKeyEnabled: Bool { flags & 1 != 0 }
    /// Whether the chip identifier and the chip's key are withheld.
    public var isChipKeyMasked: Bool { flags & 2 != 0 }

    /// Whether the guest policy allows the host to debug the guest.
    public var isDebugAllowed: Bool { guestPolicy & 1 << 19 != 0 }
    /// Whether the guest policy allows a migration agent.
    public var isMigrationAllowed: Bool { guestPolicy & 1 << 18 != 0 }
    /// Whether the guest policy allows simultaneous multithreading.
    public var isSMTAllowed: Bool { guestPolicy & 1 << 16 != 0 }
    /// Whether the guest policy demands one socket.
    public var isSingleSocket: Bool { guestPolicy & 1 << 20 != 0 }

    /// The product by CPUID; `nil` before version 3 and for an unknown processor.
    public var product: AMDProduct? {
        cpuid.flatMap { AMDProduct(family: $0.family, model: $0.model) }
    }
}

/// The decoded content of a report.
public struct SNPClaims: EvidenceClaims {
    /// The report.
    public let report: SNPReport
    /// The product, by CPUID or, before version 3, by the certificate.
    public let product: AMDProduct?

    /// The fields by AMD's names, byte strings in hexadecimal.
    public var json: JSONObject {
        var object: JSONObject = [
            "version": .integer(report.version),
            "guestSvn": .integer(report.guestSvn),
            "policy": .string("0x" + String(report.guestPolicy, radix: 16)),
            "debugAllowed": .bool(report.isDebugAllowed),
            "familyId": .hex(report.familyId),
            "imageId": .hex(report.imageId),
            "vmpl": .integer(report.vmpl),
            "signatureAlgo": .integer(1),
            "currentTcb": .hex(report.currentTcb),
            "platformInfo": .string("0x" + String(report.platformInfo, radix: 16)),
            "signingKey": report.signingKey.map { .string($0.rawValue.uppercased()) } ?? .string("none"),
            "authorKeyEnabled": .bool(report.isAuthorKeyEnabled),
            "maskChipKey": .bool(report.isChipKeyMasked),
            "reportData": .hex(report.reportData),
            "measurement": .hex(report.measurement),
            "hostData": .hex(report.hostData),
            "idKeyDigest": .hex(report.idKeyDigest),
            "authorKeyDigest": .hex(report.authorKeyDigest),
            "reportId": .hex(report.reportId),
            "reportIdMa": .hex(report.reportIdMA),
            "reportedTcb": .hex(report.reportedTcb),
        ]
        if let cpuid = report.cpuid {
            object["cpuidFamily"] = .string("0x" + String(cpuid.family, radix: 16))
            object["cpuidModel"] = .string("0x" + String(cpuid.model, radix: 16))
            object["cpuidStep"] = .string("0x" + String(cpuid.step, radix: 16))
        }
        object["product"] = product.map { .string($0.rawValue) } ?? .null
        object["chipId"] = .hex(report.chipId)
        object["committedTcb"] = .hex(report.committedTcb)
        object["launchTcb"] = .hex(report.launchTcb)
        if let mitigations = report.launchMitigations {
            object["launchMitigations"] = .string("0x" + String(mitigations, radix: 16))
        }
        if let mitigations = report.currentMitigations {
            object["currentMitigations"] = .string("0x" + String(mitigations, radix: 16))
        }
        return object
    }
}
