// The policy sections for SGX enclaves and for TDs.

public import Codecs

/// What a policy demands of the platform of an Intel quote.
public struct IntelPlatformPolicy: Sendable, Equatable {
    /// Accepted statuses by Intel's names. `Revoked` cannot be accepted.
    public var tcbStatuses: Allowed<String>
    /// Accepted advisories: an advisory outside the list refuses.
    public var advisories: Allowed<String>
    /// The least date of the matched TCB levels.
    public var minTcbDate: Minimum<Timestamp>
    /// The least evaluation number of the TCB info and the quoting enclave identity.
    public var minTcbEvaluationDataNumber: Minimum<UInt64>
    /// Whether packages can be added to the platform.
    public var dynamicPlatform: FlagRule
    /// Whether platform keys are cached by Intel's registration service.
    public var cachedKeys: FlagRule
    /// Whether simultaneous multithreading is on.
    public var smt: FlagRule

    /// Names every term.
    public init(
        tcbStatuses: Allowed<String>,
        advisories: Allowed<String>,
        minTcbDate: Minimum<Timestamp>,
        minTcbEvaluationDataNumber: Minimum<UInt64>,
        dynamicPlatform: FlagRule,
        cachedKeys: FlagRule,
        smt: FlagRule
    ) {
        self.tcbStatuses = tcbStatuses
        self.advisories = advisories
        self.minTcbDate = minTcbDate
        self.minTcbEvaluationDataNumber = minTcbEvaluationDataNumber
        self.dynamicPlatform = dynamicPlatform
        self.cachedKeys = cachedKeys
        self.smt = smt
    }

    init(_ reader: inout JSONReader) throws(ParseError) {
        tcbStatuses = try reader.allowedTexts("tcbStatuses", known: TCBStatus.acceptable.map(\.rawValue))
        advisories = try reader.allowedTexts("advisories")
        minTcbDate = try reader.minimumTime("minTcbDate")
        minTcbEvaluationDataNumber = try reader.minimum("minTcbEvaluationDataNumber")
        dynamicPlatform = try reader.flagRule("dynamicPlatform")
        cachedKeys = try reader.flagRule("cachedKeys")
        smt = try reader.flagRule("smt")
    }
}

/// The section `sgx`.
public struct SGXPolicy: FamilyPolicy, Equatable {
    public static let section = EvidenceKind.sgx.rawValue
    /// The platform.
    public var platform: IntelPlatformPolicy
    /// ATTRIBUTES.DEBUG.
    public var debug: FlagRule
    /// ATTRIBUTES.PROVISION_KEY.
    public var provisionKey: FlagRule
    /// Accepted enclave measurements.
    public var mrEnclave: Allowed<[UInt8]>
    /// Accepted signers.
    public var mrSigner: Allowed<[UInt8]>
    /// Accepted product identifiers.
    public var isvProdId: Allowed<UInt64>
    /// Least security version of the enclave.
    public var minIsvSvn: Minimum<UInt64>
    /// Accepted configuration identifiers.
    public var configId: Allowed<[UInt8]>

    /// Names every term.
    public init(
        platform: IntelPlatformPolicy,
        debug: FlagRule,
        provisionKey: FlagRule,
        mrEnclave: Allowed<[UInt8]>,
        mrSigner: Allowed<[UInt8]>,
        isvProdId: Allowed<UInt64>,
        minIsvSvn: Minimum<UInt64>,
        configId: Allowed<[UInt8]>
    ) {
        self.platform = platform
        self.debug = debug
        self.provisionKey = provisionKey
        self.mrEnclave = mrEnclave
        self.mrSigner = mrSigner
        self.isvProdId = isvProdId
        self.minIsvSvn = minIsvSvn
        self.configId = configId
    }

    public init(_ reader: inout JSONReader) throws(ParseError) {
        platform = try IntelPlatformPolicy(&reader)
        debug = try reader.flagRule("debug")
        provisionKey = try reader.flagRule("provisionKey")
        mrEnclave = try reader.allowedBytes("mrEnclave", count: 32)
        mrSigner = try reader.allowedBytes("mrSigner", count: 32)
        isvProdId = try reader.allowedIntegers("isvProdId")
        minIsvSvn = try reader.minimum("minIsvSvn")
        configId = try reader.allowedBytes("configId", count: 64)
    }
}

/// The section `tdx`.
public struct TDXPolicy: FamilyPolicy, Equatable {
    public static let section = EvidenceKind.tdx.rawValue
    /// The platform.
    public var platform: IntelPlatformPolicy
    /// The attribute bits, each a term of its own.
    public var attributes: TDAttributePolicy
    /// Accepted TDX module measurements.
    public var mrSeam: Allowed<[UInt8]>
    /// Accepted measurements of the TD's initial content.
    public var mrTd: Allowed<[UInt8]>
    /// Accepted configuration identifiers.
    public var mrConfigId: Allowed<[UInt8]>
    /// Accepted owners.
    public var mrOwner: Allowed<[UInt8]>
    /// Accepted owner configurations.
    public var mrOwnerConfig: Allowed<[UInt8]>
    /// Accepted service TDs; 48 zero bytes for none.
    public var mrServiceTd: Allowed<[UInt8]>
    /// Accepted values of the four run-time registers.
    public var rtMr: [Allowed<[UInt8]>]
    /// Accepted extended feature sets.
    public var xfam: Allowed<[UInt8]>

