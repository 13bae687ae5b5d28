// The layout of the report that an Azure confidential VM keeps in its vTPM (NV index 0x01400001): a hardware report, and
// JSON that the hardware report's user data commits to. The JSON holds the vTPM's attestation key.
public import Codecs

/// A parsed HCL ("host compatibility layer") attestation report. Nothing about it has been verified yet.
public struct HCLReport: Sendable {
    /// The hardware report inside.
    public enum HardwareKind: UInt32, Sendable {
        /// An SEV-SNP attestation report of 1,184 bytes.
        case sevSNP = 2
        /// A TDX TDREPORT of 1,024 bytes, zero-padded. Its MAC only the same machine can check: a TD quote must come along.
        case tdx = 4
    }

    /// `HCLA`, the first four bytes.
    public static let signature = Array("HCLA".utf8)
    /// The bytes between the two headers.
    public static let hardwareReportBytes = 1184

    /// The kind of the hardware report.
    public let kind: HardwareKind
    /// The hardware report's bytes.
    public let hardwareReport: ArraySlice<UInt8>
    /// The hash that binds the JSON to the hardware report.
    public let hash: HashAlgorithm
    /// Exactly the bytes of the JSON.
    public let variableData: ArraySlice<UInt8>
    /// The vTPM's attestation key, `HCLAkPub`.
    public let attestationKey: PublicKey
    /// The VM's configuration as the JSON states it, when it does: secure boot, console, unique id.
    public let configuration: JSONValue?
    /// The 64 bytes of `user-data` that the guest put in, when the JSON has them.
    public let userData: [UInt8]?

    /// Reads a report; the area may be padded with zero bytes.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        guard bytes.count <= 64 << 10 else {
            throw ParseError(field: "hcl", expected: "at most 65536 bytes", actual: "\(bytes.count) bytes")
        }
        var reader = ByteReader(bytes)
        let signature = try reader.read(4, "hcl.signature")
        guard signature.elementsEqual(Self.signature) else {
            throw ParseError(field: "hcl.signature", expected: "HCLA", actual: Hex.encode(signature), offset: 0)
        }
        let version = try reader.readLittleEndian(UInt32.self, "hcl.version")
        guard (1...2).contains(version) else {
            throw ParseError(field: "hcl.version", expected: "1 or 2", actual: "\(version)", offset: 4)
        }
        let reportSize = try reader.readLittleEndian(UInt32.self, "hcl.reportSize")
        let requestType = try reader.readLittleEndian(UInt32.self, "hcl.requestType")
        guard requestType == 2 else {
            throw ParseError(field: "hcl.requestType", expected: "2", actual: "\(requestType)", offset: 12)
        }
        // Under no hash: whatever stood here would be nobody's word.
        guard try reader.read(16, "hcl.reserved").allSatisfy({ $0 == 0 }) else {
            throw ParseError(field: "hcl.reserved", expected: "zero bytes", actual: "other bytes", offset: 16)
        }
        hardwareReport = try reader.read(Self.hardwareReportBytes, "hcl.hardwareReport")
        let dataSize = try reader.readLittleEndian(UInt32.self, "hcl.dataSize")
        let dataVersion = try reader.readLittleEndian(UInt32.self, "hcl.dataVersion")
        guard dataVersion == 1 else {
            throw ParseError(field: "hcl.dataVersion", expected: "1", actual: "\(dataVersion)")
        }
        let kindNumber = try reader.readLittleEndian(UInt32.self, "hcl.reportType")
        guard let kind = HardwareKind(rawValue: kindNumber) else {
            throw ParseError(field: "hcl.reportType", expected: "2 (SNP) or 4 (TDX)", actual: "\(kindNumber)")
        }
        let hashNumber = try reader.readLittleEndian(UInt32.self, "hcl.reportDataHashType")
        let hashes: [UInt32: HashAlgorithm] = [1: .sha256, 2: .sha384, 3: .sha512]
        guard let hash = hashes[hashNumber] else {
            throw ParseError(field: "hcl.reportDataHashType", expected: "1, 2 or 3", actual: "\(hashNumber)")
        }
        let variableSize = try reader.readLittleEndian(UInt32.self, "hcl.variableDataSize")
        // Both sizes count the 20-byte request header; the outer one also both of the parts before it.
        guard UInt64(dataSize) == UInt64(variableSize) + 20,
            UInt64(reportSize) == UInt64(dataSize) + 32 + UInt64(Self.hardwareReportBytes)
        else {
            throw ParseError(
                field: "hcl.dataSize",
                expected: "sizes that agree",
                actual: "\(reportSize), \(dataSize), \(variableSize)"
            )
        }
        guard UInt64(variableSize) <= UInt64(reader.remaining) else {
            let expected = "at most \(reader.remaining) bytes"
            throw ParseError(field: "hcl.variableDataSize", expected: expected, actual: "\(variableSize)")
        }
        variableData = try reader.read(Int(variableSize), "hcl.variableData")
        guard reader.readRest().allSatisfy({ $0 == 0 }) else {
            throw ParseError(field: "hcl", expected: "zero padding", actual: "other bytes")
        }
        self.kind = kind
        self.hash = hash
        do throws(ParseError) {
            let value = try JSONValue(
                parsing: Array(variableData),
                limits: JSONLimits(bytes: 32 << 10, depth: 8, values: 1000)
            )
            var json = try JSONReader(value)
            attestationKey = try Self.attestationKey(try json.array("keys", max: 8))
            configuration = json.optionalValue("vm-configuration")
            if let text = try json.optionalString("user-data", maxBytes: 128) {
                userData = try Hex.decode(text, count: 64, allowsUpperCase: true, field: "user-data")
            } else {
                userData = nil
            }
        } catch {
            throw error.within("hcl.variableData")
        }
    }

    /// The one key called `HCLAkPub`, which must be for signing.
    private static func attestationKey(_ keys: [JSONValue]) throws(ParseError) -> PublicKey {
        var found: PublicKey?
        for (index, value) in keys.enumerated() {
            var key = try JSONReader(value, "keys[\(index)]")
            guard try key.string("kid", maxBytes: 64) == "HCLAkPub" else { continue }
            guard found == nil else {
                throw ParseError(field: "keys[\(index)]", expected: "one HCLAkPub", actual: "another one")
            }
            let uses = try key.array("key_ops", max: 4)
            guard uses == [.string("sign")] else {
                throw ParseError(field: "keys[\(index)].key_ops", expected: "[\"sign\"]", actual: "other uses")
            }
            found = try PublicKey(jwk: value, field: "keys[\(index)]")
        }
        guard let found else {
            throw ParseError(field: "keys", expected: "a key HCLAkPub", actual: "none")
        }
        return found
    }

    /// What the first bytes of the hardware evidence's user data must be; the bytes after it must be zero.
    public var reportDataHash: [UInt8] { hash.digest(variableData) }

    /// The 64 bytes of user data that hardware evidence for this report carries.
    public var expectedReportData: [UInt8] {
        let digest = reportDataHash
        return digest + [UInt8](repeating: 0, count: 64 - digest.count)
    }
}
