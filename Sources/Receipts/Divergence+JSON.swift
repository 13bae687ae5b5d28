// The JSON form of the first difference between a claim and its replay, as verdict statements and reports hold it.
public import Codecs
public import Replay

extension Divergence {
    /// The difference as a JSON object; what is not known is left out.
    public var json: JSONValue {
        var object: JSONObject = ["kind": .string(kind.rawValue), "step": .integer(step)]
        if let iteration { object["iteration"] = .integer(iteration) }
        if let kernel { object["kernel"] = .string(kernel) }
        if let slot { object["slot"] = .string(slot) }
        if let tile { object["tile"] = .integer(tile) }
        if let element { object["element"] = .string(String(element)) }
        if let claimed { object["claimed"] = .string(Hex.encode(claimed)) }
        if let replayed { object["replayed"] = .string(Hex.encode(replayed)) }
        return .object(object)
    }

    /// Reads a difference.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        let kind = try reader.choice("kind", Kind.self)
        let step = Int(try reader.integer("step", in: 0...1 << 16))
        let iteration = reader.has("iteration") ? Int(try reader.integer("iteration", in: 0...1 << 16)) : nil
        let kernel = try reader.optionalString("kernel", maxBytes: 64)
        let slot = try reader.optionalString("slot", maxBytes: 64)
        let tile = reader.has("tile") ? Int(try reader.integer("tile", in: 0...1 << 40)) : nil
        let element = reader.has("element") ? Int(try reader.decimal("element", in: 0...1 << 40)) : nil
        let claimed = try Self.bytes("claimed", &reader)
        let replayed = try Self.bytes("replayed", &reader)
        try reader.finish()
        self.init(
            kind: kind,
            step: step,
            iteration: iteration,
            kernel: kernel,
            slot: slot,
            tile: tile,
            element: element,
            claimed: claimed,
            replayed: replayed
        )
    }

    private static func bytes(_ name: String, _ reader: inout JSONReader) throws(ParseError) -> [UInt8]? {
        guard let text = try reader.optionalString(name, maxBytes: 32) else { return nil }
        return try Hex.decode(text, field: reader.path(name))
    }
}
