// The JSON in which NVIDIA's attestation SDK hands out evidence: a list of devices, each with its report and certificates.
public import Codecs

/// Evidence of one or more devices of one kind. Nothing about it has been verified yet.
public struct NVIDIAEvidence: Sendable {
    /// One device.
    public struct Device: Sendable {
        /// The architecture that the list states: `HOPPER`, `BLACKWELL`, `LS10`. A hint that is compared.
        public let architecture: String
        /// The report.
        public let report: SPDMReport
        /// The certificates, the device's first.
        public let chain: [Certificate]
        /// What the first certificate says.
        public let identity: NVIDIACertificate
    }

    /// The devices, in the order of the list.
    public let devices: [Device]
    /// Whether the devices are switches.
    public let isSwitch: Bool

    /// The most devices of a list.
    public static let maximumDevices = 64

    /// Whether `bytes` look like such a list.
    static func isRecognised(_ bytes: [UInt8]) -> Bool {
        guard bytes.first(where: { $0 != 0x20 && $0 != 0x0a && $0 != 0x0d && $0 != 0x09 }) == UInt8(ascii: "[") else {
            return false
        }
        return TPMEvidence.contains("\"certificate\"", in: bytes[...].prefix(64 << 10))
            && TPMEvidence.contains("\"evidence\"", in: bytes[...].prefix(64 << 10))
    }

    /// Reads `[{"arch": …, "certificate": BASE64 of PEM, "evidence": BASE64, "nonce": HEX}…]`; a nonce that is stated must
    /// be the report's.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        let value = try JSONValue(parsing: bytes, limits: JSONLimits(bytes: 4 << 20, depth: 4, values: 2048))
        guard case .array(let items) = value, !items.isEmpty, items.count <= Self.maximumDevices else {
            throw ParseError(field: "nvidia", expected: "a list of 1 to 64 devices", actual: value.typeName)
        }
        var devices: [Device] = []
        for (index, item) in items.enumerated() {
            do throws(ParseError) { devices.append(try Self.device(item)) } catch {
                throw error.within("nvidia[\(index)]")
            }
        }
        self.devices = devices
        isSwitch = devices[0].architecture == "LS10"
        guard devices.allSatisfy({ ($0.architecture == "LS10") == isSwitch }) else {
            throw ParseError(field: "nvidia", expected: "only GPUs or only switches", actual: "both")
        }
    }

    private static func device(_ value: JSONValue) throws(ParseError) -> Device {
        var json = try JSONReader(value)
        let architecture = try json.string("arch", maxBytes: 32)
        let pem = try Base64.decode(try json.string("certificate", maxBytes: 64 << 10), field: "certificate")
        let bytes = try Base64.decode(try json.string("evidence", maxBytes: 96 << 10), field: "evidence")
        let nonce = try json.optionalString("nonce", maxBytes: 64)
        try json.finish()
        let report = try SPDMReport(parsing: bytes)
        if let nonce {
            let stated = try Hex.decode(nonce, count: 32, allowsUpperCase: true, field: "nonce")
            guard stated == report.nonce else {
                throw ParseError(field: "nonce", expected: Hex.encode(report.nonce), actual: Hex.encode(stated))
            }
        }
        let chain = try Certificate.chain(pem: pem[...], field: "certificate")
        guard let leaf = chain.first else {
            throw ParseError(field: "certificate", expected: "a certificate", actual: "none")
        }
        return Device(
            architecture: architecture,
            report: report,
            chain: chain,
            identity: try NVIDIACertificate(leaf)
        )
    }
}
