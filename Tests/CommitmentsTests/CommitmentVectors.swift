// Where the shared vectors of the commitment families are, and how they are read. A suite that needs them is disabled by
// name when the folder is missing.
import Codecs
import Foundation
import Testing

enum CommitmentVectors {
    static let missing: Comment = "the shared vectors (../shared/vectors/commitments or ASSAY_SHARED) are not here"

    static let folder: URL? = {
        let shared: URL
        if let path = ProcessInfo.processInfo.environment["ASSAY_SHARED"] {
            shared = URL(fileURLWithPath: path)
        } else {
            shared = URL(fileURLWithPath: #filePath)
                .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("shared")
        }
        let folder = shared.appendingPathComponent("vectors/commitments")
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }()

    static var isPresent: Bool { folder != nil }

    static func bytes(_ path: String) throws -> [UInt8] {
        let folder = try #require(folder)
        return [UInt8](try Data(contentsOf: folder.appendingPathComponent(path)))
    }

    static func json(_ path: String) throws -> JSONValue {
        try JSONValue(parsing: try bytes(path), limits: JSONLimits(allowsFractions: true))
    }

    /// The entries of a family's manifest.
    static func manifest(_ family: String) throws -> [(file: String, expected: String)] {
        try json(family + "/MANIFEST.json").elements.map { entry in
            (try entry["file"].text, try entry["expected"].text)
        }
    }
}

extension JSONValue {
    struct Mismatch: Error {
        let wanted: String
        let found: String
    }

    var elements: [JSONValue] {
        get throws {
            guard case .array(let elements) = self else { throw Mismatch(wanted: "array", found: typeName) }
            return elements
        }
    }

    var text: String {
        get throws {
            guard case .string(let text) = self else { throw Mismatch(wanted: "string", found: typeName) }
            return text
        }
    }

    var number: Int {
        get throws {
            guard case .number(let number) = self, let integer = number.integer else {
                throw Mismatch(wanted: "integer", found: typeName)
            }
            return Int(integer)
        }
    }

    subscript(name: String) -> JSONValue {
        get throws {
            guard case .object(let object) = self, let value = object[name] else {
                throw Mismatch(wanted: name, found: typeName)
            }
            return value
        }
    }

    var isTrue: Bool { self == .bool(true) }
}

/// SplitMix64: the seed is printed by the test that fails.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}
