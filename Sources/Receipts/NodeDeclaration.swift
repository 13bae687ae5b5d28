// What a node says about itself and nothing here can check: by which licence and for whom it works.
public import Codecs

/// References of a node to registers that Assay does not keep. Whoever keeps such a register looks them up there.
public struct NodeDeclaration: Sendable, Equatable {
    /// The most bytes of a reference.
    public static let maxBytes = 128

    /// The licence under which the node works, as its register names it.
    public var licence: String?
    /// Who operates the node, or on whose behalf it works.
    public var operatorReference: String?

    /// Makes a declaration.
    /// - Throws: `ParseError` when both references are missing, or one is not 1 to 128 visible ASCII characters.
    public init(licence: String? = nil, operatorReference: String? = nil) throws(ParseError) {
        guard licence != nil || operatorReference != nil else {
            throw ParseError(field: "declared", expected: "a licence or an operator", actual: "neither")
        }
        for (name, text) in [("licence", licence), ("operator", operatorReference)] {
            guard let text else { continue }
            try Self.check(text, "declared." + name)
        }
        self.licence = licence
        self.operatorReference = operatorReference
    }

    /// Checks that `text` is a reference: 1 to 128 visible ASCII characters.
    public static func check(_ text: String, _ field: String) throws(ParseError) {
        guard (1...maxBytes).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            let expected = "1 to \(maxBytes) visible ASCII characters"
            throw ParseError(field: field, expected: expected, actual: "other text")
        }
    }

    init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        let licence = try reader.optionalString("licence", maxBytes: Self.maxBytes)
        let operatorReference = try reader.optionalString("operator", maxBytes: Self.maxBytes)
        try reader.finish()
        try self.init(licence: licence, operatorReference: operatorReference)
    }

    var json: JSONValue {
        var object: JSONObject = [:]
        if let licence { object["licence"] = .string(licence) }
        if let operatorReference { object["operator"] = .string(operatorReference) }
        return .object(object)
    }
}
