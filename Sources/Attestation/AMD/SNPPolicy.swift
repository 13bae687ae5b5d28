// The policy section for SEV-SNP guests.

public import Codecs

/// The section `sev-snp`.
public struct SNPPolicy: FamilyPolicy, Equatable {
    public static let section = EvidenceKind.sevSNP.rawValue
    /// Least firmware versions by product. A product that is not named is refused.
    public var minTcb: [AMDProduct: Minimum<SNPTCBVersionBound>]
    /// `true` to demand AMD's revocation list, `.any` to accept evidence without one. A list that is given is always
    /// checked.
    public var revocationList: FlagRule
    /// Accepted signing keys: `vcek`, `vlek`.
    public var signingKeys: Allowed<String>
    /// Accepted privilege levels.
    public var vmpl: Allowed<UInt64>
    /// Accepted launch measurements.
    public var measurement: Allowed<[UInt8]>
    /// Accepted host data.
    public var hostData: Allowed<[UInt8]>
    /// Accepted digests of ID keys; 48 zero bytes for none.
    public var idKeyDigest: Allowed<[UInt8]>
    /// Accepted digests of author keys; 48 zero bytes for none.
    public var authorKeyDigest: Allowed<[UInt8]>
    /// Accepted family identifiers.
    public var familyId: Allowed<[UInt8]>
    /// Accepted image identifiers.
    public var imageId: Allowed<[UInt8]>
    /// Accepted chips.
    public var chipId: Allowed<[UInt8]>
    /// Least security version of the guest.
    public var minGuestSvn: Minimum<UInt64>
    /// Guest policy bit 19, DEBUG.
    public var debug: FlagRule
    /// Guest policy bit 18, MIGRATE_MA.
    public var migration: FlagRule
    /// Guest policy bit 16, SMT.
    public var smtAllowed: FlagRule
    /// Guest policy bit 20, SINGLE_SOCKET.
    public var singleSocket: FlagRule
    /// Platform bit 0: multithreading is on.
    public var platformSMT: FlagRule
    /// Platform bit 1: all memory is encrypted.
    public var platformTSME: FlagRule
    /// Platform bit 2: memory has error correction.
    public var platformECC: FlagRule
    /// Platform bit 3: power reporting (RAPL) is off.
    public var platformRAPLDisabled: FlagRule
    /// Platform bit 4: ciphertext is hidden from the host.
    public var platformCiphertextHiding: FlagRule
    /// Platform bit 5: memory aliases were looked for since the last reset (AMD-SB-3015).
    public var platformAliasCheck: FlagRule

    /// Names every term.
    public init(
        minTcb: [AMDProduct: Minimum<SNPTCBVersionBound>],
        revocationList: FlagRule,
        signingKeys: Allowed<String>,
        vmpl: Allowed<UInt64>,
        measurement: Allowed<[UInt8]>,
        hostData: Allowed<[UInt8]>,
        idKeyDigest: Allowed<[UInt8]>,
        authorKeyDigest: Allowed<[UInt8]>,
        familyId: Allowed<[UInt8]>,
        imageId: Allowed<[UInt8]>,
        chipId: Allowed<[UInt8]>,
        minGuestSvn: Minimum<UInt64>,
        debug: FlagRule,
        migration: FlagRule,
        smtAllowed: FlagRule,
        singleSocket: FlagRule,
        platformSMT: FlagRule,
        platformTSME: FlagRule,
        platformECC: FlagRule,
        platformRAPLDisabled: FlagRule,
        platformCiphertextHiding: FlagRule,
        platformAliasCheck: FlagRule
    ) {
        self.minTcb = minTcb
        self.revocationList = revocationList
        self.signingKeys = signingKeys
        self.vmpl = vmpl
        self.measurement = measurement
        self.hostData = hostData
        self.idKeyDigest = idKeyDigest
        self.authorKeyDigest = authorKeyDigest
        self.familyId = familyId
        self.imageId = imageId
        self.chipId = chipId
        self.minGuestSvn = minGuestSvn
        self.debug = debug
        self.migration = migration
        self.smtAllowed = smtAllowed
        self.singleSocket = singleSocket
        self.platformSMT = platformSMT
        self.platformTSME = platformTSME
        self.platformECC = platformECC
        self.platformRAPLDisabled = platformRAPLDisabled
        self.platformCiphertextHiding = platformCiphertextHiding
        self.platformAliasCheck = platformAliasCheck
    }

    public init(_ reader: inout JSONReader) throws(ParseError) {
        minTcb = [:]
        var products = try reader.object("minTcb")
        for product in AMDProduct.allCases {
            guard let value = products.optionalValue(product.rawValue.lowercased()) else { continue }
            if value == .string("any") {
                minTcb[product] = .any
                continue
            }
            var item = try JSONReader(value, products.path(product.rawValue.lowercased()))
            let bound = try SNPTCBVersionBound(&item, product: product)
            try item.finish()
            minTcb[product] = .atLeast(bound)
        }
        try products.finish()
        revocationList = try reader.flagRule("revocationList")
        signingKeys = try reader.allowedTexts("signingKeys", known: SNPSigningKey.allCases.map(\.rawValue))
        vmpl = try reader.allowedIntegers("vmpl")
        measurement = try reader.allowedBytes("measurement", count: 48)
        hostData = try reader.allowedBytes("hostData", count: 32)
        idKeyDigest = try reader.allowedBytes("idKeyDigest", count: 48)
        authorKeyDigest = try reader.allowedBytes("authorKeyDigest", count: 48)
        familyId = try reader.allowedBytes("familyId", count: 16)
        imageId = try reader.allowedBytes("imageId", count: 16)
        chipId = try reader.allowedBytes("chipId", count: 64)
        minGuestSvn = try reader.minimum("minGuestSvn")
        debug = try reader.flagRule("debug")
        migration = try reader.flagRule("migration")
        smtAllowed = try reader.flagRule("smtAllowed")
        singleSocket = try reader.flagRule("singleSocket")
        platformSMT = try reader.flagRule("platformSmt")
        platformTSME = try reader.flagRule("platformTsme")
        platformECC = try reader.flagRule("platformEcc")
        platformRAPLDisabled = try reader.flagRule("platformRaplDisabled")
        platformCiphertextHiding = try reader.flagRule("platformCiphertextHiding")
        platformAliasCheck = try reader.flagRule("platformAliasCheck")
    }
}

/// Least firmware versions of one product, ordered by "every part at least".
public struct SNPTCBVersionBound: Sendable, Comparable {
    /// The versions.
    public var tcb: SNPTCBVersion

    /// Takes the versions.
    public init(_ tcb: SNPTCBVersion) {
        self.tcb = tcb
    }

    init(_ reader: inout JSONReader, product: AMDProduct) throws(ParseError) {
        let bootLoader = UInt8(try reader.integer("bootLoader", in: 0...255))
        let tee = UInt8(try reader.integer("tee", in: 0...255))
        let snp = UInt8(try reader.integer("snp", in: 0...255))
        let microcode = UInt8(try reader.integer("microcode", in: 0...255))
        if product == .turin {
            let fmc = UInt8(try reader.integer("fmc", in: 0...255))
            tcb = SNPTCBVersion([fmc, bootLoader, tee, snp, 0, 0, 0, microcode], product: product)
        } else {
            tcb = SNPTCBVersion([bootLoader, tee, 0, 0, 0, 0, snp, microcode], product: product)
        }
    }

    /// A partial order: false both ways when each side is ahead in some part.
    public static func < (left: SNPTCBVersionBound, right: SNPTCBVersionBound) -> Bool {
        left != right && right.tcb.reaches(left.tcb)
    }
}
