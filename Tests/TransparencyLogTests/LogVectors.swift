// Where the shared vectors of transparency logs are. A suite that needs them is disabled by name when they are missing.
import Codecs
import Foundation
import Testing
import TransparencyLog

enum LogVectors {
    static let missing: Comment = "the shared vectors (../shared/vectors/commitments/tlog or ASSAY_SHARED) are not here"

    static let folder: URL? = {
        let shared: URL
        if let path = ProcessInfo.processInfo.environment["ASSAY_SHARED"] {
            shared = URL(fileURLWithPath: path)
        } else {
            shared = URL(fileURLWithPath: #filePath)
                .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("shared")
        }
        let folder = shared.appendingPathComponent("vectors/commitments/tlog")
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }()

    static var isPresent: Bool { folder != nil }

    static func bytes(_ path: String) throws -> [UInt8] {
        let folder = try #require(folder)
        return [UInt8](try Data(contentsOf: folder.appendingPathComponent(path)))
    }

    static func text(_ path: String) throws -> String {
        String(decoding: try bytes(path), as: UTF8.self)
    }

    static func json(_ path: String) throws -> JSONValue {
        try JSONValue(parsing: try bytes(path), limits: JSONLimits(allowsFractions: true))
    }

    /// The verifier key in a witness's or mirror's description.
    static func key(_ path: String) throws -> NoteKey {
        guard case .object(let object) = try json(path), case .array(let keys)? = object["verifier_keys"],
            case .string(let text)? = keys.first
        else { throw ParseError(field: path, expected: "verifier_keys", actual: "none") }
        return try NoteKey(text: text)
    }
}

/// Tiles in memory.
final class MemoryTiles: TileSource {
    var files: [String: [UInt8]] = [:]

    func read(_ path: TilePath) throws(TileError) -> [UInt8]? { files[path.text] }
}
