// Intel quotes: SGX version 3, SGX and TDX version 4 and 5. Layout only, nothing is judged here.
// Sources: Intel "SGX ECDSA QuoteLibReference DCAP API" Appendix A; Intel "TDX DCAP Quoting Library API" A.3 and A.4.

public import Codecs

/// An SGX enclave report body of 384 bytes: the SGX quote body, and the quoting enclave's own report.
public struct EnclaveReport: Sendable {
    /// The 384 bytes.
    public let bytes: ArraySlice<UInt8>
    /// The size of a report body.
    public static let byteCount = 384

    private func field(_ offset: Int, _ count: Int) -> ArraySlice<UInt8> {
        let start = bytes.startIndex + offset
        return bytes[start..<start + count]
    }

    private func word(_ offset: Int) -> UInt16 {
        let start = bytes.startIndex + offset
        return UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8
    }

    /// Security version of the processor.
    public var cpuSvn: ArraySlice<UInt8> { field(0, 16) }
    /// Extra enclave state.
    public var miscSelect: ArraySlice<UInt8> { field(16, 4) }
    /// Extended product identifier (KSS).
    public var isvExtProdId: ArraySlice<UInt8> { field(32, 16) }
    /// Enclave attributes: 8 bytes of flags, 8 bytes of XFRM.
    public var attributes: ArraySlice<UInt8> { field(48, 16) }
    /// Measurement of the enclave.
    public var mrEnclave: ArraySlice<UInt8> { field(64, 32) }
    /// Hash of the signing key of the enclave.
    public var mrSigner: ArraySlice<UInt8> { field(128, 32) }
    /// Configuration identifier (KSS).
    public var configId: ArraySlice<UInt8> { field(192, 64) }
    /// Product identifier.
    public var isvProdId: UInt16 { word(256) }
    /// Security version of the enclave.
    public var isvSvn: UInt16 { word(258) }
    /// Configuration security version (KSS).
    public var configSvn: UInt16 { word(260) }
    /// Family identifier (KSS).
    public var isvFamilyId: ArraySlice<UInt8> { field(304, 16) }
    /// Free data of the enclave.
    public var reportData: ArraySlice<UInt8> { field(320, 64) }
    /// Whether ATTRIBUTES.DEBUG is set: its memory can be read from outside.
    public var isDebug: Bool { bytes[bytes.startIndex + 48] & 0x02 != 0 }
    /// Whether ATTRIBUTES.PROVISION_KEY is set.
    public var hasProvisionKey: Bool { bytes[bytes.startIndex + 48] & 0x10 != 0 }
}

/// A TD report body: 1.0 (584 bytes), 1.5 (648 bytes) or 1.5 with service TD extension (885 bytes).
public struct TDReport: Sendable {
    /// Which body it is.
    public enum Version: String, Sendable {
        /// TDX 1.0: 584 bytes.
        case v1_0 = "1.0"
        /// TDX 1.5: the versions now and the service TDs follow.
        case v1_5 = "1.5"
        /// TDX 1.5 with the service TD extension.
        case v1_5Extended = "1.5-ex"

        /// The size of the body.
        public var byteCount: Int {
            switch self {
            case .v1_0: 584
            case .v1_5: 648
            case .v1_5Extended: 885
            }
        }
    }

    /// Which body it is.
    public let version: Version
    /// The body.
    public let bytes: ArraySlice<UInt8>

    private func field(_ offset: Int, _ count: Int) -> ArraySlice<UInt8> {
        let start = bytes.startIndex + offset
        return bytes[start..<start + count]
    }

    private static let zeroMeasurement = [UInt8](repeating: 0, count: 48)[...]

