// A fake AMD: root key, authorities and one processor, which makes SEV-SNP reports of any product, version and fault.

public import Attestation
internal import Codecs

/// A processor under a fake AMD root.
public struct FakeAMDProcessor: Sendable {
    /// The product.
    public let product: AMDProduct
    /// The root (ARK), to be pinned as `amd-sev`.
    public let root: TestIdentity
    /// The authority of VCEK certificates (ASK).
    public let authority: TestIdentity
    /// The authority of VLEK certificates (ASVK).
    public let loadedAuthority: TestIdentity
    /// The chip's identifier as in reports.
    public let chipId: [UInt8]
    /// The processor's key for `tcb`, without a certificate.
    public let key = TestKey(.p384)

    /// Makes a processor with fresh keys.
    public init(_ product: AMDProduct) {
        self.product = product
        root = TestIdentity.root(TestCertificateForm(name: "ARK-\(product.rawValue)"))
        authority = root.issue(TestCertificateForm(name: "SEV-\(product.rawValue)", serial: 2, isAuthority: true))
        loadedAuthority = root.issue(
            TestCertificateForm(name: "SEV-VLEK-\(product.rawValue)", serial: 3, isAuthority: true)
        )
        let count = product == .turin ? 8 : 64
        chipId = [UInt8](repeating: 0xc1, count: count) + [UInt8](repeating: 0, count: 64 - count)
    }

    /// Firmware versions of a good processor, as eight bytes of a report.
    public var goodTCB: [UInt8] { product == .turin ? [1, 2, 3, 4, 0, 0, 0, 9] : [4, 0, 0, 0, 0, 0, 23, 213] }

    /// The trust anchors that pin this fake AMD.
    public var anchors: TrustAnchors { TrustAnchors(roots: [.amdSEV: [root.certificate]]) }

    /// An endorsement certificate for these firmware versions.
    /// - Parameters:
    ///   - kind: VCEK or VLEK.
    ///   - tcb: the eight bytes for which the key was derived.
    ///   - chip: the chip's identifier, when it is not this processor's.
    ///   - productName: the name in the certificate, when it is not this product's.
    public func endorsement(
        _ kind: SNPSigningKey = .vcek,
        tcb: [UInt8]? = nil,
        chip: [UInt8]? = nil,
        productName: String? = nil
    ) -> TestIdentity {
        let versions = SNPTCBVersion(tcb ?? goodTCB, product: product)
        func item(_ last: [UInt64], _ value: [UInt8]) -> [UInt8] {
            var name = Array(OID(1, 3, 6, 1, 4, 1, 3704, 1).encoded)
            name.append(contentsOf: last.map { UInt8($0) })
            return DERWriter.sequence(
                DERWriter.element(DERReader.Tag.objectIdentifier, name),
                DERWriter.octetString(value)
            )
        }
        let name = Array((productName ?? product.rawValue).utf8)
        var extensions = [
            item([2], DERWriter.element(DERReader.Tag.ia5String, name)),
            item([3, 1], DERWriter.integer(UInt64(versions.bootLoader))),
            item([3, 2], DERWriter.integer(UInt64(versions.tee))),
            item([3, 3], DERWriter.integer(UInt64(versions.snp))),
            item([3, 8], DERWriter.integer(UInt64(versions.microcode))),
        ]
        if let fmc = versions.fmc { extensions.append(item([3, 9], DERWriter.integer(UInt64(fmc)))) }
        if kind == .vcek {
            extensions.append(item([4], Array((chip ?? chipId).prefix(product == .turin ? 8 : 64))))
        }
        let form = TestCertificateForm(
            name: kind == .vcek ? "SEV-VCEK" : "SEV-VLEK",
            serial: kind == .vcek ? 0 : 77,
            extensions: extensions
        )
        return (kind == .vcek ? authority : loadedAuthority).issue(form, key: key)
    }

    /// The collateral with these endorsement certificates and, if wanted, AMD's revocation list.
    public func collateral(_ endorsements: [TestIdentity], list: [UInt8]? = nil) -> CollateralBundle {
        let certificates = ([authority, loadedAuthority] + endorsements).map {
            CollateralItem(kind: .certificate, body: $0.certificate.der)
        }
        let lists = list.map { [CollateralItem(kind: .revocationList, body: $0)] } ?? []
        return CollateralBundle(certificates + lists)
    }

    /// What a report says.
    public struct ReportForm: Sendable {
        /// Format version.
        public var version: UInt32 = 3
        /// The guest policy's bits.
        public var policy: UInt64 = 0x30000
        /// The privilege level.
        public var vmpl: UInt32 = 0
        /// Current firmware versions; the reported ones when `nil`.
        public var currentTcb: [UInt8]?
        /// The firmware versions for which the key was derived.
        public var reportedTcb: [UInt8]?
        /// The platform's bits: SMT, ECC and a finished alias check.
        public var platformInfo: UInt64 = 0x25
        /// Key selection and masks.
        public var flags: UInt32 = 0
        /// CPUID family and model, when they are not the product's.
        public var cpuid: (family: UInt8, model: UInt8)?
        /// The chip's identifier, when it is not the processor's.
        public var chipId: [UInt8]?
        /// Digest of the ID key.
        public var idKeyDigest = [UInt8](repeating: 0, count: 48)
        /// Digest of the author key.
        public var authorKeyDigest = [UInt8](repeating: 0, count: 48)
        /// Free data.
        public var reportData = [UInt8](repeating: 0x52, count: 64)

        /// A good report.
        public init() {}
    }

    /// A report of this processor.
    public func report(_ form: ReportForm = ReportForm()) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: SNPReport.byteCount)
        func put(_ offset: Int, _ value: [UInt8]) { bytes.replaceSubrange(offset..<offset + value.count, with: value) }
        func number<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
            Swift.withUnsafeBytes(of: value.littleEndian) { Array($0) }
        }
        let reported = form.reportedTcb ?? goodTCB
        put(0x00, number(form.version))
        put(0x08, number(form.policy))
        put(0x30, number(form.vmpl))
        put(0x34, number(UInt32(1)))
        put(0x38, form.currentTcb ?? reported)
        put(0x40, number(form.platformInfo))
        put(0x48, number(form.flags))
        put(0x50, form.reportData)
        put(0x90, [UInt8](repeating: 0x44, count: 48))
        put(0xe0, form.idKeyDigest)
        put(0x110, form.authorKeyDigest)
        put(0x180, reported)
        if form.version >= 3 {
            let cpuid: (family: UInt8, model: UInt8)
            switch product {
            case .milan: cpuid = (0x19, 0x01)
            case .genoa: cpuid = (0x19, 0x11)
            case .turin: cpuid = (0x1a, 0x02)
            }
            put(0x188, [form.cpuid?.family ?? cpuid.family, form.cpuid?.model ?? cpuid.model, 1])
        }
        put(0x1a0, form.chipId ?? (form.flags & 2 == 0 ? chipId : [UInt8](repeating: 0, count: 64)))
        put(0x1e0, reported)
        put(0x1f0, reported)
        let signature = key.sign(Array(bytes.prefix(SNPReport.signedCount)))
        put(0x2a0, signature.prefix(48).reversed())
        put(0x2e8, signature.suffix(48).reversed())
        return bytes
    }
}
