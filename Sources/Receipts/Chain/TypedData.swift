// Typed structured data of EVM chains and what is signed of it (EIP-712). Only hashing: which types a message may have is for
// the caller to fix, because a wallet shows whatever the types say.
public import Codecs
public import Commitments

/// A document of `eth_signTypedData`: types, domain and message.
public struct TypedData: Sendable {
    /// The most bytes of a document.
    public static let maxBytes = 1 << 20
    /// The most types, and the most members of a type.
    public static let maxTypes = 64

    /// A member of a structure.
    public struct Member: Sendable, Equatable {
        /// The member's name.
        public var name: String
        /// Its type in Solidity's words.
        public var type: String

        /// Names a member.
        public init(name: String, type: String) {
            self.name = name
            self.type = type
        }
    }

    /// The structures by name.
    public let types: [String: [Member]]
    /// The message's structure.
    public let primaryType: String
    /// The domain, of structure `EIP712Domain`.
    public let domain: JSONObject
    /// The message.
    public let message: JSONObject

    /// Makes a document.
    public init(types: [String: [Member]], primaryType: String, domain: JSONObject, message: JSONObject) {
        self.types = types
        self.primaryType = primaryType
        self.domain = domain
        self.message = message
    }

    /// Reads a document.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        guard case .object(let definitions) = try reader.value("types"), definitions.members.count <= Self.maxTypes
        else {
            throw ParseError(field: reader.path("types"), expected: "at most \(Self.maxTypes) types", actual: "other")
        }
        var types: [String: [Member]] = [:]
        for (name, members) in definitions.members {
            let path = reader.path("types.") + name
            guard Self.isIdentifier(name), case .array(let list) = members, list.count <= Self.maxTypes else {
                throw ParseError(field: path, expected: "at most \(Self.maxTypes) members", actual: members.typeName)
            }
            types[name] = try list.enumerated().map { (index, value) throws(ParseError) -> Member in
                var entry = try JSONReader(value, "\(path)[\(index)]")
                let member = Member(
                    name: try entry.string("name", maxBytes: 256),
                    type: try entry.string("type", maxBytes: 256)
                )
                try entry.finish()
                guard Self.isIdentifier(member.name) else {
                    throw ParseError(field: entry.path("name"), expected: "an identifier", actual: member.name)
                }
                return member
            }
        }
        self.types = types
        primaryType = try reader.string("primaryType", maxBytes: 256)
        domain = try Self.object("domain", &reader)
        message = try Self.object("message", &reader)
        try reader.finish()
    }

    private static func object(_ name: String, _ reader: inout JSONReader) throws(ParseError) -> JSONObject {
        guard case .object(let object) = try reader.value(name) else {
            throw ParseError(field: reader.path(name), expected: "an object", actual: "another value")
        }
        return object
    }

    private static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f, 0x24: true
            default: false
            }
        }
    }

    /// Keccak-256 of the encoded domain.
    public func domainSeparator() throws(ParseError) -> Digest {
        try structHash("EIP712Domain", domain, "domain")
    }

    /// Keccak-256 of the encoded message.
    public func messageHash() throws(ParseError) -> Digest {
        try structHash(primaryType, message, "message")
    }

    /// What is signed: Keccak-256 of 0x19 0x01 ‖ domain separator ‖ message hash.
    public func digest() throws(ParseError) -> Digest {
        Keccak.hash([0x19, 0x01] + (try domainSeparator()).bytes + (try messageHash()).bytes, .keccak256)
    }

    /// The type's text, with the structures that it refers to after it in order of their names ("Definition of encodeType").
    public func encodedType(_ name: String) throws(ParseError) -> String {
        var referenced: Set<String> = []
        try collect(name, into: &referenced)
        referenced.remove(name)
        return ([name] + referenced.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }).map { name in
            let members = (types[name] ?? []).map { "\($0.type) \($0.name)" }
            return "\(name)(\(members.joined(separator: ",")))"
        }.joined()
    }

    private func collect(_ name: String, into found: inout Set<String>) throws(ParseError) {
        guard let members = types[name] else {
            throw ParseError(field: "types", expected: "a type called \(name)", actual: "none")
        }
        guard found.insert(name).inserted else { return }
        for member in members {
            let base = member.type.prefix { $0 != "[" }
            if types[String(base)] != nil { try collect(String(base), into: &found) }
        }
    }

    private func structHash(_ name: String, _ value: JSONObject, _ field: String) throws(ParseError) -> Digest {
        var bytes = Keccak.hash(Array(try encodedType(name).utf8), .keccak256).bytes
        let members = types[name] ?? []
        for member in members {
            let path = "\(field).\(member.name)"
            guard let part = value[member.name] else {
                throw ParseError(field: path, expected: "a \(member.type)", actual: "nothing")
            }
            bytes += try word(member.type, part, path)
        }
        guard value.members.count == members.count else {
            throw ParseError(field: field, expected: "the members of \(name)", actual: "\(value.members.count) members")
        }
        return Keccak.hash(bytes, .keccak256)
    }

    /// The 32 bytes of a member ("Definition of encodeData").
    private func word(_ type: String, _ value: JSONValue, _ field: String) throws(ParseError) -> [UInt8] {
        if type.hasSuffix("]") { return try array(type, value, field) }
        if types[type] != nil {
            guard case .object(let object) = value else {
                throw ParseError(field: field, expected: "an object", actual: value.typeName)
            }
            return try structHash(type, object, field).bytes
        }
        return try EVMWord.encode(type, value, field)
    }

    /// Keccak-256 of the elements' words.
    private func array(_ type: String, _ value: JSONValue, _ field: String) throws(ParseError) -> [UInt8] {
        guard let open = type.lastIndex(of: "["), case .array(let elements) = value else {
            throw ParseError(field: field, expected: "an array", actual: value.typeName)
        }
        let bound = type[type.index(after: open)...].dropLast()
        guard bound.isEmpty || Int(bound) == elements.count else {
            throw ParseError(field: field, expected: "\(bound) elements", actual: "\(elements.count)")
        }
        var bytes: [UInt8] = []
        for (index, element) in elements.enumerated() {
            bytes += try word(String(type[..<open]), element, "\(field)[\(index)]")
        }
        return Keccak.hash(bytes, .keccak256).bytes
    }
}
