// The JSON form of steps, repeats and arguments.
internal import Codecs

extension ReplaySpec {
    /// What the names in a step may mean.
    struct Names {
        let sources: [Source]
        let slots: [Slot]
        let hasSeed: Bool
        /// The iterations of the repeat that is being read; `nil` outside.
        var iterations: Int?

        init(sources: [Source], slots: [Slot], hasSeed: Bool) {
            self.sources = sources
            self.slots = slots
            self.hasSeed = hasSeed
        }

        func slot(_ name: String, _ field: String) throws(ParseError) -> Int {
            guard let index = slots.firstIndex(where: { $0.name == name }) else {
                throw ParseError(field: field, expected: "a name in slots", actual: name)
            }
            return index
        }
    }

    /// The member `steps`: steps, and repeats of steps.
    struct StepList {
        private(set) var steps: [Step] = []
        private(set) var repeats: [Repeat] = []

        init(_ reader: inout JSONReader, _ names: Names) throws(ParseError) {
            let field = reader.path("steps")
            var list = StepList()
            // Elements are either steps or repeats, so that they are read into the list itself.
            _ = try reader.array("steps", max: Bounds.steps) { (value, path) throws(ParseError) -> Bool in
                try list.append(value, path, names)
                return true
            }
            self = list
            guard !steps.isEmpty else {
                throw ParseError(field: field, expected: "at least one step", actual: "none")
            }
            guard steps.count <= Bounds.steps else {
                throw ParseError(field: field, expected: "at most \(Bounds.steps) steps", actual: "\(steps.count)")
            }
            let launches = ReplaySpec.Block.all(stepCount: steps.count, repeats: repeats).last?.end ?? 0
            guard launches <= Bounds.launches else {
                throw ParseError(field: field, expected: "at most \(Bounds.launches) launches", actual: "\(launches)")
            }
        }

        private init() {}

        private mutating func append(_ value: JSONValue, _ path: String, _ names: Names) throws(ParseError) {
            var reader = try JSONReader(value, path)
            guard reader.has("repeat") else {
                steps.append(try Step(reader, names))
                return
            }
            let count = Int(try reader.integer("repeat", in: 1...Int64(Bounds.launches)))
            var inner = names
            inner.iterations = count
            let first = steps.count
            let carried = try reader.array("carry", max: Bounds.slots) { (value, path) throws(ParseError) -> Int in
                guard case .string(let name) = value else {
                    throw ParseError(field: path, expected: "a name in slots", actual: value.typeName)
                }
                return try names.slot(name, path)
            }
            steps += try reader.array("steps", max: Bounds.steps) { (value, path) throws(ParseError) -> Step in
                try Step(try JSONReader(value, path), inner)
            }
            let body = first..<steps.count
            guard !body.isEmpty else {
                throw ParseError(field: reader.path("steps"), expected: "at least one step", actual: "none")
            }
            let written = Set(steps[body].flatMap(\.writtenSlots))
            for (position, slot) in carried.enumerated() {
                guard written.contains(slot), !carried[..<position].contains(slot) else {
                    let expected = "slots that the repeat writes, each once"
                    let actual = names.slots[slot].name
                    throw ParseError(field: reader.path("carry[\(position)]"), expected: expected, actual: actual)
                }
            }
            try reader.finish()
            repeats.append(Repeat(steps: body, count: count, carried: carried.sorted()))
        }

        /// Σ over the launches of work-items × `unitsPerItem`.
        func workUnits(_ field: String) throws(ParseError) -> UInt64 {
            var total: UInt64 = 0
            for (index, step) in steps.enumerated() {
                let count = repeats.first { $0.steps.contains(index) }?.count ?? 1
                let items = step.global.reduce(1, *)
                let (units, overflow) = items.multipliedReportingOverflow(by: step.unitsPerItem)
                let (all, allOverflow) = units.multipliedReportingOverflow(by: UInt64(count))
                let (sum, sumOverflow) = total.addingReportingOverflow(all)
                guard !overflow, !allOverflow, !sumOverflow else {
                    let expected = "work units below 2^64 in all"
                    throw ParseError(field: "\(field)[\(index)].unitsPerItem", expected: expected, actual: "more")
                }
                total = sum
            }
            return total
        }
    }

