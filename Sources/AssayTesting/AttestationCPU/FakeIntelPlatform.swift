// A fake Intel: root, PCK authority, TCB signer and one platform, which makes quotes and collateral with any state and any
// fault that a test asks for.

public import Attestation
internal import Codecs

/// A platform under a fake Intel root.
public struct FakeIntelPlatform: Sendable {
    /// The root, to be pinned as `intel-sgx`.
    public let root: TestIdentity
    /// The authority of PCK certificates.
    public let authority: TestIdentity
    /// The signer of TCB infos and identities.
    public let tcbSigner: TestIdentity
    /// The platform's certificate.
    public let pck: TestIdentity
    /// The quoting enclave's key.
    public let attestationKey: TestKey
    /// What the PCK certificate says.
    public let form: PlatformForm

    /// What a PCK certificate says about its platform.
    public struct PlatformForm: Sendable {
        /// The kind of platform.
        public var fmspc: [UInt8] = [0x00, 0x11, 0x22, 0x33, 0x44, 0x55]
        /// The provisioning certification enclave's identifier.
        public var pceId: [UInt8] = [0, 0]
        /// The versions of the 16 SGX components.
        public var components = [UInt8](repeating: 5, count: 16)
        /// The version of the provisioning certification enclave.
        public var pceSvn: UInt64 = 11
        /// The certificate's serial number.
        public var serial: UInt64 = 0x1234
        /// The name of the issuing authority.
        public var authorityName = "Intel SGX PCK Platform CA"

        /// The good form.
        public init() {}
    }

    /// Makes a platform with fresh keys.
    public init(_ form: PlatformForm = PlatformForm()) {
        self.form = form
        root = TestIdentity.root(TestCertificateForm(name: "Intel SGX Root CA"), key: TestKey(.p256))
        authority = root.issue(
            TestCertificateForm(name: form.authorityName, serial: 2, isAuthority: true),
            key: TestKey(.p256)
        )
        tcbSigner = root.issue(TestCertificateForm(name: "Intel SGX TCB Signing", serial: 3), key: TestKey(.p256))
        pck = authority.issue(
            TestCertificateForm(
                name: "Intel SGX PCK Certificate",
                serial: form.serial,
                extensions: [Self.sgxExtension(form)]
            ),
            key: TestKey(.p256)
        )
        attestationKey = TestKey(.p256)
    }

    private static func sgxExtension(_ form: PlatformForm) -> [UInt8] {
        func name(_ arcs: [UInt64]) -> [UInt8] {
            var encoded = Array(OID(1, 2, 840, 113741, 1, 13, 1).encoded)
            encoded.append(contentsOf: arcs.map { UInt8($0) })
            return DERWriter.element(DERReader.Tag.objectIdentifier, encoded)
        }
        var components: [UInt8] = []
        for (index, svn) in form.components.enumerated() {
            components += DERWriter.sequence(name([2, UInt64(index + 1)]), DERWriter.integer(UInt64(svn)))
        }
        components += DERWriter.sequence(name([2, 17]), DERWriter.integer(form.pceSvn))
        components += DERWriter.sequence(name([2, 18]), DERWriter.octetString(form.components))
        let flag = DERWriter.element(DERReader.Tag.boolean, [0])
        let configuration = (1...3).flatMap { DERWriter.sequence(name([7, UInt64($0)]), flag) }
        let value = DERWriter.sequence(
            DERWriter.sequence(name([1]), DERWriter.octetString([UInt8](repeating: 7, count: 16))),
            DERWriter.sequence(name([2]), DERWriter.element(DERReader.Tag.sequence, components)),
            DERWriter.sequence(name([3]), DERWriter.octetString(form.pceId)),
            DERWriter.sequence(name([4]), DERWriter.octetString(form.fmspc)),
            DERWriter.sequence(name([5]), DERWriter.element(DERReader.Tag.enumerated, [1])),
            DERWriter.sequence(name([7]), DERWriter.element(DERReader.Tag.sequence, configuration))
        )
        return DERWriter.extension(OID(1, 2, 840, 113741, 1, 13, 1), isCritical: false, value)
    }

    /// The trust anchors that pin this fake Intel.
    public var anchors: TrustAnchors { TrustAnchors(roots: [.intelSGX: [root.certificate]]) }

    // MARK: Quotes

    /// What a quote says and how it is made.
    public struct QuoteForm: Sendable {
        /// Format version, 3, 4 or 5.
        public var version: UInt16 = 4
        /// The body: 384 bytes for SGX, 584, 648 or 885 for TDX.
        public var body: [UInt8]
        /// The quoting enclave's security version.
        public var qeIsvSvn: UInt16 = 8
        /// The quoting enclave's signer.
        public var qeMrSigner = [UInt8](repeating: 0xaa, count: 32)
        /// The vendor in the header.
        public var vendorId = IntelQuote.intelVendorId
        /// Free data bound to the attestation key.
        public var authenticationData: [UInt8] = Array("authentication data".utf8)
        /// The certification data's type.
        public var certificationType: UInt16 = 5
        /// Whether the second half of the quoting enclave's report data is not zero.
        public var hasDirtyBinding = false
        /// Bytes instead of the certification data.
        public var certificationData: [UInt8]?

