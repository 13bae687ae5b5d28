// The layout of NVIDIA attestation reports: an SPDM 1.1 GET_MEASUREMENTS request and its response (DMTF DSP0274 §10.11),
// with NVIDIA's type-length-value list as opaque data.
public import Codecs

/// A parsed attestation report of a GPU or an NVSwitch. Nothing about it has been verified yet.
public struct SPDMReport: Sendable {
    /// Types of opaque fields (NVIDIA attestation SDK, GPU and switch opaque data).
    public enum Field {
        /// The driver's version as text; GPUs only.
        public static let driverVersion: UInt16 = 3
        /// The firmware's version: eight little-endian bytes of a GPU, text of a switch.
        public static let vbiosVersion: UInt16 = 6
        /// Whether the decoder engine that register 35 measures is on (0xaa) or off (0x55).
        public static let nvdec0Status: UInt16 = 11
        /// The chip's stock-keeping unit.
        public static let chipSKU: UInt16 = 15
        /// The board's project number.
        public static let project: UInt16 = 17
        /// The board's stock-keeping unit.
        public static let projectSKU: UInt16 = 18
        /// The firmware identity, SHA-384 (TCG DICE).
        public static let fwid: UInt16 = 20
        /// Whether protected PCIe is on (0xaa) or off (0x55).
        public static let protectedPCIeStatus: UInt16 = 21
        /// The version of this list of fields.
        public static let opaqueDataVersion: UInt16 = 34
        /// The chip by name.
        public static let chipInfo: UInt16 = 35
        /// The mode of confidential computing: 0 single GPU, 1 several GPUs, 2 protected PCIe.
        public static let featureFlag: UInt16 = 36
    }

    /// The bytes of the request before the response.
    public static let requestBytes = 37
    /// The bytes of the signature, r ‖ s on P-384.
    public static let signatureBytes = 96
    /// The most bytes of a report.
    public static let maximumBytes = 64 << 10

    /// The nonce of the request: what the verifier asked for.
    public let nonce: [UInt8]
    /// The nonce of the response: the device's own.
    public let responderNonce: [UInt8]
    /// The measurements, register 0 first; block indices on the wire begin with 1.
    public let measurements: [[UInt8]]
    /// The opaque fields by type.
    public let fields: [UInt16: [UInt8]]
    /// Exactly the bytes that are signed: request and response without the signature.
    public let signedBytes: [UInt8]
    /// The signature.
    public let signature: [UInt8]

