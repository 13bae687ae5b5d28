// The JSON form of a replay spec: strict in, deterministic out.
public import Codecs
internal import Commitments

extension ReplaySpec {
    /// Reads and checks a replay spec.
    /// - Parameter field: where the object stands in its document, for error messages.
    /// - Throws: `ParseError` with the path of the first member that is missing, unknown, of another type or out of bounds.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        _ = try reader.integer("version", in: Self.version...Self.version)
        let replayClass = try reader.choice("class", Class.self)
        let device = try DeviceRequirement(&reader)
        let sources = try reader.array("sources", max: Bounds.sources) { (value, path) throws(ParseError) -> Source in
            try Source(value, path)
        }
        let slots = try reader.array("slots", max: Bounds.slots) { (value, path) throws(ParseError) -> Slot in
            try Slot(value, path)
        }
        try Self.requireUniqueNames(sources.map(\.name), reader.path("sources"))
        try Self.requireUniqueNames(slots.map(\.name), reader.path("slots"))
        let seed = try Self.seed(&reader)
        let names = Names(sources: sources, slots: slots, hasSeed: seed != nil)
        let program = try StepList(&reader, names)
        let agreements = try Agreement.all(&reader, replayClass: replayClass, slots: slots)
        let calibration = try Calibration.optional(&reader, replayClass: replayClass)
        let limits = try Limits(&reader)
        try reader.finish()
        self.init(
            replayClass: replayClass,
            device: device,
            sources: sources,
            slots: slots,
            steps: program.steps,
            repeats: program.repeats,
            seed: seed,
            agreements: agreements,
            calibration: calibration,
            limits: limits,
            workUnits: try program.workUnits(reader.path("steps"))
        )
        try checkTotals(reader)
    }

    /// The spec as a JSON object; reading it back gives an equal spec.
    public var json: JSONValue {
        var object: JSONObject = [
            "version": .integer(Self.version),
            "class": .string(replayClass.rawValue),
            "device": .object([
                "type": .string(device.kind.rawValue),
                "memoryBytes": .string(String(device.memoryBytes)),
            ]),
            "sources": .array(sources.map(\.json)),
            "slots": .array(slots.map(\.json)),
        ]
        if let seed {
            var bytes: [UInt8] = []
            for word in seed { bytes.appendBigEndian(word) }
            object["seed"] = .string(Hex.encode(bytes))
        }
        object["steps"] = .array(stepsJSON)
        if !agreements.isEmpty { object["agreement"] = .array(agreements.map { $0.json(slots: slots) }) }
        if let calibration { object["calibration"] = calibration.json }
        object["limits"] = .object([
            "wallSeconds": .integer(limits.wallSeconds),
            "memoryBytes": .string(String(limits.memoryBytes)),
            "outputBytes": .string(String(limits.outputBytes)),
        ])
        return .object(object)
    }

    /// The one encoding of the spec: compact JSON with members in a fixed order. Equal specs have equal encodings.
    public var canonicalBytes: [UInt8] { json.serialized() }

    /// Reads a spec from its one encoding.
    /// - Throws: `ParseError` for anything that is not a spec, and for a spec in another encoding.
    public init(canonical bytes: [UInt8]) throws(ParseError) {
        try self.init(try JSONValue(parsing: bytes))
        guard canonicalBytes == bytes else {
            throw ParseError(field: "", expected: "the canonical encoding", actual: "another encoding of the spec")
        }
    }

    /// Four words of 64 bits, as 32 bytes in hexadecimal, first word first.
    private static func seed(_ reader: inout JSONReader) throws(ParseError) -> [UInt64]? {
        guard reader.has("seed") else { return nil }
        let bytes = try reader.hex("seed", count: 32)
        return stride(from: 0, to: 32, by: 8).map { bytes[$0..<$0 + 8].reduce(0) { $0 << 8 | UInt64($1) } }
    }
}

extension ReplaySpec.DeviceRequirement {
    fileprivate init(_ reader: inout JSONReader) throws(ParseError) {
        var object = try reader.object("device")
        kind = try object.choice("type")
        memoryBytes = try object.decimal("memoryBytes", in: 0...ReplaySpec.Bounds.memoryBytes)
        try object.finish()
    }
}

extension ReplaySpec.Limits {
    fileprivate init(_ reader: inout JSONReader) throws(ParseError) {
        var object = try reader.object("limits")
        wallSeconds = try object.integer("wallSeconds", in: 1...ReplaySpec.Bounds.wallSeconds)
        memoryBytes = try object.decimal("memoryBytes", in: 1...ReplaySpec.Bounds.memoryBytes)
        outputBytes = try object.decimal("outputBytes", in: 1...ReplaySpec.Bounds.memoryBytes)
        try object.finish()
    }
}

extension ReplaySpec.Source {
    fileprivate init(_ value: JSONValue, _ path: String) throws(ParseError) {
        var reader = try JSONReader(value, path)
        name = try reader.name("name")
        file = try reader.relativePath("file")
        byteCount = try reader.optionalDecimal("bytes", in: 1...ReplaySpec.Bounds.sourceBytes)
        cid = try reader.optionalCID("cid")
        try reader.finish()
    }

    fileprivate var json: JSONValue {
        var object: JSONObject = ["name": .string(name), "file": .string(file)]
        if let byteCount { object["bytes"] = .string(String(byteCount)) }
        if let cid { object["cid"] = .string(cid.text) }
        return .object(object)
    }
}

extension ReplaySpec.Slot {
    fileprivate init(_ value: JSONValue, _ path: String) throws(ParseError) {
        var reader = try JSONReader(value, path)
        name = try reader.name("name")
        role = try reader.choice("role")
        type = try reader.choice("dtype")
        let lengths = try reader.array("shape", max: ReplaySpec.Bounds.dimensions) {
            (value, path) throws(ParseError) -> UInt64 in
            guard case .number(let number) = value, let length = number.integer, length > 0 else {
                throw ParseError(field: path, expected: "a positive integer", actual: value.typeName)
            }
            return UInt64(length)
        }
        shape = lengths
        elementCount = try Self.elementCount(shape: lengths, type: type, reader.path("shape"))
        if role == .input || role == .constant {
            let format = try reader.choice("format", Format.self)
            file = File(
                path: try reader.relativePath("file"),
                format: format,
                byteCount: try reader.optionalDecimal("bytes", in: 1...2 * ReplaySpec.Bounds.memoryBytes),
                cid: try reader.optionalCID("cid")
            )
        } else {
            file = nil
        }
        try reader.finish()
        if let file, let byteCount = file.byteCount {
            try checkFileLength(byteCount, format: file.format, path + ".bytes")
        }
    }

    fileprivate var json: JSONValue {
        var object: JSONObject = [
            "name": .string(name),
            "role": .string(role.rawValue),
            "dtype": .string(type.rawValue),
            "shape": .array(shape.map { .integer($0) }),
        ]
        if let file {
            object["file"] = .string(file.path)
            object["format"] = .string(file.format.rawValue)
            if let byteCount = file.byteCount { object["bytes"] = .string(String(byteCount)) }
            if let cid = file.cid { object["cid"] = .string(cid.text) }
        }
        return .object(object)
    }
}
