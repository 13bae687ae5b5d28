// What the parent and a worker process say to each other. The request is a sealed file in memory on descriptor 3, the reply a
// stream of frames on descriptor 4. The parent believes nothing in the reply that it cannot check.
package import Codecs

/// One stage of a run in one worker process.
package enum WorkerStage: String, Sendable, CaseIterable {
    /// Sources in, program binaries out. May start the linker; sees no input data.
    case compile
    /// Program binaries and inputs in, written slots out. May start nothing.
    case run
    /// Sources and inputs in, written slots and findings out, in a simulator that interprets kernels. May start nothing.
    case simulate
}

/// A request to a worker: a header in JSON, then the programs, then (for a run) the inputs.
package struct WorkerRequest: Sendable {
    /// The descriptor on which a worker finds its request.
    package static let descriptor: Int32 = 3
    /// The bytes with which a simulated run fills slots that a step overwrites, one after the other. For floats the first makes
    /// a NaN, which no sum absorbs, and the second a number, which a comparison sees.
    package static func patterns(for type: ElementType) -> [UInt8] {
        type.isFloatingPoint ? [0xff, 0x41] : [0xa5, 0x5a]
    }
    /// The first bytes of a request.
    package static let magic = Array("assay-worker-1\0\0".utf8)

    /// The limits and walls that the worker puts up before it goes on.
    package struct Walls: Sendable, Equatable {
        /// Address space in bytes; 0 for no limit.
        package var addressSpaceBytes: UInt64
        /// Processor seconds over all threads.
        package var processorSeconds: UInt64
        /// The longest file in bytes.
        package var fileBytes: UInt64
        /// Whether a device driver needs ioctl.
        package var allowsDeviceControl: Bool
        /// Processes and threads; 0 for no limit.
        package var processes: UInt64
        /// Files and folders to which Landlock confines reading; empty where namespaces do it.
        package var readable: [String]
        /// Device files that Landlock lets be written.
        package var devices: [String]
        /// The folder for the driver's temporary files.
        package var writable: String
    }

    /// What is asked for.
    package var stage: WorkerStage
    /// The replay spec.
    package var spec: ReplaySpec
    /// The walls to put up.
    package var walls: Walls
    /// For the compile stage: the index in `ProgramUnit.needed` of the program to compile.
    package var unit: Int
    /// For the run stage: the launches to perform.
    package var launches: Range<Int>
    /// For the run stage: the slots besides inputs whose first content follows, in order.
    package var states: [Int]
    /// The length of each program in bytes: the text of one, or the binaries of all in the order of `ProgramUnit.needed`.
    package var programLengths: [UInt64]

    /// Makes a request.
    package init(
        stage: WorkerStage,
        spec: ReplaySpec,
        walls: Walls,
        unit: Int,
        launches: Range<Int>,
        states: [Int],
        programLengths: [UInt64]
    ) {
        self.stage = stage
        self.spec = spec
        self.walls = walls
        self.unit = unit
        self.launches = launches
        self.states = states
        self.programLengths = programLengths
    }

    /// The bytes before the first program.
    package var head: [UInt8] {
        let header = JSONValue.object([
            "stage": .string(stage.rawValue),
            "spec": spec.json,
            "walls": .object([
                "addressSpaceBytes": .string(String(walls.addressSpaceBytes)),
                "processorSeconds": .string(String(walls.processorSeconds)),
                "fileBytes": .string(String(walls.fileBytes)),
                "allowsDeviceControl": .bool(walls.allowsDeviceControl),
                "processes": .string(String(walls.processes)),
                "readable": .array(walls.readable.map { .string($0) }),
                "devices": .array(walls.devices.map { .string($0) }),
                "writable": .string(walls.writable),
            ]),
            "unit": .integer(unit),
            "launches": .array([.integer(launches.lowerBound), .integer(launches.upperBound)]),
            "states": .array(states.map { .integer($0) }),
            "programs": .array(programLengths.map { .string(String($0)) }),
        ]).serialized()
        var bytes = Self.magic
        bytes.appendLittleEndian(UInt64(header.count))
        return bytes + header
    }

    /// The length of the part of a request that tells the length of its header.
    package static let prefixLength = 24

    /// The length of the header that `prefix` announces.
    package static func headerLength(prefix: [UInt8]) throws(ParseError) -> Int {
        var reader = ByteReader(prefix)
        guard Array(try reader.read(magic.count, "magic")) == magic else {
            throw ParseError(field: "magic", expected: "a worker request", actual: "other bytes")
        }
        let length = try reader.readLittleEndian(UInt64.self, "header length")
        guard length <= 64 << 20 else {
            throw ParseError(field: "header length", expected: "at most 64 MiB", actual: "\(length)")
        }
        return Int(length)
    }

    /// Reads a header.
    package init(header: [UInt8]) throws(ParseError) {
        var reader = try JSONReader(JSONValue(parsing: header, limits: JSONLimits(bytes: 64 << 20, values: 2_000_000)))
        stage = try reader.choice("stage")
        spec = try ReplaySpec(try reader.value("spec"), "spec")
        var walls = try reader.object("walls")
        self.walls = Walls(
            addressSpaceBytes: try walls.decimal("addressSpaceBytes"),
            processorSeconds: try walls.decimal("processorSeconds"),
            fileBytes: try walls.decimal("fileBytes"),
            allowsDeviceControl: try walls.bool("allowsDeviceControl"),
            processes: try walls.decimal("processes"),
            readable: try walls.array("readable", max: 256, Self.path),
            devices: try walls.array("devices", max: 256, Self.path),
            writable: try walls.string("writable")
        )
        try walls.finish()
        let units = ProgramUnit.needed(by: spec)
        unit = Int(try reader.integer("unit", in: 0...Int64(units.count - 1)))
        let (spec, launches) = (self.spec, try Self.launches(&reader, self.spec))
        self.launches = launches
        states = try reader.array("states", max: ReplaySpec.Bounds.slots) { (value, path) throws(ParseError) -> Int in
            try Self.index(value, path, below: spec.slots.count)
        }
        programLengths = try reader.array("programs", max: 2 * ReplaySpec.Bounds.sources) {
            (value, path) throws(ParseError) -> UInt64 in
            guard case .string(let text) = value, let length = UInt64(text), length <= 1 << 30 else {
                throw ParseError(field: path, expected: "a length", actual: value.typeName)
            }
            return length
        }
        try reader.finish()
        let count = stage == .compile ? 1 : units.count
        guard programLengths.count == count else {
            let expected = "\(count) programs"
            throw ParseError(field: "programs", expected: expected, actual: "\(programLengths.count)")
        }
    }
}