    /// The steps as they are written: those of a repeat inside it.
    var stepsJSON: [JSONValue] {
        blocks.map { block -> [JSONValue] in
            let inner = block.steps.map { steps[$0].json(sources: sources, slots: slots) }
            guard let index = block.repeatIndex else { return inner }
            return [
                .object([
                    "repeat": .integer(repeats[index].count),
                    "carry": .array(repeats[index].carried.map { .string(slots[$0].name) }),
                    "steps": .array(inner),
                ])
            ]
        }.flatMap(\.self)
    }
}

extension ReplaySpec.Step {
    fileprivate init(_ object: JSONReader, _ names: ReplaySpec.Names) throws(ParseError) {
        var reader = object
        kernel = try reader.identifier("kernel")
        let sourceName = try reader.name("source")
        guard let index = names.sources.firstIndex(where: { $0.name == sourceName }) else {
            throw ParseError(field: reader.path("source"), expected: "a name in sources", actual: sourceName)
        }
        source = index
        global = try reader.range("global", maxItems: ReplaySpec.Bounds.globalItems)
        local = try Self.local("local", of: global, &reader)
        alternativeLocal =
            reader.has("alternativeLocal") ? try Self.local("alternativeLocal", of: global, &reader) : nil
        unitsPerItem = try reader.optionalDecimal("unitsPerItem", in: 1...UInt64.max) ?? 1
        arguments = try reader.array("args", max: ReplaySpec.Bounds.arguments) {
            (value, path) throws(ParseError) -> ReplaySpec.Argument in
            try ReplaySpec.Argument(value, path, names)
        }
        try reader.finish()
        try requireNoAlias(slots: names.slots, reader.path("args"))
    }

    /// A work-group shape, which divides `global`.
    private static func local(
        _ member: String,
        of global: [UInt64],
        _ reader: inout JSONReader
    ) throws(ParseError) -> [UInt64] {
        let local = try reader.range(member, maxItems: ReplaySpec.Bounds.localItems)
        guard local.count == global.count else {
            let expected = "\(global.count) dimensions, as global has"
            throw ParseError(field: reader.path(member), expected: expected, actual: "\(local.count)")
        }
        for (items, group) in zip(global, local) where !items.isMultiple(of: group) {
            throw ParseError(field: reader.path(member), expected: "a divisor of \(items)", actual: "\(group)")
        }
        return local
    }

    fileprivate func json(sources: [ReplaySpec.Source], slots: [ReplaySpec.Slot]) -> JSONValue {
        var object: JSONObject = [
            "kernel": .string(kernel),
            "source": .string(sources[source].name),
            "global": .array(global.map { .integer($0) }),
            "local": .array(local.map { .integer($0) }),
        ]
        if let alternativeLocal { object["alternativeLocal"] = .array(alternativeLocal.map { .integer($0) }) }
        if unitsPerItem != 1 { object["unitsPerItem"] = .string(String(unitsPerItem)) }
        object["args"] = .array(arguments.map { $0.json(slots: slots) })
        return .object(object)
    }
}

extension ReplaySpec.Argument {
    fileprivate init(_ value: JSONValue, _ path: String, _ names: ReplaySpec.Names) throws(ParseError) {
        var reader = try JSONReader(value, path)
        if reader.has("slot") {
            self = try Self.slot(&reader, path, names)
        } else if reader.has("slots") {
            self = try Self.slots(&reader, names)
        } else if reader.has("i32") {
            self = try Self.counted(.i32(try reader.signed("i32")), &reader, names)
        } else if reader.has("u32") {
            self = try Self.counted(.u32(UInt32(try reader.decimal("u32", in: 0...UInt64(UInt32.max)))), &reader, names)
        } else if reader.has("i64") {
            self = try Self.counted(.i64(try reader.signed("i64")), &reader, names)
        } else if reader.has("u64") {
            self = try Self.counted(.u64(try reader.decimal("u64")), &reader, names)
        } else if reader.has("f32") {
            self = .f32(bits: UInt32(try reader.bits("f32", count: 4)))
        } else if reader.has("f64") {
            self = .f64(bits: try reader.bits("f64", count: 8))
        } else if reader.has("localBytes") {
            self = .local(byteCount: try reader.decimal("localBytes", in: 1...ReplaySpec.Bounds.localBytes))
        } else if reader.has("seedWord") {
            let word = Int(try reader.integer("seedWord", in: 0...3))
            guard names.hasSeed else {
                throw ParseError(field: reader.path("seedWord"), expected: "a spec with a seed", actual: "none")
            }
            self = .seedWord(word)
        } else {
            let expected = "one of slot, slots, i32, u32, i64, u64, f32, f64, localBytes, seedWord"
            throw ParseError(field: path, expected: expected, actual: "none of them")
        }
        try reader.finish()
    }