    /// Names every term; `rtMr` has four.
    public init(
        platform: IntelPlatformPolicy,
        attributes: TDAttributePolicy,
        mrSeam: Allowed<[UInt8]>,
        mrTd: Allowed<[UInt8]>,
        mrConfigId: Allowed<[UInt8]>,
        mrOwner: Allowed<[UInt8]>,
        mrOwnerConfig: Allowed<[UInt8]>,
        mrServiceTd: Allowed<[UInt8]>,
        rtMr: [Allowed<[UInt8]>],
        xfam: Allowed<[UInt8]>
    ) {
        precondition(rtMr.count == 4, "there are four run-time registers")
        self.platform = platform
        self.attributes = attributes
        self.mrSeam = mrSeam
        self.mrTd = mrTd
        self.mrConfigId = mrConfigId
        self.mrOwner = mrOwner
        self.mrOwnerConfig = mrOwnerConfig
        self.mrServiceTd = mrServiceTd
        self.rtMr = rtMr
        self.xfam = xfam
    }

    public init(_ reader: inout JSONReader) throws(ParseError) {
        platform = try IntelPlatformPolicy(&reader)
        attributes = try TDAttributePolicy(&reader)
        mrSeam = try reader.allowedBytes("mrSeam", count: 48)
        mrTd = try reader.allowedBytes("mrTd", count: 48)
        mrConfigId = try reader.allowedBytes("mrConfigId", count: 48)
        mrOwner = try reader.allowedBytes("mrOwner", count: 48)
        mrOwnerConfig = try reader.allowedBytes("mrOwnerConfig", count: 48)
        mrServiceTd = try reader.allowedBytes("mrServiceTd", count: 48)
        rtMr = []
        for index in 0..<4 { rtMr.append(try reader.allowedBytes("rtMr\(index)", count: 48)) }
        xfam = try reader.allowedBytes("xfam", count: 8)
    }
}

/// What a policy demands of the attribute bits of a TD. Source: Intel "TDX Module 1.5 ABI", ATTRIBUTES.
public struct TDAttributePolicy: Sendable, Equatable {
    /// Bit 0, DEBUG: the TD's memory can be read from outside. The other TUD bits (1 to 7) count as debug too.
    public var debug: FlagRule
    /// Bit 28, SEPT_VE_DISABLE: the guest cannot be surprised by pending pages.
    public var septVeDisable: FlagRule
    /// Bit 29, MIGRATABLE.
    public var migratable: FlagRule
    /// Bit 30, PKS: supervisor protection keys.
    public var pks: FlagRule
    /// Bit 31, KL: key locker.
    public var keyLocker: FlagRule
    /// Bit 63, PERFMON: performance counters.
    public var perfmon: FlagRule
    /// Any bit that has no term of its own. Bit 17, SERVTD_EXT, has a section of its own: `tdx-service-td`.
    public var otherBits: FlagRule

    static let debugMask: UInt64 = 0xff
    static let septVeDisableMask: UInt64 = 1 << 28
    static let migratableMask: UInt64 = 1 << 29
    static let pksMask: UInt64 = 1 << 30
    static let keyLockerMask: UInt64 = 1 << 31
    static let perfmonMask: UInt64 = 1 << 63
    /// SERVTD_EXT: the report carries the initial service TD.
    static let serviceTdExtensionMask: UInt64 = 1 << 17
    static let otherMask =
        ~(debugMask | septVeDisableMask | migratableMask | pksMask | keyLockerMask | perfmonMask
        | serviceTdExtensionMask)

    /// Names every term.
    public init(
        debug: FlagRule,
        septVeDisable: FlagRule,
        migratable: FlagRule,
        pks: FlagRule,
        keyLocker: FlagRule,
        perfmon: FlagRule,
        otherBits: FlagRule
    ) {
        self.debug = debug
        self.septVeDisable = septVeDisable
        self.migratable = migratable
        self.pks = pks
        self.keyLocker = keyLocker
        self.perfmon = perfmon
        self.otherBits = otherBits
    }

    init(_ reader: inout JSONReader) throws(ParseError) {
        debug = try reader.flagRule("debug")
        septVeDisable = try reader.flagRule("septVeDisable")
        migratable = try reader.flagRule("migratable")
        pks = try reader.flagRule("pks")
        keyLocker = try reader.flagRule("keyLocker")
        perfmon = try reader.flagRule("perfmon")
        otherBits = try reader.flagRule("otherAttributes")
    }
}
