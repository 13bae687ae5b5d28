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
        let steps = try reader.array("steps", max: Bounds.steps) { (value, path) throws(ParseError) -> Step in
            try Step(value, path, sources: sources, slots: slots)
        }
        let limits = try Limits(&reader)
        try reader.finish()
        guard !steps.isEmpty else {
            throw ParseError(field: reader.path("steps"), expected: "at least one step", actual: "none")
        }
        let workUnits = try Self.totalWork(steps, reader.path("steps"))
        self.init(
            replayClass: replayClass,
            device: device,
            sources: sources,
            slots: slots,
            steps: steps,
            limits: limits,
            workUnits: workUnits
        )
        try checkTotals(reader)
    }

    /// The spec as a JSON object; reading it back gives an equal spec.
    public var json: JSONValue {
        .object([
            "version": .integer(Self.version),
            "class": .string(replayClass.rawValue),
            "device": .object([
                "type": .string(device.kind.rawValue),
                "memoryBytes": .string(String(device.memoryBytes)),
            ]),
            "sources": .array(sources.map(\.json)),
            "slots": .array(slots.map(\.json)),
            "steps": .array(steps.map { $0.json(sources: sources, slots: slots) }),
            "limits": .object([
                "wallSeconds": .integer(limits.wallSeconds),
                "memoryBytes": .string(String(limits.memoryBytes)),
                "outputBytes": .string(String(limits.outputBytes)),
            ]),
        ])
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
        if role == .input {
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

extension ReplaySpec.Step {
    fileprivate init(
        _ value: JSONValue,
        _ path: String,
        sources: [ReplaySpec.Source],
        slots: [ReplaySpec.Slot]
    ) throws(ParseError) {
        var reader = try JSONReader(value, path)
        kernel = try reader.identifier("kernel")
        let sourceName = try reader.name("source")
        guard let index = sources.firstIndex(where: { $0.name == sourceName }) else {
            throw ParseError(field: reader.path("source"), expected: "a name in sources", actual: sourceName)
        }
        source = index
        global = try reader.range("global", maxItems: ReplaySpec.Bounds.globalItems)
        local = try reader.range("local", maxItems: ReplaySpec.Bounds.localItems)
        guard local.count == global.count else {
            let expected = "\(global.count) dimensions, as global has"
            throw ParseError(field: reader.path("local"), expected: expected, actual: "\(local.count)")
        }
        for (items, group) in zip(global, local) where !items.isMultiple(of: group) {
            throw ParseError(field: reader.path("local"), expected: "a divisor of \(items)", actual: "\(group)")
        }
        unitsPerItem = try reader.optionalDecimal("unitsPerItem", in: 1...UInt64.max) ?? 1
        arguments = try reader.array("args", max: ReplaySpec.Bounds.arguments) {
            (value, path) throws(ParseError) -> ReplaySpec.Argument in
            try ReplaySpec.Argument(value, path, slots: slots)
        }
        try reader.finish()
        try requireNoAlias(slots: slots, reader.path("args"))
    }

    fileprivate func json(sources: [ReplaySpec.Source], slots: [ReplaySpec.Slot]) -> JSONValue {
        var object: JSONObject = [
            "kernel": .string(kernel),
            "source": .string(sources[source].name),
            "global": .array(global.map { .integer($0) }),
            "local": .array(local.map { .integer($0) }),
        ]
        if unitsPerItem != 1 { object["unitsPerItem"] = .string(String(unitsPerItem)) }
        object["args"] = .array(arguments.map { $0.json(slots: slots) })
        return .object(object)
    }
}

extension ReplaySpec.Argument {
    fileprivate init(_ value: JSONValue, _ path: String, slots: [ReplaySpec.Slot]) throws(ParseError) {
        var reader = try JSONReader(value, path)
        if reader.has("slot") {
            let name = try reader.name("slot")
            guard let index = slots.firstIndex(where: { $0.name == name }) else {
                throw ParseError(field: reader.path("slot"), expected: "a name in slots", actual: name)
            }
            let access = reader.has("access") ? try reader.choice("access", Access.self) : .read
            guard access == .read || slots[index].role != .input else {
                throw ParseError(field: path + ".access", expected: "read, as for every input", actual: access.rawValue)
            }
            self = .slot(index, access)
        } else if reader.has("i32") {
            self = .i32(try reader.signed("i32"))
        } else if reader.has("u32") {
            self = .u32(UInt32(try reader.decimal("u32", in: 0...UInt64(UInt32.max))))
        } else if reader.has("i64") {
            self = .i64(try reader.signed("i64"))
        } else if reader.has("u64") {
            self = .u64(try reader.decimal("u64"))
        } else if reader.has("f32") {
            self = .f32(bits: UInt32(try reader.bits("f32", count: 4)))
        } else if reader.has("f64") {
            self = .f64(bits: try reader.bits("f64", count: 8))
        } else {
            throw ParseError(field: path, expected: "one of slot, i32, u32, i64, u64, f32, f64", actual: "none of them")
        }
        try reader.finish()
    }

    fileprivate func json(slots: [ReplaySpec.Slot]) -> JSONValue {
        switch self {
        case .slot(let index, let access):
            var object: JSONObject = ["slot": .string(slots[index].name)]
            if access != .read { object["access"] = .string(access.rawValue) }
            return .object(object)
        case .i32(let value): return .object(["i32": .string(String(value))])
        case .u32(let value): return .object(["u32": .string(String(value))])
        case .i64(let value): return .object(["i64": .string(String(value))])
        case .u64(let value): return .object(["u64": .string(String(value))])
        case .f32(let bits):
            var bytes: [UInt8] = []
            bytes.appendBigEndian(bits)
            return .object(["f32": .string("0x" + Hex.encode(bytes))])
        case .f64(let bits):
            var bytes: [UInt8] = []
            bytes.appendBigEndian(bits)
            return .object(["f64": .string("0x" + Hex.encode(bytes))])
        }
    }
}
