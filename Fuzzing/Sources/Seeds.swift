// Where valid inputs come from: this project's vectors, the shared ones in place, and encoders. Nothing is copied into the
// project; a source that is not on this machine gives nothing.
import AssayTesting
import Codecs
import Foundation

/// A source of valid inputs.
struct Seeds: Sendable {
    /// The inputs.
    let inputs: @Sendable () -> [[UInt8]]

    /// Inputs longer than this slow a fuzzer down more than they teach it.
    static let maxBytes = 1 << 16
    /// The most inputs of one source.
    static let maxCount = 500

    private init(_ inputs: @escaping @Sendable () -> [[UInt8]]) {
        self.inputs = inputs
    }

    /// These inputs.
    static func bytes(_ inputs: [UInt8]...) -> Seeds { Seeds { inputs } }
    /// These texts.
    static func texts(_ texts: String...) -> Seeds { Seeds { texts.map { Array($0.utf8) } } }
    /// What an encoder gives; nothing when it throws.
    static func made(_ make: @escaping @Sendable () throws -> [[UInt8]]) -> Seeds { Seeds { (try? make()) ?? [] } }

    /// The files below `path` in this project.
    static func own(_ path: String, _ suffix: String) -> Seeds {
        Seeds { files(SharedVectors.packageRoot.appendingPathComponent(path), suffix) }
    }

    /// The files below `path` in the folder of shared vectors.
    static func shared(_ path: String, _ suffix: String = "") -> Seeds {
        Seeds {
            SharedVectors.folder.map {
                files($0.appendingPathComponent("vectors").appendingPathComponent(path), suffix)
            }
                ?? []
        }
    }

    /// Every string in the JSON files of another source that is hexadecimal or base 64, decoded.
    static func strings(in source: Seeds, atLeast count: Int = 4) -> Seeds {
        Seeds {
            var found: [[UInt8]] = []
            for file in source.inputs() {
                let limits = JSONLimits(bytes: 64 << 20, values: 2_000_000, allowsFractions: true)
                guard let value = try? JSONValue(parsing: file, limits: limits) else { continue }
                collect(value, count, &found)
                if found.count >= maxCount { break }
            }
            return found
        }
    }

    private static func collect(_ value: JSONValue, _ count: Int, _ found: inout [[UInt8]]) {
        guard found.count < maxCount else { return }
        switch value {
        case .string(let text):
            let digits = text.hasPrefix("0x") ? String(text.dropFirst(2)) : text
            if let bytes = try? Hex.decode(digits, allowsUpperCase: true), bytes.count >= count {
                found.append(bytes)
            } else if let bytes = try? Base64.decode(text), bytes.count >= count {
                found.append(bytes)
            }
        case .array(let items): for item in items { collect(item, count, &found) }
        case .object(let object): for member in object.members { collect(member.value, count, &found) }
        default: break
        }
    }

    private static func files(_ folder: URL, _ suffix: String) -> [[UInt8]] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder) else { return [] }
        guard isFolder.boolValue else { return (try? Data(contentsOf: folder)).map { [[UInt8]($0)] } ?? [] }
        let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return names.sorted().filter { $0.hasSuffix(suffix) }.prefix(maxCount).compactMap { name in
            (try? Data(contentsOf: folder.appendingPathComponent(name))).map { [UInt8]($0) }
        }
    }

    /// Inputs with a prefix byte each, for targets that choose what to do by the first byte.
    func prefixed(_ prefix: [UInt8]) -> Seeds {
        Seeds { inputs().map { prefix + $0 } }
    }
}
