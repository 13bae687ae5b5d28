// What an Intel quote says, by Intel's names.

public import Codecs

/// The decoded content of an Intel quote.
public struct IntelQuoteClaims: EvidenceClaims {
    /// The quote.
    public let quote: IntelQuote
    /// The platform, when its PCK certificate was found and read.
    public let platform: PCKPlatform?
    /// The common name of the authority of the PCK certificate; empty when it is not known.
    public let pckAuthority: String

    /// The fields by Intel's names, byte strings in hexadecimal.
    public var json: JSONObject {
        var object: JSONObject = [
            "version": .integer(quote.version),
            "teeType": .integer(quote.teeType),
            "byteCount": .integer(quote.byteCount),
            "qeVendorId": .hex(quote.qeVendorId),
            "userData": .hex(quote.userData),
        ]
        switch quote.body {
        case .enclave(let report): Self.add(report, to: &object)
        case .td(let report): Self.add(report, to: &object)
        }
        object["qe"] = .object([
            "mrEnclave": .hex(quote.qeReport.mrEnclave),
            "mrSigner": .hex(quote.qeReport.mrSigner),
            "isvProdId": .integer(quote.qeReport.isvProdId),
            "isvSvn": .integer(quote.qeReport.isvSvn),
        ])
        object["certificationType"] = .integer(quote.certificationType)
        if let platform {
            object["platform"] = .object([
                "authority": .string(pckAuthority),
                "fmspc": .hex(platform.fmspc),
                "pceId": .hex(platform.pceId),
                "ppid": .hex(platform.ppid),
                "cpuSvn": .hex(platform.cpuSvn),
                "pceSvn": .integer(platform.pceSvn),
                "sgxType": .integer(platform.sgxType),
                "dynamicPlatform": platform.isDynamicPlatform.map { .bool($0) } ?? .null,
                "cachedKeys": platform.hasCachedKeys.map { .bool($0) } ?? .null,
                "smt": platform.isSMTEnabled.map { .bool($0) } ?? .null,
            ])
        }
        return object
    }

    private static func add(_ report: EnclaveReport, to object: inout JSONObject) {
        object["cpuSvn"] = .hex(report.cpuSvn)
        object["miscSelect"] = .hex(report.miscSelect)
        object["attributes"] = .hex(report.attributes)
        object["debug"] = .bool(report.isDebug)
        object["mrEnclave"] = .hex(report.mrEnclave)
        object["mrSigner"] = .hex(report.mrSigner)
        object["isvProdId"] = .integer(report.isvProdId)
        object["isvSvn"] = .integer(report.isvSvn)
        object["isvExtProdId"] = .hex(report.isvExtProdId)
        object["isvFamilyId"] = .hex(report.isvFamilyId)
        object["configId"] = .hex(report.configId)
        object["configSvn"] = .integer(report.configSvn)
        object["reportData"] = .hex(report.reportData)
    }

    private static func add(_ report: TDReport, to object: inout JSONObject) {
        object["tdReportVersion"] = .string(report.version.rawValue)
        object["teeTcbSvn"] = .hex(report.teeTcbSvn)
        if let now = report.teeTcbSvn2 { object["teeTcbSvn2"] = .hex(now) }
        object["mrSeam"] = .hex(report.mrSeam)
        object["mrSignerSeam"] = .hex(report.mrSignerSeam)
        object["seamAttributes"] = .hex(report.seamAttributes)
        object["tdAttributes"] = .hex(report.tdAttributes)
        object["debug"] = .bool(report.attributeBits & TDAttributePolicy.debugMask != 0)
        object["xfam"] = .hex(report.xfam)
        object["mrTd"] = .hex(report.mrTd)
        object["mrConfigId"] = .hex(report.mrConfigId)
        object["mrOwner"] = .hex(report.mrOwner)
        object["mrOwnerConfig"] = .hex(report.mrOwnerConfig)
        if report.version != .v1_0 { object["mrServiceTd"] = .hex(report.mrServiceTd) }
        for index in 0..<4 { object["rtMr\(index)"] = .hex(report.rtMr(index)) }
        object["reportData"] = .hex(report.reportData)
        if let fields = report.serviceTd { object["serviceTdExtension"] = .object(fields.json) }
    }
}

extension JSONValue {
    /// Bytes in lower-case hexadecimal.
    static func hex(_ bytes: some Sequence<UInt8>) -> JSONValue {
        .string(Hex.encode(bytes))
    }
}
