// What a device says of itself, and which of the promises that bit-exact replay needs it makes.
public import Codecs
public import Commitments

/// A self-test that a device has passed.
public struct SelfTestRecord: Sendable, Equatable {
    /// SHA-256 of what was asked: the program, the options and the inputs.
    public var suite: Digest
    /// How many answers were compared, all of them without a difference.
    public var vectors: UInt64

    /// Records a passed self-test.
    public init(suite: Digest, vectors: UInt64) {
        self.suite = suite
        self.vectors = vectors
    }

    /// The record as a JSON object.
    public var json: JSONValue {
        .object(["suite": .string(suite.hex), "vectors": .string(String(vectors))])
    }

    /// Reads a record.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        suite = try Digest(try reader.hex("suite", count: Digest.count), field: reader.path("suite"))
        vectors = try reader.decimal("vectors", in: 1...UInt64.max)
        try reader.finish()
    }
}

/// An OpenCL device as the worker found it.
public struct DeviceDescription: Sendable, Equatable {
    /// The two kinds that are told apart.
    public enum Kind: String, Sendable, CaseIterable {
        case cpu
        case gpu
    }

    /// A promise of the device about single precision (OpenCL 1.2 §4.2, `CL_DEVICE_SINGLE_FP_CONFIG`) or double precision.
    public enum Capability: String, Sendable, CaseIterable {
        case denormals
        case fusedMultiplyAdd
        case roundToNearest
        case correctlyRoundedDivideAndSquareRoot
        case doublePrecision
    }

    /// CPU or GPU.
    public var kind: Kind
    /// `CL_DEVICE_NAME`.
    public var name: String
    /// `CL_DEVICE_VENDOR`.
    public var vendor: String
    /// `CL_DEVICE_VERSION`.
    public var version: String
    /// `CL_DRIVER_VERSION`.
    public var driver: String
    /// `CL_PLATFORM_NAME`.
    public var platform: String
    /// `CL_DEVICE_GLOBAL_MEM_SIZE` in bytes.
    public var memoryBytes: UInt64
    /// `CL_DEVICE_MAX_MEM_ALLOC_SIZE` in bytes.
    public var largestBufferBytes: UInt64
    /// `CL_DEVICE_MAX_COMPUTE_UNITS`.
    public var computeUnits: UInt64
    /// The promises made, in the order of `Capability`.
    public var capabilities: [Capability]
    /// `CL_DEVICE_MAX_CLOCK_FREQUENCY` in MHz; `nil` when the device does not say.
    public var clockMegahertz: UInt64?
    /// `CL_DEVICE_ERROR_CORRECTION_SUPPORT`: whether the device corrects errors in all of its memory; `nil` when it does not
    /// say.
    public var correctsMemoryErrors: Bool?
    /// The self-test that the device passed before it computed; `nil` for one that was not tested.
    public var selfTest: SelfTestRecord?

    /// Describes a device.
    public init(
        kind: Kind,
        name: String,
        vendor: String,
        version: String,
        driver: String,
        platform: String,
        memoryBytes: UInt64,
        largestBufferBytes: UInt64,
        computeUnits: UInt64,
        capabilities: [Capability],
        selfTest: SelfTestRecord? = nil
    ) {
        self.kind = kind
        self.name = name
        self.vendor = vendor
        self.version = version
        self.driver = driver
        self.platform = platform
        self.memoryBytes = memoryBytes
        self.largestBufferBytes = largestBufferBytes
        self.computeUnits = computeUnits
        self.capabilities = capabilities
        self.selfTest = selfTest
    }

    /// Whether `other` is the same device with the same driver, so that a binary for one is one for the other. The memory
    /// and the clock that a CPU device reports change from one moment to the next and do not count; nor does a self-test.
    public func isSameDevice(as other: DeviceDescription) -> Bool {
        var copy = other
        copy.memoryBytes = memoryBytes
        copy.largestBufferBytes = largestBufferBytes
        copy.selfTest = selfTest
        copy.clockMegahertz = clockMegahertz
        return self == copy
    }

    /// The promises that a job of `replayClass` needs and that this device does not make.
    public func missingCapabilities(for replayClass: ReplaySpec.Class) -> [Capability] {
        guard replayClass == .exact else { return [] }
        let needed: [Capability] = [
            .denormals, .fusedMultiplyAdd, .roundToNearest, .correctlyRoundedDivideAndSquareRoot,
        ]
        return needed.filter { !capabilities.contains($0) }
    }

    /// The description as a JSON object.
    public var json: JSONValue {
        var object: JSONObject = [
            "type": .string(kind.rawValue),
            "name": .string(name),
            "vendor": .string(vendor),
            "version": .string(version),
            "driver": .string(driver),
            "platform": .string(platform),
            "memoryBytes": .string(String(memoryBytes)),
            "largestBufferBytes": .string(String(largestBufferBytes)),
            "computeUnits": .integer(computeUnits),
            "capabilities": .array(capabilities.map { .string($0.rawValue) }),
        ]
        if let clockMegahertz { object["clockMegahertz"] = .integer(clockMegahertz) }
        if let correctsMemoryErrors { object["correctsMemoryErrors"] = .bool(correctsMemoryErrors) }
        if let selfTest { object["selfTest"] = selfTest.json }
        return .object(object)
    }

    /// Reads a description.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        kind = try reader.choice("type")
        name = try reader.string("name", maxBytes: 256)
        vendor = try reader.string("vendor", maxBytes: 256)
        version = try reader.string("version", maxBytes: 256)
        driver = try reader.string("driver", maxBytes: 256)
        platform = try reader.string("platform", maxBytes: 256)
        memoryBytes = try reader.decimal("memoryBytes")
        largestBufferBytes = try reader.decimal("largestBufferBytes")
        computeUnits = UInt64(try reader.integer("computeUnits", in: 0...1 << 20))
        capabilities = try reader.array("capabilities", max: Capability.allCases.count) {
            (value, path) throws(ParseError) -> Capability in
            guard case .string(let text) = value, let capability = Capability(rawValue: text) else {
                throw ParseError(field: path, expected: "a capability", actual: value.typeName)
            }
            return capability
        }
        if reader.has("clockMegahertz") {
            clockMegahertz = UInt64(try reader.integer("clockMegahertz", in: 0...1 << 20))
        }
        if reader.has("correctsMemoryErrors") { correctsMemoryErrors = try reader.bool("correctsMemoryErrors") }
        selfTest =
            reader.has("selfTest") ? try SelfTestRecord(try reader.value("selfTest"), reader.path("selfTest")) : nil
        try reader.finish()
    }
}
