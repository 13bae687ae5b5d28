// The SGX extension of a provisioning certification key (PCK) certificate: what the platform is.
// Source: Intel "SGX PCK Certificate and Certificate Revocation List Profile Specification" §1.3.5.

public import Codecs

/// What a PCK certificate says about its platform.
public struct PCKPlatform: Sendable, Equatable {
    /// The platform's provisioning identifier.
    public var ppid: [UInt8]
    /// The security versions of the 16 SGX TCB components.
    public var componentSvns: [UInt64]
    /// The security version of the provisioning certification enclave.
    public var pceSvn: UInt64
    /// The processor's security version as raw bytes.
    public var cpuSvn: [UInt8]
    /// The provisioning certification enclave's identifier.
    public var pceId: [UInt8]
    /// Family, model, stepping, platform type and custom SKU: the name of the platform's TCB info.
    public var fmspc: [UInt8]
    /// 0 standard, 1 scalable, 2 scalable with integrity.
    public var sgxType: UInt64
    /// Whether packages can be added later; `nil` when the certificate does not say.
    public var isDynamicPlatform: Bool?
    /// Whether the platform's keys are cached by the registration service; `nil` when the certificate does not say.
    public var hasCachedKeys: Bool?
    /// Whether simultaneous multithreading is on; `nil` when the certificate does not say.
    public var isSMTEnabled: Bool?

    private static let root = OID(1, 2, 840, 113741, 1, 13, 1)
    private static let ppidName = OID(1, 2, 840, 113741, 1, 13, 1, 1)
    private static let tcbName = OID(1, 2, 840, 113741, 1, 13, 1, 2)
    private static let pceIdName = OID(1, 2, 840, 113741, 1, 13, 1, 3)
    private static let fmspcName = OID(1, 2, 840, 113741, 1, 13, 1, 4)
    private static let typeName = OID(1, 2, 840, 113741, 1, 13, 1, 5)
    private static let configurationName = OID(1, 2, 840, 113741, 1, 13, 1, 7)

    /// Whether `certificate` carries the SGX extension.
    public static func isPCK(_ certificate: Certificate) -> Bool {
        certificate.value(of: root) != nil
    }

    /// Reads the SGX extension of `certificate`.
    public init(_ certificate: Certificate) throws(ParseError) {
        let field = "pck.sgxExtension"
        guard let value = certificate.value(of: Self.root) else {
            throw ParseError(field: field, expected: "extension \(Self.root)", actual: "none")
        }
        var outer = DERReader(value, field)
        var list = try outer.nested()
        try outer.finish()
        var ppid: [UInt8]?
        var pceId: [UInt8]?
        var fmspc: [UInt8]?
        var type: UInt64?
        var tcb: TCB?
        var flags: [Bool?] = [nil, nil, nil]
        while !list.isAtEnd {
            var item = try list.nested()
            switch try item.objectIdentifier() {
            case Self.ppidName: ppid = try Self.octets(&item, 16, field + ".ppid")
            case Self.tcbName: tcb = try TCB(&item, field + ".tcb")
            case Self.pceIdName: pceId = try Self.octets(&item, 2, field + ".pceId")
            case Self.fmspcName: fmspc = try Self.octets(&item, 6, field + ".fmspc")
            case Self.typeName:
                let content = try item.next(DERReader.Tag.enumerated, "sgxType").content
                guard content.count == 1, let first = content.first, first <= 2 else {
                    throw ParseError(field: field + ".sgxType", expected: "0, 1 or 2", actual: Hex.encode(content))
                }
                type = UInt64(first)
            case Self.configurationName: flags = try Self.configuration(&item, field + ".configuration")
            default: _ = try item.next()
            }
            try item.finish()
        }
        guard let ppid, let pceId, let fmspc, let type, let tcb else {
            let expected = "ppid, tcb, pceId, fmspc and sgxType"
            throw ParseError(field: field, expected: expected, actual: "not all of them")
        }
        self.ppid = ppid
        self.pceId = pceId
        self.fmspc = fmspc
        sgxType = type
        componentSvns = tcb.components
        pceSvn = tcb.pceSvn
        cpuSvn = tcb.cpuSvn
        isDynamicPlatform = flags[0]
        hasCachedKeys = flags[1]
        isSMTEnabled = flags[2]
    }

    private struct TCB {
        var components: [UInt64]
        var pceSvn: UInt64
        var cpuSvn: [UInt8]

        /// Reads 16 components, the PCE version and the raw CPU version: `tcbName`.1 to `tcbName`.18, each once.
        init(_ reader: inout DERReader, _ field: String) throws(ParseError) {
            var list = try reader.nested()
            var numbers = [UInt64?](repeating: nil, count: 17)
            var raw: [UInt8]?
            while !list.isAtEnd {
                var item = try list.nested()
                let name = try item.objectIdentifier()
                guard name.hasPrefix(PCKPlatform.tcbName),
                    name.encoded.count == PCKPlatform.tcbName.encoded.count + 1, let last = name.encoded.last
                else { throw ParseError(field: field, expected: "TCB components", actual: name.description) }
                switch last {
                case 1...17:
                    guard numbers[Int(last) - 1] == nil else {
                        throw ParseError(field: field, expected: "each component once", actual: name.description)
                    }
                    numbers[Int(last) - 1] = try item.unsigned()
                case 18: raw = try PCKPlatform.octets(&item, 16, field + ".cpuSvn")
                default: throw ParseError(field: field, expected: "components 1 to 18", actual: "\(last)")
                }
                try item.finish()
            }
            let known = numbers.compactMap { $0 }
            guard known.count == 17, let raw else {
                throw ParseError(field: field, expected: "18 components", actual: "\(known.count)")
            }
            components = Array(known.prefix(16))
            pceSvn = known[16]
            cpuSvn = raw
        }
    }

    private static func octets(_ reader: inout DERReader, _ count: Int, _ field: String) throws(ParseError) -> [UInt8] {
        let content = try reader.octetString()
        guard content.count == count else {
            throw ParseError(field: field, expected: "\(count) bytes", actual: "\(content.count) bytes")
        }
        return Array(content)
    }

    private static func configuration(_ reader: inout DERReader, _ field: String) throws(ParseError) -> [Bool?] {
        var flags: [Bool?] = [nil, nil, nil]
        var list = try reader.nested()
        while !list.isAtEnd {
            var item = try list.nested()
            let name = try item.objectIdentifier()
            guard name.hasPrefix(configurationName), let last = name.encoded.last, (1...3).contains(last) else {
                throw ParseError(field: field, expected: "flags 1 to 3", actual: name.description)
            }
            flags[Int(last) - 1] = try item.boolean()
            try item.finish()
        }
        return flags
    }
}
