// Where the shared vectors lie: the folder named by ASSAY_SHARED, else `shared` beside the package.
import Codecs
import Foundation

enum Shared {
    static let root: String = {
        if let path = ProcessInfo.processInfo.environment["ASSAY_SHARED"] { return path }
        let package = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
            separator: "/"
        )
        return package + "/../shared"
    }()

    /// Whether the folder is there; suites that need it say so by name when it is not.
    static var isPresent: Bool { FileManager.default.fileExists(atPath: root + "/vectors/proofs/MANIFEST.json") }

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: root + "/vectors/" + path)))
    }

    static func json(_ path: String) throws -> JSONValue {
        try JSONValue(parsing: bytes(path), limits: JSONLimits(bytes: 16 << 20, values: 2_000_000))
    }
}

extension JSONValue {
    subscript(name: String) -> JSONValue {
        guard case .object(let object) = self else { return .null }
        return object[name] ?? .null
    }

    subscript(index: Int) -> JSONValue { items.indices.contains(index) ? items[index] : .null }

    var items: [JSONValue] {
        guard case .array(let items) = self else { return [] }
        return items
    }

    var text: String {
        switch self {
        case .string(let text): text
        case .number(let number): number.text
        default: ""
        }
    }

    var isTrue: Bool { self == .bool(true) }

    /// The bytes of hexadecimal text, with or without 0x.
    var hex: [UInt8] {
        let digits = text.hasPrefix("0x") ? String(text.dropFirst(2)) : text
        return (try? Hex.decode(digits, allowsUpperCase: true)) ?? []
    }
}
