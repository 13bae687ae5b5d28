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
        case v1_0 = "1.0"
        case v1_5 = "1.5"
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
    /// The fields after a 1.5 body: identifiers, and the initial and current service TD.
    public var serviceTdExtension: ArraySlice<UInt8>? { version == .v1_5Extended ? field(648, 237) : nil }

    /// TD attributes as a number, bit 0 first.
    public var attributeBits: UInt64 {
        tdAttributes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// An Intel quote, split into its parts.
public struct IntelQuote: Sendable {
    /// What was quoted.
    public enum Body: Sendable {
        case enclave(EnclaveReport)
        case td(TDReport)
    }

    /// Format version: 3, 4 or 5.
    public let version: UInt16
    /// Attestation key type: 2 is ECDSA-256 with P-256.
    public let attestationKeyType: UInt16
    /// TEE type: 0 SGX, 0x81 TDX.
    public let teeType: UInt32
    /// The vendor of the quoting enclave.
    public let qeVendorId: ArraySlice<UInt8>
    /// The first bytes identify the platform in Intel's own quoting enclaves.
    public let userData: ArraySlice<UInt8>
    /// What was quoted.
    public let body: Body
    /// Header and body, and in version 5 the descriptor between them: exactly the bytes under `signature`.
    public let signedSpan: ArraySlice<UInt8>
    /// `r ‖ s` of the attestation key.
    public let signature: ArraySlice<UInt8>
    /// The coordinates `x ‖ y` of the attestation key.
    public let attestationKey: ArraySlice<UInt8>
    /// The report of the quoting enclave.
    public let qeReport: EnclaveReport
    /// `r ‖ s` of the PCK over the report of the quoting enclave.
    public let qeReportSignature: ArraySlice<UInt8>
    /// Free data that the quoting enclave bound to the attestation key.
    public let qeAuthenticationData: ArraySlice<UInt8>
    /// The type of `certificationData`: 1 to 5.
    public let certificationType: UInt16
    /// What leads to the PCK certificate: type 5 is the PEM chain, 4 the certificate alone, 1 to 3 identify the platform.
    public let certificationData: ArraySlice<UInt8>
    /// Everything from the attestation key to the end: what certifies the attestation key.
    public let keyCertification: ArraySlice<UInt8>
    /// The size of the quote without trailing zeros.
    public let byteCount: Int

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
        var reader = ByteReader(bytes)
        version = try reader.readLittleEndian(UInt16.self, "header.version")
        guard (3...5).contains(version) else {
            throw ParseError(field: "header.version", expected: "3, 4 or 5", actual: "\(version)", offset: 0)
        }
        attestationKeyType = try reader.readLittleEndian(UInt16.self, "header.attestationKeyType")
        guard attestationKeyType == 2 else {
            let actual = "\(attestationKeyType)"
            throw ParseError(field: "header.attestationKeyType", expected: "2 (P-256)", actual: actual, offset: 2)
        }
        teeType = try reader.readLittleEndian(UInt32.self, "header.teeType")
        let isKnownType = teeType == Self.sgxType || (teeType == Self.tdxType && version >= 4)
        guard isKnownType else {
            let expected = version == 3 ? "0 (SGX)" : "0 (SGX) or 0x81 (TDX)"
            let actual = "0x" + String(teeType, radix: 16)
            throw ParseError(field: "header.teeType", expected: expected, actual: actual, offset: 4)
        }
        _ = try reader.read(4, "header.reserved")
        qeVendorId = try reader.read(16, "header.qeVendorId")
        userData = try reader.read(20, "header.userData")

        body = try Self.readBody(&reader, version: version, teeType: teeType)
        signedSpan = bytes[0..<reader.offset]

        let signatureCount = try reader.readLittleEndian(UInt32.self, "signatureDataLength")
        let signatureData = try reader.read(Int(signatureCount), "signatureData")
        byteCount = reader.offset
        let trailing = reader.readRest()
        guard trailing.allSatisfy({ $0 == 0 }) else {
            throw ParseError(
                field: "quote",
                expected: "zeros after the quote",
                actual: "\(trailing.count) other bytes",
                offset: byteCount
            )
        }

        var data = ByteReader(signatureData)
        signature = try data.read(64, "signature")
        keyCertification = signatureData.dropFirst(64)
        attestationKey = try data.read(64, "attestationKey")
        var inner = data
        if version >= 4 {
            let outerType = try data.readLittleEndian(UInt16.self, "certificationData.type")
            guard outerType == 6 else {
                let actual = "\(outerType)"
                throw ParseError(field: "certificationData.type", expected: "6 (QE report)", actual: actual)
            }
            let outerCount = try data.readLittleEndian(UInt32.self, "certificationData.length")
            inner = ByteReader(try data.read(Int(outerCount), "certificationData"))
            try data.finish("signatureData")
        }
        qeReport = EnclaveReport(bytes: try inner.read(EnclaveReport.byteCount, "qeReport"))
        qeReportSignature = try inner.read(64, "qeReportSignature")
        let authenticationCount = try inner.readLittleEndian(UInt16.self, "qeAuthenticationData.length")
        qeAuthenticationData = try inner.read(Int(authenticationCount), "qeAuthenticationData")
        certificationType = try inner.readLittleEndian(UInt16.self, "qeCertificationData.type")
        guard (1...5).contains(certificationType) else {
            let actual = "\(certificationType)"
            throw ParseError(field: "qeCertificationData.type", expected: "1 to 5", actual: actual)
        }
        let certificationCount = try inner.readLittleEndian(UInt32.self, "qeCertificationData.length")
        certificationData = try inner.read(Int(certificationCount), "qeCertificationData")
        try inner.finish(version >= 4 ? "certificationData" : "signatureData")
    }

    private static func readBody(
        _ reader: inout ByteReader,
        version: UInt16,
        teeType: UInt32
    ) throws(ParseError) -> Body {
        guard version == 5 else {
            if teeType == sgxType {
                return .enclave(EnclaveReport(bytes: try reader.read(EnclaveReport.byteCount, "body")))
            }
            return .td(TDReport(version: .v1_0, bytes: try reader.read(TDReport.Version.v1_0.byteCount, "body")))
        }
        let type = try reader.readLittleEndian(UInt16.self, "body.type")
        let count = try reader.readLittleEndian(UInt32.self, "body.size")
        let tdVersion: TDReport.Version?
        switch (type, teeType) {
        case (1, sgxType): tdVersion = nil
        case (2, tdxType): tdVersion = .v1_0
        case (3, tdxType): tdVersion = .v1_5
        case (4, tdxType): tdVersion = .v1_5Extended
        default:
            let actual = "\(type) with TEE type 0x" + String(teeType, radix: 16)
            throw ParseError(field: "body.type", expected: "1 for SGX, 2 to 4 for TDX", actual: actual, offset: 48)
        }
        let expected = tdVersion?.byteCount ?? EnclaveReport.byteCount
        guard Int(count) == expected else {
            throw ParseError(field: "body.size", expected: "\(expected)", actual: "\(count)", offset: 50)
        }
        let bytes = try reader.read(expected, "body")
        guard let tdVersion else { return .enclave(EnclaveReport(bytes: bytes)) }
        return .td(TDReport(version: tdVersion, bytes: bytes))
    }
}
