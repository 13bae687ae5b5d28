// The trust file of attestation: pinned root certificates and, where a vendor has no certificates, pinned keys.

public import Codecs

/// A key that is trusted by itself.
public struct PinnedKey: Sendable {
    /// What selects it: the instance or implementation identifier in the evidence; empty for a key that fits any.
    public var id: [UInt8]
    /// The key.
    public var key: PublicKey

    /// Pins a key.
    public init(id: [UInt8], key: PublicKey) {
        self.id = id
        self.key = key
    }
}

/// Everything that is believed without proof. No root is built in: what is not in here is not trusted.
public struct TrustAnchors: Sendable {
    /// Pinned roots by domain.
    public private(set) var roots: [TrustDomain: [Certificate]]
    /// Pinned keys by domain.
    public private(set) var keys: [TrustDomain: [PinnedKey]]

    /// Takes roots and keys.
    public init(roots: [TrustDomain: [Certificate]] = [:], keys: [TrustDomain: [PinnedKey]] = [:]) {
        self.roots = roots
        self.keys = keys
    }

    /// The pinned roots of `domain`.
    public func roots(_ domain: TrustDomain) -> [Certificate] { roots[domain] ?? [] }
    /// The pinned keys of `domain`.
    public func keys(_ domain: TrustDomain) -> [PinnedKey] { keys[domain] ?? [] }

    /// Adds a root.
    public mutating func pin(_ root: Certificate, in domain: TrustDomain) {
        roots[domain, default: []].append(root)
    }

    /// Adds a key.
    public mutating func pin(_ key: PinnedKey, in domain: TrustDomain) {
        keys[domain, default: []].append(key)
    }

    /// Reads the text of a trust file, in JSON or in TOML.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        try self.init(try DocumentText.parse(bytes, limits: JSONLimits(bytes: 4 << 20)))
    }

    /// Reads `{"schema": "assay-trust-anchors-1", "roots": {DOMAIN: [PEM…]}, "keys": {DOMAIN: [{"id": HEX, "key": PEM}…]}}`.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        self.init()
        var reader = try JSONReader(value, field)
        try reader.constant("schema", "assay-trust-anchors-1")
        var rootReader = try reader.object("roots")
        for domain in TrustDomain.allCases {
            guard rootReader.has(domain.rawValue) else {
                _ = rootReader.optionalValue(domain.rawValue)
                continue
            }
            let path = rootReader.path(domain.rawValue)
            for (index, item) in try rootReader.array(domain.rawValue, max: 64).enumerated() {
                guard case .string(let text) = item else {
                    throw ParseError(field: "\(path)[\(index)]", expected: "PEM text", actual: item.typeName)
                }
                let chain = try Certificate.chain(pem: Array(text.utf8)[...], max: 1, field: "\(path)[\(index)]")
                guard let root = chain.first else {
                    throw ParseError(field: "\(path)[\(index)]", expected: "a certificate", actual: "none")
                }
                pin(root, in: domain)
            }
        }
        try rootReader.finish()
        if reader.has("keys") {
            var keyReader = try reader.object("keys")
            for domain in TrustDomain.allCases {
                guard keyReader.has(domain.rawValue) else {
                    _ = keyReader.optionalValue(domain.rawValue)
                    continue
                }
                let read = { (value: JSONValue, path: String) throws(ParseError) -> PinnedKey in
                    var item = try JSONReader(value, path)
                    let id = try Hex.decode(try item.string("id", maxBytes: 512), field: item.path("id"))
                    let key = try PublicKey(pem: Array(try item.string("key").utf8), field: item.path("key"))
                    try item.finish()
                    return PinnedKey(id: id, key: key)
                }
                for key in try keyReader.array(domain.rawValue, max: 4096, read) { pin(key, in: domain) }
            }
            try keyReader.finish()
        }
        try reader.finish()
    }
}
