// TDs with a service TD (for migration): what the report says of the platform of their first launch, and what a policy
// demands of it. Source: Intel "TDX Module ABI", TDREPORT with SERVTD_EXT; Intel "TDX DCAP Quoting Library API", body type 4.

public import Codecs

/// The fields that follow a 1.5 TD report body when the TD's attribute SERVTD_EXT (bit 17) is set.
public struct ServiceTDExtension: Sendable {
    /// The 237 bytes.
    public let bytes: ArraySlice<UInt8>
    /// The size of the extension.
    public static let byteCount = 237

    private func field(_ offset: Int, _ count: Int) -> ArraySlice<UInt8> {
        let start = bytes.startIndex + offset
        return bytes[start..<start + count]
    }

    /// Which part of a partitioned TD asked for the report; 0 for one that is not partitioned.
    public var vmId: UInt8 { bytes[bytes.startIndex] }
    /// The TD's own identifier, which migration keeps.
    public var tdId: ArraySlice<UInt8> { field(1, 32) }
    /// Hash of the information about devices that the TD uses.
    public var deviceInfo: ArraySlice<UInt8> { field(33, 48) }
    /// Hash of the service TD that was bound when the TD was built.
    public var initialServiceTd: ArraySlice<UInt8> { field(81, 48) }
    /// Attributes of that service TD.
    public var initialServiceTdAttributes: ArraySlice<UInt8> { field(129, 8) }
    /// Security version of the processor on which the TD was built.
    public var initialCpuSvn: ArraySlice<UInt8> { field(137, 16) }
    /// Security versions of the TDX TCB under which the TD was built.
    public var initialTeeTcbSvn: ArraySlice<UInt8> { field(153, 16) }
    /// The model of the processor on which the TD was built: three little-endian words, the second the CPUID signature. It
    /// is no FMSPC: several of those share a model.
    public var initialModel: ArraySlice<UInt8> { field(169, 12) }
    /// Hash of the service TD that is bound now.
    public var currentServiceTd: ArraySlice<UInt8> { field(181, 48) }
    /// Attributes of that service TD.
    public var currentServiceTdAttributes: ArraySlice<UInt8> { field(229, 8) }

    /// The fields by their names, byte strings in hexadecimal.
    var json: JSONObject {
        [
            "vmId": .integer(vmId),
            "tdId": .hex(tdId),
            "deviceInfo": .hex(deviceInfo),
            "initialServiceTd": .hex(initialServiceTd),
            "initialServiceTdAttributes": .hex(initialServiceTdAttributes),
            "initialCpuSvn": .hex(initialCpuSvn),
            "initialTeeTcbSvn": .hex(initialTeeTcbSvn),
            "initialModel": .hex(initialModel),
            "currentServiceTd": .hex(currentServiceTd),
            "currentServiceTdAttributes": .hex(currentServiceTdAttributes),
        ]
    }
}

/// The section `tdx-service-td` of a policy: which first launch is acceptable for TDs with the service TD extension. Without
/// the section such a TD stays undecided.
///
/// The vendor's status of that platform cannot be found: the report has neither its FMSPC nor its PCE version, without which
/// no TCB info applies. So the policy states versions.
public struct TDXServiceTDPolicy: FamilyPolicy, Equatable {
    public static let section = "tdx-service-td"

    /// Accepted service TDs at the first launch.
    public var initialServiceTd: Allowed<[UInt8]>
    /// Accepted service TDs now.
    public var currentServiceTd: Allowed<[UInt8]>
    /// Accepted processor models of the first launch.
    public var initialModel: Allowed<[UInt8]>
    /// The least security version of each component of the first processor.
    public var minInitialCpuSvn: ComponentMinimum
    /// The least version of each component of the first TDX TCB.
    public var minInitialTeeTcbSvn: ComponentMinimum

    /// Names every term.
    public init(
        initialServiceTd: Allowed<[UInt8]>,
        currentServiceTd: Allowed<[UInt8]>,
        initialModel: Allowed<[UInt8]>,
        minInitialCpuSvn: ComponentMinimum,
        minInitialTeeTcbSvn: ComponentMinimum
    ) {
        self.initialServiceTd = initialServiceTd
        self.currentServiceTd = currentServiceTd
        self.initialModel = initialModel
        self.minInitialCpuSvn = minInitialCpuSvn
        self.minInitialTeeTcbSvn = minInitialTeeTcbSvn
    }

    public init(_ reader: inout JSONReader) throws(ParseError) {
        initialServiceTd = try reader.allowedBytes("initialServiceTd", count: 48)
        currentServiceTd = try reader.allowedBytes("currentServiceTd", count: 48)
        initialModel = try reader.allowedBytes("initialModel", count: 12)
        minInitialCpuSvn = try reader.minimumComponents("minInitialCpuSvn", count: 16)
        minInitialTeeTcbSvn = try reader.minimumComponents("minInitialTeeTcbSvn", count: 16)
    }

    /// Judges the first launch of a TD that has a service TD.
    /// - Parameters:
    ///   - rules: the section, if the policy has it.
    ///   - fields: the extension, if the report body has room for it.
    static func judge(
        _ rules: TDXServiceTDPolicy?,
        _ fields: ServiceTDExtension?,
        source: String,
        into findings: inout Findings
    ) {
        guard let rules, let fields else {
            findings.missing(
                "policy.initial-tcb",
                expected: "an acceptable platform of the TD's first launch",
                actual: fields == nil
                    ? "a report body without the fields of the service TD" : "no section '\(section)' in the policy",
                source: source
            )
            return
        }
        let lists: [(String, Allowed<[UInt8]>, ArraySlice<UInt8>)] = [
            ("policy.initial-service-td", rules.initialServiceTd, fields.initialServiceTd),
            ("policy.current-service-td", rules.currentServiceTd, fields.currentServiceTd),
            ("policy.initial-model", rules.initialModel, fields.initialModel),
        ]
        for (id, rule, actual) in lists { findings.requireAllowed(id, rule, actual, source: source) }
        findings.requireMinimum("policy.initial-cpu-svn", rules.minInitialCpuSvn, fields.initialCpuSvn, source: source)
        findings.requireMinimum(
            "policy.initial-tee-tcb-svn",
            rules.minInitialTeeTcbSvn,
            fields.initialTeeTcbSvn,
            source: source
        )
    }
}