    private static func slot(
        _ reader: inout JSONReader,
        _ path: String,
        _ names: ReplaySpec.Names
    ) throws(ParseError) -> Self {
        let index = try names.slot(try reader.name("slot"), reader.path("slot"))
        let access = reader.has("access") ? try reader.choice("access", Access.self) : .read
        guard access == .read || names.slots[index].file == nil else {
            throw ParseError(field: path + ".access", expected: "read, as for every input", actual: access.rawValue)
        }
        return .slot(index, access)
    }

    /// One slot for each iteration, all of one type.
    private static func slots(_ reader: inout JSONReader, _ names: ReplaySpec.Names) throws(ParseError) -> Self {
        let indices = try reader.array("slots", max: ReplaySpec.Bounds.slots) {
            (value, path) throws(ParseError) -> Int in
            guard case .string(let name) = value else {
                throw ParseError(field: path, expected: "a name in slots", actual: value.typeName)
            }
            return try names.slot(name, path)
        }
        let field = reader.path("slots")
        guard let iterations = names.iterations else {
            throw ParseError(field: field, expected: "only inside a repeat", actual: "a step outside")
        }
        guard indices.count == iterations else {
            throw ParseError(field: field, expected: "\(iterations), one per iteration", actual: "\(indices.count)")
        }
        for (position, index) in indices.enumerated() {
            let (first, other) = (names.slots[indices[0]], names.slots[index])
            guard first.type == other.type, first.shape == other.shape else {
                let expected = "type and shape of \(first.name)"
                throw ParseError(field: field + "[\(position)]", expected: expected, actual: other.name)
            }
        }
        return .slotByIteration(indices)
    }

    /// `first`, or a counter that begins with it when the argument has a stride.
    private static func counted(
        _ first: Self,
        _ reader: inout JSONReader,
        _ names: ReplaySpec.Names
    ) throws(ParseError) -> Self {
        guard reader.has("stride") else { return first }
        let stride: Int64 = try reader.signed("stride")
        guard let iterations = names.iterations else {
            throw ParseError(field: reader.path("stride"), expected: "only inside a repeat", actual: "a step outside")
        }
        let counter = Self.counter(first, stride: stride)
        guard counter.value(iteration: iterations - 1, seed: nil) != nil else {
            let expected = "values of the argument's type in every iteration"
            throw ParseError(field: reader.path("stride"), expected: expected, actual: "\(stride)")
        }
        return counter
    }

    fileprivate func json(slots: [ReplaySpec.Slot]) -> JSONValue {
        var bytes: [UInt8] = []
        switch self {
        case .slot(let index, let access):
            var object: JSONObject = ["slot": .string(slots[index].name)]
            if access != .read { object["access"] = .string(access.rawValue) }
            return .object(object)
        case .slotByIteration(let indices):
            return .object(["slots": .array(indices.map { .string(slots[$0].name) })])
        case .i32(let value): return .object(["i32": .string(String(value))])
        case .u32(let value): return .object(["u32": .string(String(value))])
        case .i64(let value): return .object(["i64": .string(String(value))])
        case .u64(let value): return .object(["u64": .string(String(value))])
        case .f32(let bits):
            bytes.appendBigEndian(bits)
            return .object(["f32": .string("0x" + Hex.encode(bytes))])
        case .f64(let bits):
            bytes.appendBigEndian(bits)
            return .object(["f64": .string("0x" + Hex.encode(bytes))])
        case .local(let byteCount): return .object(["localBytes": .string(String(byteCount))])
        case .seedWord(let word): return .object(["seedWord": .integer(word)])
        case .counter(let first, let stride):
            guard case .object(var object) = first.json(slots: slots) else { return .null }
            object["stride"] = .string(String(stride))
            return .object(object)
        }
    }
}
