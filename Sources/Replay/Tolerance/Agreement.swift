// How two honest runs of a job that is not bit-exact may differ: one rule for each output, stated in the spec before anybody
// runs it. Bounds come from the inputs or from the appraiser's own run, never from the data of the accused.
public import Codecs

/// The rule by which a claimed output is compared with the appraiser's own.
public struct Agreement: Sendable, Equatable {
    /// What may differ, and by how much.
    public enum Rule: Sendable, Equatable {
        /// Nothing: the same bits.
        case bits
        /// The output is the product of two inputs: |claimed − replayed| ≤ tau · ‖row of left‖ · ‖column of right‖ for every
        /// element but `outliers`.
        case product(left: Int, right: Int, tau: Double, outliers: UInt64)
        /// |claimed − replayed| ≤ tau · ‖row of the replayed output‖ for every element but `outliers`.
        case row(tau: Double, outliers: UInt64)
        /// The output holds, for each row of `scores`, the index of its largest element; another index is as good when its
        /// own replayed score is below the best by at most tau · ‖row‖.
        case choice(scores: Int, tau: Double)
        /// In each row the largest elements by magnitude, rounded to bfloat16, are compared (arXiv 2501.16007, §3).
        case largest(Sketch)
    }

    /// Thresholds for the `count` largest elements of each row.
    public struct Sketch: Sendable, Equatable {
        /// How many elements of a row count.
        public var count: Int
        /// The least number of positions that both sides have among their largest.
        public var overlapMin: Int
        /// The most common positions whose values differ in sign or exponent.
        public var exponentMismatchesMax: Int
        /// The largest mean difference of the 7-bit mantissas at the other common positions, in thousandths.
        public var mantissaMeanMaxMilli: Int

        /// States thresholds.
        public init(count: Int, overlapMin: Int, exponentMismatchesMax: Int, mantissaMeanMaxMilli: Int) {
            self.count = count
            self.overlapMin = overlapMin
            self.exponentMismatchesMax = exponentMismatchesMax
            self.mantissaMeanMaxMilli = mantissaMeanMaxMilli
        }
    }

    /// The output's index among the slots.
    public var slot: Int
    /// What may differ.
    public var rule: Rule

    /// States a rule for an output.
    public init(slot: Int, rule: Rule) {
        self.slot = slot
        self.rule = rule
    }
}

extension Agreement {
    /// The member `agreement`: one rule for each output of a class that is not bit-exact, in slot order.
    static func all(
        _ reader: inout JSONReader,
        replayClass: ReplaySpec.Class,
        slots: [ReplaySpec.Slot]
    ) throws(ParseError) -> [Agreement] {
        let field = reader.path("agreement")
        guard !replayClass.isBitExact else {
            guard !reader.has("agreement") else {
                let expected = "nothing: class \(replayClass.rawValue) compares bits"
                throw ParseError(field: field, expected: expected, actual: "rules")
            }
            return []
        }
        let rules = try reader.array("agreement", max: ReplaySpec.Bounds.slots) {
            (value, path) throws(ParseError) -> Agreement in
            try Agreement(value, path, replayClass: replayClass, slots: slots)
        }
        let outputs = slots.indices.filter { slots[$0].role == .output }
        guard rules.map(\.slot) == outputs else {
            let expected = "one rule for each output in slot order: "
            throw ParseError(
                field: field,
                expected: expected + outputs.map { slots[$0].name }.joined(separator: ", "),
                actual: rules.map { slots[$0.slot].name }.joined(separator: ", ")
            )
        }
        guard rules.contains(where: { $0.isOwn(to: replayClass) }) else {
            let expected = replayClass == .lsh ? "a rule of kind largest" : "a rule of kind product, row or choice"
            throw ParseError(field: field, expected: expected, actual: "none")
        }
        return rules
    }

    private func isOwn(to replayClass: ReplaySpec.Class) -> Bool {
        switch rule {
        case .bits: false
        case .product, .row: replayClass == .tolerance
        case .choice: replayClass == .tolerance
        case .largest: replayClass == .lsh
        }
    }

    private init(
        _ value: JSONValue,
        _ path: String,
        replayClass: ReplaySpec.Class,
        slots: [ReplaySpec.Slot]
    ) throws(ParseError) {
        var reader = try JSONReader(value, path)
        let names = ReplaySpec.Names(sources: [], slots: slots, hasSeed: false)
        slot = try names.slot(try reader.name("slot"), reader.path("slot"))
        let output = slots[slot]
        let kind = try reader.string("kind", maxBytes: 16)
        switch kind {
        case "bits": rule = .bits
        case "product" where replayClass == .tolerance:
            let left = try names.slot(try reader.name("left"), reader.path("left"))
            let right = try names.slot(try reader.name("right"), reader.path("right"))
            try Self.requireProduct(output, slots[left], slots[right], path)
            rule = .product(
                left: left,
                right: right,
                tau: try reader.tau(),
                outliers: try reader.outliers(of: output)
            )
        case "row" where replayClass == .tolerance:
            try Self.requireFloats(output, reader.path("slot"))
            rule = .row(tau: try reader.tau(), outliers: try reader.outliers(of: output))
        case "choice":
            let scores = try names.slot(try reader.name("scores"), reader.path("scores"))
            try Self.requireChoice(output, slots[scores], path)
            rule = .choice(scores: scores, tau: try reader.tau())
        case "largest" where replayClass == .lsh:
            try Self.requireFloats(output, reader.path("slot"))
            let width = output.shape.last ?? 1
            let count = Int(try reader.integer("count", in: 1...Int64(min(width, 4096))))
            rule = .largest(
                Sketch(
                    count: count,
                    overlapMin: Int(try reader.integer("overlapMin", in: 1...Int64(count))),
                    exponentMismatchesMax: Int(try reader.integer("exponentMismatchesMax", in: 0...Int64(count))),
                    mantissaMeanMaxMilli: Int(try reader.integer("mantissaMeanMaxMilli", in: 0...127_000))
                )
            )
        default:
            let kinds = replayClass == .lsh ? "bits, choice, largest" : "bits, product, row, choice"
            throw ParseError(field: reader.path("kind"), expected: "one of \(kinds)", actual: kind)
        }
        try reader.finish()
    }

