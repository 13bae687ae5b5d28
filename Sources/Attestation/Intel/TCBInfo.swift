// Intel TCB info (versions 2 and 3) and enclave identities (version 2) read from their signed text.
// Source: Intel PCS API v4, "TCB info" and "Quoting enclave identity". Unknown members are refused: a field that a reader
// does not know may be the one that changes the verdict.

public import Codecs

/// One step of a TCB history.
public struct TCBLevel: Sendable {
    /// Least security versions of the 16 SGX components.
    public var sgxComponents: [UInt64]
    /// Least security version of the provisioning certification enclave.
    public var pceSvn: UInt64
    /// Least security versions of the 16 TDX components; empty for SGX.
    public var tdxComponents: [UInt64]
    /// Whether the components were written one by one, as format version 2 does.
    var isFlat: Bool
    /// The state of a platform at this level.
    public var status: TCBStatus
    /// When the level was current.
    public var date: Timestamp
    /// The advisories that apply at this level.
    public var advisories: [String]
}

/// One step of the history of an enclave or a TDX module, which has one security version.
public struct VersionLevel: Sendable {
    /// Least security version.
    public var isvSvn: UInt64
    /// The state at this level.
    public var status: TCBStatus
    /// When the level was current.
    public var date: Timestamp
    /// The advisories that apply at this level.
    public var advisories: [String]
}

/// Who may have signed the TDX module, and its history.
public struct TDXModuleIdentity: Sendable {
    /// `TDX_` and the module version in hexadecimal; empty for the common `tdxModule` member.
    public var id: String
    /// The signer's hash.
    public var mrSigner: [UInt8]
    /// The attributes under `attributesMask`.
    public var attributes: [UInt8]
    /// Which attribute bits count.
    public var attributesMask: [UInt8]
    /// The history, newest first.
    public var levels: [VersionLevel]
}

/// The TCB history of one kind of platform.
public struct TCBInfo: Sendable {
    /// `SGX` or `TDX`; version 2 has no member for it and is always SGX.
    public var id: String
    /// Format version, 2 or 3.
    public var version: Int64
    /// When it was issued.
    public var issueDate: Timestamp
    /// When the next one is due at the latest.
    public var nextUpdate: Timestamp
    /// The kind of platform.
    public var fmspc: [UInt8]
    /// The provisioning certification enclave's identifier.
    public var pceId: [UInt8]
    /// Counts Intel's TCB recoveries.
    public var evaluationDataNumber: UInt64
    /// The module of version 0.
    public var tdxModule: TDXModuleIdentity?
    /// The modules by version.
    public var tdxModuleIdentities: [TDXModuleIdentity]
    /// The history, newest first.
    public var levels: [TCBLevel]

    /// Reads the text of a `tcbInfo` value.
    public init(parsing text: [UInt8]) throws(ParseError) {
        var scanner = try JSONScanner(text, field: "tcbInfo")
        var id: String?
        var version: UInt64?
        var issueDate: Timestamp?
        var nextUpdate: Timestamp?
        var fmspc: [UInt8]?
        var pceId: [UInt8]?
        var evaluationDataNumber: UInt64?
        var module: TDXModuleIdentity?
        var identities: [TDXModuleIdentity] = []
        var levels: [TCBLevel]?
        var hasType = false
        try scanner.object { (scanner, name) throws(ParseError) in
            switch name {
            case "id": id = try scanner.string()
            case "version": version = try scanner.unsigned()
            case "issueDate": issueDate = try scanner.timestamp()
            case "nextUpdate": nextUpdate = try scanner.timestamp()
            case "fmspc": fmspc = try scanner.hex(count: 6)
            case "pceId": pceId = try scanner.hex(count: 2)
            case "tcbType": hasType = try scanner.unsigned(max: 0) == 0
            case "tcbEvaluationDataNumber": evaluationDataNumber = try scanner.unsigned()
            case "tdxModule": module = try TDXModuleIdentity(&scanner, hasLevels: false)
            case "tdxModuleIdentities":
                identities = try scanner.array(max: 64) { (scanner) throws(ParseError) in
                    try TDXModuleIdentity(&scanner, hasLevels: true)
                }
            case "tcbLevels":
                levels = try scanner.array(max: 256) { (scanner) throws(ParseError) in try TCBLevel(&scanner) }
            default: throw scanner.unknown(name, in: "tcbInfo")
            }
        }
        try scanner.finish()
        guard let version, let issueDate, let nextUpdate, let fmspc, let pceId, let evaluationDataNumber, let levels,
            hasType
        else { throw scanner.error("all members of tcbInfo", "not all of them") }
        guard version == 2 || version == 3 else { throw scanner.error("2 or 3", "\(version)", "version") }
        guard (version == 3) == (id != nil) else { throw scanner.error("id from version 3 on", id ?? "none", "id") }
        let name = id ?? "SGX"
        guard name == "SGX" || name == "TDX" else { throw scanner.error("SGX or TDX", name, "id") }
        let isTDX = name == "TDX"
        guard (module != nil) == isTDX, isTDX || identities.isEmpty,
            levels.allSatisfy({ $0.tdxComponents.isEmpty != isTDX && $0.isFlat == (version == 2) })
        else { throw scanner.error("the members of \(name), version \(version)", "others", "tcbLevels") }
        self.id = name
        self.version = Int64(version)
        self.issueDate = issueDate
        self.nextUpdate = nextUpdate
        self.fmspc = fmspc
        self.pceId = pceId
        self.evaluationDataNumber = evaluationDataNumber
        self.tdxModule = module
        self.tdxModuleIdentities = identities
        self.levels = levels
    }
}