    /// Security versions of the TDX TCB at the launch of the TD.
    public var teeTcbSvn: ArraySlice<UInt8> { field(0, 16) }
    /// Measurement of the TDX module.
    public var mrSeam: ArraySlice<UInt8> { field(16, 48) }
    /// Signer of the TDX module; zero for Intel's.
    public var mrSignerSeam: ArraySlice<UInt8> { field(64, 48) }
    /// Attributes of the TDX module.
    public var seamAttributes: ArraySlice<UInt8> { field(112, 8) }
    /// Attributes of the TD.
    public var tdAttributes: ArraySlice<UInt8> { field(120, 8) }
    /// Extended features of the TD.
    public var xfam: ArraySlice<UInt8> { field(128, 8) }
    /// Measurement of the TD's initial content.
    public var mrTd: ArraySlice<UInt8> { field(136, 48) }
    /// Configuration identifier.
    public var mrConfigId: ArraySlice<UInt8> { field(184, 48) }
    /// Owner identifier.
    public var mrOwner: ArraySlice<UInt8> { field(232, 48) }
    /// Owner's configuration identifier.
    public var mrOwnerConfig: ArraySlice<UInt8> { field(280, 48) }
    /// Run-time measurement register `index`, 0 to 3.
    public func rtMr(_ index: Int) -> ArraySlice<UInt8> { field(328 + 48 * index, 48) }
    /// Free data of the TD.
    public var reportData: ArraySlice<UInt8> { field(520, 64) }
    /// Security versions of the TDX TCB now, after module updates; `nil` in a 1.0 body.
    public var teeTcbSvn2: ArraySlice<UInt8>? { version == .v1_0 ? nil : field(584, 16) }
    /// Hash of the bound service TDs; zero when there is none, as in every 1.0 body.
    public var mrServiceTd: ArraySlice<UInt8> { version == .v1_0 ? Self.zeroMeasurement : field(600, 48) }
    /// The fields after a 1.5 body; they mean something only when the attribute SERVTD_EXT is set.
    public var serviceTd: ServiceTDExtension? {
        version == .v1_5Extended ? ServiceTDExtension(bytes: field(648, ServiceTDExtension.byteCount)) : nil
    }

