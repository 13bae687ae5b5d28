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
        let field = "tcbInfo"
        let document = try JSONValue(parsing: text, limits: JSONLimits(bytes: 1 << 20, depth: 12))
        var reader = try JSONReader(document, field)
        version = try reader.integer("version", in: 2...3)
        let format = version
        id = version == 3 ? try reader.string("id", maxBytes: 8) : "SGX"
        guard id == "SGX" || id == "TDX" else {
            throw ParseError(field: reader.path("id"), expected: "SGX or TDX", actual: id)
        }
        issueDate = try reader.timestamp("issueDate")
        nextUpdate = try reader.timestamp("nextUpdate")
        fmspc = try reader.vendorHex("fmspc", count: 6)
        pceId = try reader.vendorHex("pceId", count: 2)
        _ = try reader.integer("tcbType", in: 0...0)
        evaluationDataNumber = UInt64(try reader.integer("tcbEvaluationDataNumber"))
        let isTDX = id == "TDX"
        if isTDX {
            var module = try reader.object("tdxModule")
            tdxModule = try TDXModuleIdentity(&module, id: "", levels: [])
            try module.finish()
            tdxModuleIdentities = []
            if reader.has("tdxModuleIdentities") {
                tdxModuleIdentities = try reader.array("tdxModuleIdentities", max: 64) {
                    (value, path) throws(ParseError) -> TDXModuleIdentity in
                    var item = try JSONReader(value, path)
                    let id = try item.string("id", maxBytes: 16)
                    let levels = try VersionLevel.list(&item)
                    let identity = try TDXModuleIdentity(&item, id: id, levels: levels)
                    try item.finish()
                    return identity
                }
            }
        } else {
            tdxModule = nil
            tdxModuleIdentities = []
        }
        levels = try reader.array("tcbLevels", max: 256) { (value, path) throws(ParseError) -> TCBLevel in
            try TCBLevel(value, path, format: format, isTDX: isTDX)
        }
        try reader.finish()
    }
}

extension TDXModuleIdentity {
    init(_ reader: inout JSONReader, id: String, levels: [VersionLevel]) throws(ParseError) {
        self.id = id
        self.levels = levels
        mrSigner = try reader.vendorHex("mrsigner", count: 48)
        attributes = try reader.vendorHex("attributes", count: 8)
        attributesMask = try reader.vendorHex("attributesMask", count: 8)
    }
}

extension TCBLevel {
    init(_ value: JSONValue, _ field: String, format: Int64, isTDX: Bool) throws(ParseError) {
        var reader = try JSONReader(value, field)
        var tcb = try reader.object("tcb")
        pceSvn = UInt64(try tcb.integer("pcesvn"))
        if format == 2 {
            sgxComponents = []
            for index in 1...16 {
                let name = "sgxtcbcomp" + (index < 10 ? "0" : "") + "\(index)svn"
                sgxComponents.append(UInt64(try tcb.integer(name)))
            }
        } else {
            sgxComponents = try Self.components(&tcb, "sgxtcbcomponents")
        }
        tdxComponents = isTDX ? try Self.components(&tcb, "tdxtcbcomponents") : []
        try tcb.finish()
        date = try reader.timestamp("tcbDate")
        status = try reader.choice("tcbStatus")
        advisories = try reader.advisories()
        try reader.finish()
    }

    private static func components(_ reader: inout JSONReader, _ name: String) throws(ParseError) -> [UInt64] {
        let list = try reader.array(name, max: 16) { (value, path) throws(ParseError) -> UInt64 in
            var item = try JSONReader(value, path)
            let svn = try item.integer("svn")
            _ = try item.optionalString("category")
            _ = try item.optionalString("type")
            try item.finish()
            return UInt64(svn)
        }
        guard list.count == 16 else {
            throw ParseError(field: reader.path(name), expected: "16 components", actual: "\(list.count)")
        }
        return list
    }
}

extension VersionLevel {
    /// Reads the member `tcbLevels` of an enclave or module identity.
    static func list(_ reader: inout JSONReader) throws(ParseError) -> [VersionLevel] {
        try reader.array("tcbLevels", max: 256) { (value, path) throws(ParseError) -> VersionLevel in
            var item = try JSONReader(value, path)
            var tcb = try item.object("tcb")
            let isvSvn = UInt64(try tcb.integer("isvsvn"))
            try tcb.finish()
            let level = VersionLevel(
                isvSvn: isvSvn,
                status: try item.choice("tcbStatus"),
                date: try item.timestamp("tcbDate"),
                advisories: try item.advisories()
            )
            try item.finish()
            return level
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
        let document = try JSONValue(parsing: text, limits: JSONLimits(bytes: 1 << 20, depth: 12))
        var reader = try JSONReader(document, "enclaveIdentity")
        id = try reader.string("id", maxBytes: 8)
        _ = try reader.integer("version", in: 2...2)
        issueDate = try reader.timestamp("issueDate")
        nextUpdate = try reader.timestamp("nextUpdate")
        evaluationDataNumber = UInt64(try reader.integer("tcbEvaluationDataNumber"))
        // The text writes MISCSELECT as a number, most significant byte first; the report holds it little-endian.
        miscSelect = try reader.vendorHex("miscselect", count: 4).reversed()
        miscSelectMask = try reader.vendorHex("miscselectMask", count: 4).reversed()
        attributes = try reader.vendorHex("attributes", count: 16)
        attributesMask = try reader.vendorHex("attributesMask", count: 16)
        mrSigner = try reader.vendorHex("mrsigner", count: 32)
        isvProdId = UInt64(try reader.integer("isvprodid", in: 0...65_535))
        levels = try VersionLevel.list(&reader)
        try reader.finish()
    }
}

extension JSONReader {
    /// A time as `YYYY-MM-DDThh:mm:ssZ`.
    mutating func timestamp(_ name: String) throws(ParseError) -> Timestamp {
        try Timestamp(try string(name, maxBytes: 64), field: path(name))
    }

    /// Hexadecimal text in either case.
    mutating func vendorHex(_ name: String, count: Int) throws(ParseError) -> [UInt8] {
        try Hex.decode(try string(name, maxBytes: 256), count: count, allowsUpperCase: true, field: path(name))
    }

    /// The member `advisoryIDs`, empty when it is missing.
    mutating func advisories() throws(ParseError) -> [String] {
        guard has("advisoryIDs") else {
            _ = optionalValue("advisoryIDs")
            return []
        }
        return try array("advisoryIDs", max: 256) { (value, path) throws(ParseError) -> String in
            guard case .string(let text) = value, text.utf8.count <= 64 else {
                throw ParseError(field: path, expected: "an advisory name", actual: value.typeName)
            }
            return text
        }
    }
}