    /// Reads a report.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        guard bytes.count <= Self.maximumBytes else {
            throw ParseError(field: "spdm", expected: "at most \(Self.maximumBytes) bytes", actual: "\(bytes.count)")
        }
        var reader = ByteReader(bytes)
        try Self.expect(&reader, 0x11, "spdm.request.SPDMVersion")
        try Self.expect(&reader, 0xe0, "spdm.request.RequestResponseCode")
        // Bit 0 of Param1 asks for a signature; Param2 0xff asks for all measurements.
        let attributes = try reader.readByte("spdm.request.Param1")
        guard attributes & 1 == 1 else {
            throw ParseError(field: "spdm.request.Param1", expected: "a signed answer", actual: "\(attributes)")
        }
        try Self.expect(&reader, 0xff, "spdm.request.Param2")
        nonce = Array(try reader.read(32, "spdm.request.Nonce"))
        _ = try reader.readByte("spdm.request.SlotIDParam")

        try Self.expect(&reader, 0x11, "spdm.response.SPDMVersion")
        try Self.expect(&reader, 0x60, "spdm.response.RequestResponseCode")
        _ = try reader.read(2, "spdm.response.Param")
        let blocks = Int(try reader.readByte("spdm.response.NumberOfBlocks"))
        var length = 0
        for (index, byte) in try reader.read(3, "spdm.response.MeasurementRecordLength").enumerated() {
            length |= Int(byte) << (8 * index)
        }
        measurements = try Self.measurements(try reader.read(length, "spdm.response.MeasurementRecord"), blocks)
        responderNonce = Array(try reader.read(32, "spdm.response.Nonce"))
        let opaque = Int(try reader.readLittleEndian(UInt16.self, "spdm.response.OpaqueLength"))
        fields = try Self.fields(try reader.read(opaque, "spdm.response.OpaqueData"))
        signature = Array(try reader.read(Self.signatureBytes, "spdm.response.Signature"))
        try reader.finish("spdm")
        signedBytes = Array(bytes.dropLast(Self.signatureBytes))
    }

    private static func expect(_ reader: inout ByteReader, _ wanted: UInt8, _ field: String) throws(ParseError) {
        let offset = reader.offset
        let byte = try reader.readByte(field)
        guard byte == wanted else {
            let expected = "0x" + String(wanted, radix: 16)
            throw ParseError(field: field, expected: expected, actual: "0x" + String(byte, radix: 16), offset: offset)
        }
    }

    /// Measurement blocks 1, 2, 3…, each a DMTF measurement of 48 bytes.
    private static func measurements(_ record: ArraySlice<UInt8>, _ count: Int) throws(ParseError) -> [[UInt8]] {
        var reader = ByteReader(record)
        var values: [[UInt8]] = []
        for number in 0..<count {
            let field = "spdm.measurement[\(number)]"
            let index = Int(try reader.readByte(field + ".Index"))
            guard index == number + 1 else {
                throw ParseError(field: field + ".Index", expected: "\(number + 1)", actual: "\(index)")
            }
            try expect(&reader, 0x01, field + ".MeasurementSpecification")
            let size = Int(try reader.readLittleEndian(UInt16.self, field + ".MeasurementSize"))
            _ = try reader.readByte(field + ".DMTFSpecMeasurementValueType")
            let valueSize = Int(try reader.readLittleEndian(UInt16.self, field + ".DMTFSpecMeasurementValueSize"))
            guard valueSize == 48, size == valueSize + 3 else {
                throw ParseError(field: field, expected: "48 bytes", actual: "\(valueSize) in \(size)")
            }
            values.append(Array(try reader.read(valueSize, field)))
        }
        try reader.finish("spdm.measurements")
        return values
    }

    /// The opaque list: type, size, value. A type that stands twice would leave open which one counts.
    private static func fields(_ bytes: ArraySlice<UInt8>) throws(ParseError) -> [UInt16: [UInt8]] {
        var reader = ByteReader(bytes)
        var fields: [UInt16: [UInt8]] = [:]
        while !reader.isAtEnd {
            let type = try reader.readLittleEndian(UInt16.self, "spdm.opaque.type")
            let size = Int(try reader.readLittleEndian(UInt16.self, "spdm.opaque.size"))
            let value = Array(try reader.read(size, "spdm.opaque[\(type)]"))
            guard fields.updateValue(value, forKey: type) == nil else {
                throw ParseError(field: "spdm.opaque[\(type)]", expected: "each field once", actual: "twice")
            }
        }
        return fields
    }

    /// The text of a field, without the zero bytes that pad it; `nil` when it is missing or no printable text.
    private func text(_ type: UInt16) -> String? {
        guard let value = fields[type] else { return nil }
        let end = value.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
        guard end > 0, value[..<end].allSatisfy({ (0x20..<0x7f).contains($0) }) else { return nil }
        return String(decoding: value[..<end], as: UTF8.self)
    }

    /// The version of the driver; GPUs only.
    public var driverVersion: String? { text(Field.driverVersion) }

    /// The version of the firmware as manifests write it, `96.00.9F.00.01`.
    ///
    /// GPUs state it as a little-endian number of eight bytes, of which the upper half comes last in the text; switches
    /// state the text.
    public var firmwareVersion: String? {
        guard let value = fields[Field.vbiosVersion] else { return nil }
        guard value.count == 8 else { return text(Field.vbiosVersion)?.uppercased() }
        let low = value[0..<4].reversed()
        let parts = (Array(low) + [value[4]]).map { Hex.encode([$0]).uppercased() }
        return value[5...].allSatisfy { $0 == 0 } ? parts.joined(separator: ".") : nil
    }

    /// The firmware identity that the device states; absent in early reports.
    public var fwid: [UInt8]? { fields[Field.fwid] }

    /// Whether register 35 is meaningful: it measures NVDEC0, unless that engine is off (status 0x55).
    public var isNVDEC0Disabled: Bool { fields[Field.nvdec0Status] == [0x55] }

    /// The mode of confidential computing as far as the signed bytes state it.
    public var mode: NVIDIAMode {
        if let flag = fields[Field.featureFlag] {
            switch flag.first {
            case 0 where flag.dropFirst().allSatisfy({ $0 == 0 }): return .singleGPU
            case 1 where flag.dropFirst().allSatisfy({ $0 == 0 }): return .multiGPU
            case 2 where flag.dropFirst().allSatisfy({ $0 == 0 }): return .protectedPCIe
            default: return .unknown
            }
        }
        switch fields[Field.protectedPCIeStatus] {
        case nil, [0x55]: return .unstated
        case [0xaa]: return .protectedPCIe
        default: return .unknown
        }
    }
}

/// Modes of confidential computing of a GPU.
public enum NVIDIAMode: String, Sendable, CaseIterable {
    /// One GPU passed through, its memory encrypted towards the CPU (feature flag SPT).
    case singleGPU = "single-gpu"
    /// Several GPUs with encrypted links (feature flag MPT).
    case multiGPU = "multi-gpu"
    /// Several GPUs over switches that are trusted (feature flag PPCIE, or the earlier status field).
    case protectedPCIe = "protected-pcie"
    /// The report is of a kind that does not state the mode: only the measurements tell it.
    case unstated
    /// A value that is not defined.
    case unknown
}