    /// TD attributes as a number, bit 0 first.
    public var attributeBits: UInt64 {
        tdAttributes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// An Intel quote, split into its parts.
public struct IntelQuote: Sendable {
    /// What was quoted.
    public enum Body: Sendable {
        /// An SGX enclave.
        case enclave(EnclaveReport)
        /// A trust domain.
        case td(TDReport)
    }

    private let bytes: [UInt8]
    private let layout: Layout

    /// Where the parts are. Offsets and not slices are kept, so that splitting a quote touches no reference counts.
    private struct Layout: Sendable {
        var bodyStart = 48
        var bodyCount = 0
        var tdVersion: TDReport.Version?
        var signatureStart = 0
        var qeReportStart = 0
        var authenticationStart = 0
        var authenticationCount = 0
        var certificationStart = 0
        var certificationCount = 0
        var end = 0

        var bodyEnd: Int { bodyStart + bodyCount }
    }

    /// Format version: 3, 4 or 5.
    public let version: UInt16
    /// Attestation key type: 2 is ECDSA-256 with P-256.
    public let attestationKeyType: UInt16
    /// TEE type: 0 SGX, 0x81 TDX.
    public let teeType: UInt32
    /// The type of `certificationData`: 1 to 5.
    public let certificationType: UInt16

    /// The vendor of the quoting enclave.
    public var qeVendorId: ArraySlice<UInt8> { bytes[12..<28] }
    /// The first bytes identify the platform in Intel's own quoting enclaves.
    public var userData: ArraySlice<UInt8> { bytes[28..<48] }
    /// What was quoted.
    public var body: Body {
        let span = bytes[layout.bodyStart..<layout.bodyEnd]
        guard let version = layout.tdVersion else { return .enclave(EnclaveReport(bytes: span)) }
        return .td(TDReport(version: version, bytes: span))
    }
    /// Header and body, and in version 5 the descriptor between them: exactly the bytes under `signature`.
    public var signedSpan: ArraySlice<UInt8> { bytes[0..<layout.bodyEnd] }
    /// `r ‖ s` of the attestation key.
    public var signature: ArraySlice<UInt8> { bytes[layout.signatureStart..<layout.signatureStart + 64] }
    /// The coordinates `x ‖ y` of the attestation key.
    public var attestationKey: ArraySlice<UInt8> { bytes[layout.signatureStart + 64..<layout.signatureStart + 128] }
    /// The report of the quoting enclave.
    public var qeReport: EnclaveReport {
        EnclaveReport(bytes: bytes[layout.qeReportStart..<layout.qeReportStart + EnclaveReport.byteCount])
    }
    /// `r ‖ s` of the PCK over the report of the quoting enclave.
    public var qeReportSignature: ArraySlice<UInt8> {
        let start = layout.qeReportStart + EnclaveReport.byteCount
        return bytes[start..<start + 64]
    }
    /// Free data that the quoting enclave bound to the attestation key.
    public var qeAuthenticationData: ArraySlice<UInt8> {
        bytes[layout.authenticationStart..<layout.authenticationStart + layout.authenticationCount]
    }
    /// What leads to the PCK certificate: type 5 is the PEM chain, 4 the certificate alone, 1 to 3 identify the platform.
    public var certificationData: ArraySlice<UInt8> {
        bytes[layout.certificationStart..<layout.certificationStart + layout.certificationCount]
    }
    /// Everything from the attestation key to the end: what certifies the attestation key.
    public var keyCertification: ArraySlice<UInt8> { bytes[layout.signatureStart + 64..<layout.end] }
    /// The size of the quote without trailing zeros.
    public var byteCount: Int { layout.end }

    /// Intel's own quoting enclaves.
    public static let intelVendorId: [UInt8] = [
        0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
    ]
    /// The TEE type of SGX.
    public static let sgxType: UInt32 = 0
    /// The TEE type of TDX.
    public static let tdxType: UInt32 = 0x81
    /// The most bytes of evidence that are read as a quote.
    public static let maxBytes = 1 << 20

    /// Whether the quote is of a TD.
    public var isTDX: Bool { teeType == Self.tdxType }

    /// Splits a quote.
    ///
    /// Zeros after the quote are accepted, because producers hand out fixed-size buffers; they belong to nothing. Any other
    /// byte after it is an error.
    public init(_ bytes: [UInt8]) throws(ParseError) {
        guard bytes.count <= Self.maxBytes else {
            let expected = "at most \(Self.maxBytes) bytes"
            throw ParseError(field: "quote", expected: expected, actual: "\(bytes.count) bytes")
        }
        self.bytes = bytes
        var cursor = Cursor(bytes: bytes)
        version = UInt16(try cursor.number(2, "header.version"))
        guard version >= 3, version <= 5 else {
            throw ParseError(field: "header.version", expected: "3, 4 or 5", actual: "\(version)", offset: 0)
        }
        attestationKeyType = UInt16(try cursor.number(2, "header.attestationKeyType"))
        guard attestationKeyType == 2 else {
            let actual = "\(attestationKeyType)"
            throw ParseError(field: "header.attestationKeyType", expected: "2 (P-256)", actual: actual, offset: 2)
        }
        teeType = UInt32(try cursor.number(4, "header.teeType"))
        let isKnownType = teeType == Self.sgxType || (teeType == Self.tdxType && version >= 4)
        guard isKnownType else {
            let expected = version == 3 ? "0 (SGX)" : "0 (SGX) or 0x81 (TDX)"
            let actual = "0x" + String(teeType, radix: 16)
            throw ParseError(field: "header.teeType", expected: expected, actual: actual, offset: 4)
        }
        try cursor.skip(40, "header")
        var layout = Layout()
        try Self.readBody(&cursor, version: version, teeType: teeType, into: &layout)

        let signatureCount = try cursor.number(4, "signatureDataLength")
        layout.signatureStart = cursor.position
        var data = try cursor.part(signatureCount, "signatureData")
        layout.end = cursor.position
        guard cursor.restIsZero else {
            throw ParseError(
                field: "quote",
                expected: "zeros after the quote",
                actual: "other bytes",
                offset: cursor.position
            )
        }
        try data.skip(128, "signature")
        if version >= 4 {
            let outerType = try data.number(2, "certificationData.type")
            guard outerType == 6 else {
                let actual = "\(outerType)"
                throw ParseError(field: "certificationData.type", expected: "6 (QE report)", actual: actual)
            }
            let outerCount = try data.number(4, "certificationData.length")
            let inner = try data.part(outerCount, "certificationData")
            try data.finish("signatureData")
            data = inner
        }
        layout.qeReportStart = data.position
        try data.skip(EnclaveReport.byteCount + 64, "qeReport")
        layout.authenticationCount = try data.number(2, "qeAuthenticationData.length")
        layout.authenticationStart = data.position
        try data.skip(layout.authenticationCount, "qeAuthenticationData")
        let type = try data.number(2, "qeCertificationData.type")
        guard type >= 1, type <= 5 else {
            throw ParseError(field: "qeCertificationData.type", expected: "1 to 5", actual: "\(type)")
        }
        certificationType = UInt16(type)
        layout.certificationCount = try data.number(4, "qeCertificationData.length")
        layout.certificationStart = data.position
        try data.skip(layout.certificationCount, "qeCertificationData")
        try data.finish(version >= 4 ? "certificationData" : "signatureData")
        self.layout = layout
    }

    private static func readBody(
        _ cursor: inout Cursor,
        version: UInt16,
        teeType: UInt32,
        into layout: inout Layout
    ) throws(ParseError) {
        if version == 5 {
            let type = try cursor.number(2, "body.type")
            let count = try cursor.number(4, "body.size")
            switch (type, teeType) {
            case (1, sgxType): layout.tdVersion = nil
            case (2, tdxType): layout.tdVersion = .v1_0
            case (3, tdxType): layout.tdVersion = .v1_5
            case (4, tdxType): layout.tdVersion = .v1_5Extended
            default:
                let actual = "\(type) with TEE type 0x" + String(teeType, radix: 16)
                throw ParseError(field: "body.type", expected: "1 for SGX, 2 to 4 for TDX", actual: actual, offset: 48)
            }
            let expected = layout.tdVersion?.byteCount ?? EnclaveReport.byteCount
            guard count == expected else {
                throw ParseError(field: "body.size", expected: "\(expected)", actual: "\(count)", offset: 50)
            }
        } else {
            layout.tdVersion = teeType == tdxType ? .v1_0 : nil
        }
        layout.bodyStart = cursor.position
        layout.bodyCount = layout.tdVersion?.byteCount ?? EnclaveReport.byteCount
        try cursor.skip(layout.bodyCount, "body")
    }
}

/// A position in a quote and where the present part ends; every step is compared with what is left.
private struct Cursor {
    let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int

    init(bytes: [UInt8]) {
        self.bytes = bytes
        position = 0
        end = bytes.count
    }

    private init(bytes: [UInt8], position: Int, end: Int) {
        self.bytes = bytes
        self.position = position
        self.end = end
    }

    private func shortage(_ count: Int, _ field: String) -> ParseError {
        ParseError(field: field, expected: "\(count) bytes", actual: "\(end - position) left", offset: position)
    }

    mutating func skip(_ count: Int, _ field: String) throws(ParseError) {
        guard count <= end - position else { throw shortage(count, field) }
        position += count
    }

    /// A little-endian number of `count` bytes, at most four.
    mutating func number(_ count: Int, _ field: String) throws(ParseError) -> Int {
        guard count <= end - position else { throw shortage(count, field) }
        var value = 0
        for index in (0..<count).reversed() { value = value << 8 | Int(bytes[position + index]) }
        position += count
        return value
    }

    /// A cursor over the next `count` bytes, which this one steps over.
    mutating func part(_ count: Int, _ field: String) throws(ParseError) -> Cursor {
        let start = position
        try skip(count, field)
        return Cursor(bytes: bytes, position: start, end: position)
    }

    /// Whether everything that is left is zero.
    var restIsZero: Bool {
        bytes.withUnsafeBytes { all in all[position..<end].allSatisfy { $0 == 0 } }
    }

    func finish(_ field: String) throws(ParseError) {
        guard position == end else {
            throw ParseError(
                field: field,
                expected: "end of \(field)",
                actual: "\(end - position) more bytes",
                offset: position
            )
        }
    }
}