extension TDXModuleIdentity {
    init(_ scanner: inout JSONScanner, hasLevels: Bool) throws(ParseError) {
        var id = ""
        var mrSigner: [UInt8]?
        var attributes: [UInt8]?
        var attributesMask: [UInt8]?
        var levels: [VersionLevel]?
        try scanner.object { (scanner, name) throws(ParseError) in
            switch name {
            case "id" where hasLevels: id = try scanner.string()
            case "mrsigner": mrSigner = try scanner.hex(count: 48)
            case "attributes": attributes = try scanner.hex(count: 8)
            case "attributesMask": attributesMask = try scanner.hex(count: 8)
            case "tcbLevels" where hasLevels: levels = try VersionLevel.list(&scanner)
            default: throw scanner.unknown(name, in: "tdxModule")
            }
        }
        guard let mrSigner, let attributes, let attributesMask, id.isEmpty != hasLevels, (levels != nil) == hasLevels
        else { throw scanner.error("all members of a TDX module", "not all of them", "tdxModule") }
        self.id = id
        self.mrSigner = mrSigner
        self.attributes = attributes
        self.attributesMask = attributesMask
        self.levels = levels ?? []
    }
}

extension TCBLevel {
    init(_ scanner: inout JSONScanner) throws(ParseError) {
        var tcb: (sgx: [UInt64], pceSvn: UInt64, tdx: [UInt64], isFlat: Bool)?
        var date: Timestamp?
        var status: TCBStatus?
        var advisories: [String] = []
        try scanner.object { (scanner, name) throws(ParseError) in
            switch name {
            case "tcb": tcb = try Self.tcb(&scanner)
            case "tcbDate": date = try scanner.timestamp()
            case "tcbStatus": status = try scanner.status()
            case "advisoryIDs": advisories = try scanner.advisories()
            default: throw scanner.unknown(name, in: "tcbLevels")
            }
        }
        guard let tcb, let date, let status else {
            throw scanner.error("tcb, tcbDate and tcbStatus", "not all of them", "tcbLevels")
        }
        self.sgxComponents = tcb.sgx
        self.pceSvn = tcb.pceSvn
        self.tdxComponents = tcb.tdx
        self.isFlat = tcb.isFlat
        self.status = status
        self.date = date
        self.advisories = advisories
    }

    /// Reads the versions of a level: arrays of components in format version 3, `sgxtcbcomp01svn` and so on in version 2.
    private static func tcb(
        _ scanner: inout JSONScanner
    ) throws(ParseError) -> (sgx: [UInt64], pceSvn: UInt64, tdx: [UInt64], isFlat: Bool) {
        var sgx: [UInt64] = []
        var tdx: [UInt64] = []
        var flat = [UInt64?](repeating: nil, count: 16)
        var pceSvn: UInt64?
        try scanner.object { (scanner, name) throws(ParseError) in
            switch name {
            case "sgxtcbcomponents": sgx = try components(&scanner)
            case "tdxtcbcomponents": tdx = try components(&scanner)
            case "pcesvn": pceSvn = try scanner.unsigned()
            default:
                guard name.hasPrefix("sgxtcbcomp"), name.hasSuffix("svn"), name.utf8.count == 15,
                    let number = Int(name.dropFirst(10).prefix(2)), (1...16).contains(number)
                else { throw scanner.unknown(name, in: "tcb") }
                flat[number - 1] = try scanner.unsigned()
            }
        }
        let known = flat.compactMap { $0 }
        guard let pceSvn, known.count == (sgx.isEmpty ? 16 : 0) else {
            throw scanner.error("16 SGX components and pcesvn", "others", "tcb")
        }
        return (sgx.isEmpty ? known : sgx, pceSvn, tdx, sgx.isEmpty)
    }

    private static func components(_ scanner: inout JSONScanner) throws(ParseError) -> [UInt64] {
        let list = try scanner.array(max: 16) { (scanner) throws(ParseError) -> UInt64 in
            var svn: UInt64?
            try scanner.object { (scanner, name) throws(ParseError) in
                switch name {
                case "svn": svn = try scanner.unsigned()
                case "category", "type": _ = try scanner.plainText()
                default: throw scanner.unknown(name, in: "tcbcomponents")
                }
            }
            guard let svn else { throw scanner.error("svn", "nothing", "tcbcomponents") }
            return svn
        }
        guard list.count == 16 else { throw scanner.error("16 components", "\(list.count)", "tcbcomponents") }
        return list
    }
}