        /// A form for `body`.
        public init(body: [UInt8]) {
            self.body = body
        }
    }

    /// A TD report body with these versions; everything else is zero or a pattern.
    public static func tdBody(
        version: TDReport.Version = .v1_0,
        teeTcbSvn: [UInt8] = [5, 1, 5] + [UInt8](repeating: 0, count: 13),
        teeTcbSvn2: [UInt8] = [5, 1, 5] + [UInt8](repeating: 0, count: 13),
        attributes: UInt64 = 1 << 28,
        mrSignerSeam: [UInt8] = [UInt8](repeating: 0, count: 48),
        reportData: [UInt8] = [UInt8](repeating: 0x52, count: 64),
        serviceTd: [UInt8] = []
    ) -> [UInt8] {
        var body = [UInt8](repeating: 0, count: version.byteCount)
        body.replaceSubrange((body.count - serviceTd.count)..., with: serviceTd)
        body.replaceSubrange(0..<16, with: teeTcbSvn)
        body.replaceSubrange(64..<112, with: mrSignerSeam)
        var bits: [UInt8] = []
        bits.appendLittleEndian(attributes)
        body.replaceSubrange(120..<128, with: bits)
        body.replaceSubrange(136..<184, with: [UInt8](repeating: 0x11, count: 48))
        body.replaceSubrange(520..<584, with: reportData)
        if version != .v1_0 { body.replaceSubrange(584..<600, with: teeTcbSvn2) }
        return body
    }

    /// An enclave report body.
    public static func enclaveBody(
        isDebug: Bool = false,
        isvSvn: UInt16 = 1,
        reportData: [UInt8] = [UInt8](repeating: 0x52, count: 64)
    ) -> [UInt8] {
        var body = [UInt8](repeating: 0, count: EnclaveReport.byteCount)
        body[48] = isDebug ? 0x07 : 0x05
        body.replaceSubrange(64..<96, with: [UInt8](repeating: 0x22, count: 32))
        body.replaceSubrange(128..<160, with: [UInt8](repeating: 0x33, count: 32))
        body[256] = 1
        body[258] = UInt8(truncatingIfNeeded: isvSvn)
        body[259] = UInt8(truncatingIfNeeded: isvSvn >> 8)
        body.replaceSubrange(320..<384, with: reportData)
        return body
    }

    /// A quote of this platform.
    public func quote(_ form: QuoteForm) -> [UInt8] {
        let isTDX = form.body.count != EnclaveReport.byteCount
        var signed: [UInt8] = []
        signed.appendLittleEndian(form.version)
        signed.appendLittleEndian(UInt16(2))
        signed.appendLittleEndian(isTDX ? IntelQuote.tdxType : IntelQuote.sgxType)
        signed.append(contentsOf: [0, 0, 0, 0])
        signed.append(contentsOf: form.vendorId)
        signed.append(contentsOf: [UInt8](repeating: 0, count: 20))
        if form.version == 5 {
            let types: [Int: UInt16] = [384: 1, 584: 2, 648: 3, 885: 4]
            signed.appendLittleEndian(types[form.body.count] ?? 0)
            signed.appendLittleEndian(UInt32(form.body.count))
        }
        signed.append(contentsOf: form.body)

        var qeReport = [UInt8](repeating: 0, count: EnclaveReport.byteCount)
        qeReport[48] = 0x11
        qeReport.replaceSubrange(128..<160, with: form.qeMrSigner)
        qeReport[256] = isTDX ? 2 : 1
        qeReport[258] = UInt8(truncatingIfNeeded: form.qeIsvSvn)
        let bound = HashAlgorithm.sha256.digest(attestationKey.coordinates[...], form.authenticationData[...])
        qeReport.replaceSubrange(320..<352, with: bound)
        if form.hasDirtyBinding { qeReport[383] = 1 }

        var certified = qeReport
        certified.append(contentsOf: pck.key.sign(qeReport))
        certified.appendLittleEndian(UInt16(form.authenticationData.count))
        certified.append(contentsOf: form.authenticationData)
        certified.appendLittleEndian(form.certificationType)
        let chain =
            form.certificationData ?? (form.certificationType == 5 ? pemChain : [UInt8](repeating: 1, count: 36))
        certified.appendLittleEndian(UInt32(chain.count))
        certified.append(contentsOf: chain)

        var data = attestationKey.sign(signed)
        data.append(contentsOf: attestationKey.coordinates)
        if form.version >= 4 {
            data.appendLittleEndian(UInt16(6))
            data.appendLittleEndian(UInt32(certified.count))
        }
        data.append(contentsOf: certified)
        var quote = signed
        quote.appendLittleEndian(UInt32(data.count))
        return quote + data
    }

    /// The PCK certificate, its authority and the root in PEM.
    public var pemChain: [UInt8] {
        [pck, authority, root].flatMap { PEM.encode($0.certificate.der) }
    }
}