    private static func requireFloats(_ slot: ReplaySpec.Slot, _ field: String) throws(ParseError) {
        guard slot.type.isFloatingPoint else {
            throw ParseError(field: field, expected: "a slot of f32 or f64", actual: slot.type.rawValue)
        }
    }

    private static func requireProduct(
        _ output: ReplaySpec.Slot,
        _ left: ReplaySpec.Slot,
        _ right: ReplaySpec.Slot,
        _ path: String
    ) throws(ParseError) {
        try requireFloats(output, path + ".slot")
        for (slot, member) in [(left, "left"), (right, "right")] {
            try requireFloats(slot, path + "." + member)
            guard slot.file != nil else {
                throw ParseError(field: path + "." + member, expected: "an input", actual: slot.role.rawValue)
            }
        }
        guard left.shape.count == 2, right.shape.count == 2, left.shape[1] == right.shape[0],
            output.shape == [left.shape[0], right.shape[1]]
        else {
            let actual = "\(left.shape) · \(right.shape) = \(output.shape)"
            throw ParseError(field: path, expected: "shapes of a matrix product", actual: actual)
        }
    }

    private static func requireChoice(
        _ output: ReplaySpec.Slot,
        _ scores: ReplaySpec.Slot,
        _ path: String
    ) throws(ParseError) {
        try requireFloats(scores, path + ".scores")
        guard scores.role == .output else {
            throw ParseError(field: path + ".scores", expected: "an output", actual: scores.role.rawValue)
        }
        let rows = scores.elementCount / Int(scores.shape.last ?? 1)
        guard !output.type.isFloatingPoint, output.elementCount == rows else {
            let expected = "\(rows) integers, one for each row of \(scores.name)"
            throw ParseError(
                field: path + ".slot",
                expected: expected,
                actual: "\(output.elementCount) of \(output.type.rawValue)"
            )
        }
    }

    func json(slots: [ReplaySpec.Slot]) -> JSONValue {
        var object: JSONObject = ["slot": .string(slots[slot].name)]
        switch rule {
        case .bits: object["kind"] = .string("bits")
        case .product(let left, let right, let tau, let outliers):
            object["kind"] = .string("product")
            object["left"] = .string(slots[left].name)
            object["right"] = .string(slots[right].name)
            object["tau"] = Self.bits(tau)
            object["outliers"] = .string(String(outliers))
        case .row(let tau, let outliers):
            object["kind"] = .string("row")
            object["tau"] = Self.bits(tau)
            object["outliers"] = .string(String(outliers))
        case .choice(let scores, let tau):
            object["kind"] = .string("choice")
            object["scores"] = .string(slots[scores].name)
            object["tau"] = Self.bits(tau)
        case .largest(let sketch):
            object["kind"] = .string("largest")
            object["count"] = .integer(sketch.count)
            object["overlapMin"] = .integer(sketch.overlapMin)
            object["exponentMismatchesMax"] = .integer(sketch.exponentMismatchesMax)
            object["mantissaMeanMaxMilli"] = .integer(sketch.mantissaMeanMaxMilli)
        }
        return .object(object)
    }

    private static func bits(_ value: Double) -> JSONValue {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(value.bitPattern)
        return .string("0x" + Hex.encode(bytes))
    }
}

extension JSONReader {
    /// A bound as the bits of a double: finite and not below zero.
    fileprivate mutating func tau() throws(ParseError) -> Double {
        let value = Double(bitPattern: try bits("tau", count: 8))
        guard value.isFinite, value.sign == .plus else {
            throw ParseError(field: path("tau"), expected: "a finite number from +0", actual: "\(value)")
        }
        return value
    }

    fileprivate mutating func outliers(of slot: ReplaySpec.Slot) throws(ParseError) -> UInt64 {
        try decimal("outliers", in: 0...UInt64(slot.elementCount))
    }
}

extension Agreement.Rule {
    /// The rule in words, for verdicts.
    public func text(slots: [ReplaySpec.Slot]) -> String {
        switch self {
        case .bits: "the same bits"
        case .product(let left, let right, let tau, let outliers):
            "at most \(tau) of ‖row of \(slots[left].name)‖ · ‖column of \(slots[right].name)‖, \(outliers) outliers"
        case .row(let tau, let outliers): "at most \(tau) of the row's norm, \(outliers) outliers"
        case .choice(let scores, let tau): "the best of \(slots[scores].name), or within \(tau) of the row's norm of it"
        case .largest(let sketch):
            "of the \(sketch.count) largest of a row at least \(sketch.overlapMin) in common, at most "
                + "\(sketch.exponentMismatchesMax) exponents apart, mantissas at most "
                + "\(sketch.mantissaMeanMaxMilli)/1000 apart in the mean"
        }
    }
}