extension VersionLevel {
    /// Reads the member `tcbLevels` of an enclave or module identity.
    static func list(_ scanner: inout JSONScanner) throws(ParseError) -> [VersionLevel] {
        try scanner.array(max: 256) { (scanner) throws(ParseError) -> VersionLevel in
            var isvSvn: UInt64?
            var date: Timestamp?
            var status: TCBStatus?
            var advisories: [String] = []
            try scanner.object { (scanner, name) throws(ParseError) in
                switch name {
                case "tcb":
                    try scanner.object { (scanner, name) throws(ParseError) in
                        guard name == "isvsvn" else { throw scanner.unknown(name, in: "tcb") }
                        isvSvn = try scanner.unsigned()
                    }
                case "tcbDate": date = try scanner.timestamp()
                case "tcbStatus": status = try scanner.status()
                case "advisoryIDs": advisories = try scanner.advisories()
                default: throw scanner.unknown(name, in: "tcbLevels")
                }
            }
            guard let isvSvn, let date, let status else {
                throw scanner.error("tcb, tcbDate and tcbStatus", "not all of them", "tcbLevels")
            }
            return VersionLevel(isvSvn: isvSvn, status: status, date: date, advisories: advisories)
        }
    }
}

/// The identity of a quoting enclave.
public struct EnclaveIdentity: Sendable {
    /// `QE` for SGX, `TD_QE` for TDX.
    public var id: String
    /// When it was issued.
    public var issueDate: Timestamp
    /// When the next one is due at the latest.
    public var nextUpdate: Timestamp
    /// Counts Intel's TCB recoveries.
    public var evaluationDataNumber: UInt64
    /// Extra state under `miscSelectMask`, in the byte order of the report.
    public var miscSelect: [UInt8]
    /// Which bits of it count.
    public var miscSelectMask: [UInt8]
    /// Attributes under `attributesMask`.
    public var attributes: [UInt8]
    /// Which attribute bits count.
    public var attributesMask: [UInt8]
    /// The signer's hash.
    public var mrSigner: [UInt8]
    /// Product identifier.
    public var isvProdId: UInt64
    /// The history, newest first.
    public var levels: [VersionLevel]

    /// Reads the text of an `enclaveIdentity` value.
    public init(parsing text: [UInt8]) throws(ParseError) {
        var scanner = try JSONScanner(text, field: "enclaveIdentity")
        var id: String?
        var version: UInt64?
        var issueDate: Timestamp?
        var nextUpdate: Timestamp?
        var evaluationDataNumber: UInt64?
        var miscSelect: [UInt8]?
        var miscSelectMask: [UInt8]?
        var attributes: [UInt8]?
        var attributesMask: [UInt8]?
        var mrSigner: [UInt8]?
        var isvProdId: UInt64?
        var levels: [VersionLevel]?
        try scanner.object { (scanner, name) throws(ParseError) in
            switch name {
            case "id": id = try scanner.string()
            case "version": version = try scanner.unsigned()
            case "issueDate": issueDate = try scanner.timestamp()
            case "nextUpdate": nextUpdate = try scanner.timestamp()
            case "tcbEvaluationDataNumber": evaluationDataNumber = try scanner.unsigned()
            case "miscselect": miscSelect = try scanner.hex(count: 4)
            case "miscselectMask": miscSelectMask = try scanner.hex(count: 4)
            case "attributes": attributes = try scanner.hex(count: 16)
            case "attributesMask": attributesMask = try scanner.hex(count: 16)
            case "mrsigner": mrSigner = try scanner.hex(count: 32)
            case "isvprodid": isvProdId = try scanner.unsigned(max: 65_535)
            case "tcbLevels": levels = try VersionLevel.list(&scanner)
            default: throw scanner.unknown(name, in: "enclaveIdentity")
            }
        }
        try scanner.finish()
        guard let id, let issueDate, let nextUpdate, let evaluationDataNumber, let miscSelect, let miscSelectMask,
            let attributes, let attributesMask, let mrSigner, let isvProdId, let levels
        else { throw scanner.error("all members of enclaveIdentity", "not all of them") }
        guard version == 2 else { throw scanner.error("2", version.map { "\($0)" } ?? "nothing", "version") }
        self.id = id
        self.issueDate = issueDate
        self.nextUpdate = nextUpdate
        self.evaluationDataNumber = evaluationDataNumber
        self.miscSelect = miscSelect
        self.miscSelectMask = miscSelectMask
        self.attributes = attributes
        self.attributesMask = attributesMask
        self.mrSigner = mrSigner
        self.isvProdId = isvProdId
        self.levels = levels
    }
}

extension JSONScanner {
    /// One of Intel's status names.
    fileprivate mutating func status() throws(ParseError) -> TCBStatus {
        let text = try string()
        guard let status = TCBStatus(rawValue: text) else { throw error("a TCB status", text, "tcbStatus") }
        return status
    }

    /// The member `advisoryIDs`.
    fileprivate mutating func advisories() throws(ParseError) -> [String] {
        try array(max: 256) { (scanner) throws(ParseError) in try scanner.string("an advisory name") }
    }
}