extension WorkerRequest {
    fileprivate static func index(_ value: JSONValue, _ field: String, below end: Int) throws(ParseError) -> Int {
        guard case .number(let number) = value, let index = number.integer, (0..<Int64(end)).contains(index) else {
            throw ParseError(field: field, expected: "an integer below \(end)", actual: value.typeName)
        }
        return Int(index)
    }

    fileprivate static func launches(
        _ reader: inout JSONReader,
        _ spec: ReplaySpec
    ) throws(ParseError) -> Range<Int> {
        let ends = try reader.array("launches", max: 2) { (value, path) throws(ParseError) -> Int in
            try index(value, path, below: spec.launchCount + 1)
        }
        guard ends.count == 2, ends[0] <= ends[1] else {
            throw ParseError(field: "launches", expected: "first and end", actual: "\(ends)")
        }
        return ends[0]..<ends[1]
    }

    fileprivate static func path(_ value: JSONValue, _ field: String) throws(ParseError) -> String {
        guard case .string(let text) = value else {
            throw ParseError(field: field, expected: "a string", actual: value.typeName)
        }
        return text
    }
}

/// The frames of a reply: one byte of kind, the payload's length as u64 little-endian, the payload.
package enum WorkerFrame: UInt8, Sendable {
    /// The walls that stand: a JSON array of names. Always first, and sent before anything of the job is touched.
    case walls = 1
    /// The device: JSON.
    case device = 2
    /// A program binary.
    case binary = 3
    /// A written slot: u32 little-endian launch, u32 little-endian slot, the bytes.
    case slot = 4
    /// The end: no payload, after a run stage a `ResourceUsage` as JSON.
    case done = 5
    /// A failure: JSON with `reason` and `detail`. Always last.
    case failure = 6
    /// A written slot, like `slot`, after a launch over a pattern.
    case patterned = 7
    /// What the simulator wrote about the run: text.
    case log = 8

    /// The descriptor on which a worker writes its reply.
    package static let descriptor: Int32 = 4
    /// The length of a frame's head.
    package static let headLength = 9

    /// The length of the launch and the slot at the beginning of a written slot's frame.
    static let placeLength = 8

    /// The launch and the slot at the beginning of a written slot's frame of at least 8 bytes.
    static func place(of frame: [UInt8]) -> [UInt32] {
        [frame[0..<4], frame[4..<8]].map { $0.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
    }
}
