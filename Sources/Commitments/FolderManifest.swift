// The canonical manifest of a folder, for tools without IPFS: one line of JSON for each entry, sorted by the bytes of the path.
public import Codecs

/// One entry of a folder.
public struct FolderEntry: Sendable, Equatable {
    /// What an entry is, with what its kind has.
    public enum Kind: Sendable, Equatable {
        case directory
        /// A file with its length, SHA-256 and whether its owner may execute it.
        case file(bytes: UInt64, sha256: Digest, isExecutable: Bool)
        /// A symbolic link: length and SHA-256 of its target's text. Links are committed to as they stand, never followed.
        case symlink(bytes: UInt64, sha256: Digest)
    }

    /// The path below the folder, with `/` between names.
    public var path: String
    /// What it is.
    public var kind: Kind

    /// An entry from its parts.
    public init(path: String, kind: Kind) {
        self.path = path
        self.kind = kind
    }

    fileprivate var line: [UInt8] {
        var object: JSONObject = ["path": .string(path)]
        switch kind {
        case .directory: object["type"] = .string("directory")
        case .file(let bytes, let sha256, let isExecutable):
            object["type"] = .string("file")
            object["executable"] = .bool(isExecutable)
            object["bytes"] = .string(String(bytes))
            object["sha256"] = .string(sha256.hex)
        case .symlink(let bytes, let sha256):
            object["type"] = .string("symlink")
            object["bytes"] = .string(String(bytes))
            object["sha256"] = .string(sha256.hex)
        }
        return JSONValue.object(object).serialized() + [UInt8(ascii: "\n")]
    }

    fileprivate init(line: ArraySlice<UInt8>, field: String) throws(ParseError) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: Array(line))
        } catch {
            throw error.within(field)
        }
        var reader = try JSONReader(value, field)
        path = try reader.string("path", maxBytes: 4096)
        switch try reader.string("type") {
        case "directory": kind = .directory
        case "file":
            let isExecutable = try reader.bool("executable")
            let bytes = try reader.decimal("bytes")
            kind = .file(
                bytes: bytes,
                sha256: try Digest(try reader.hex("sha256", count: 32)),
                isExecutable: isExecutable
            )
        case "symlink":
            let bytes = try reader.decimal("bytes")
            kind = .symlink(bytes: bytes, sha256: try Digest(try reader.hex("sha256", count: 32)))
        case let other:
            throw ParseError(field: field + ".type", expected: "directory, file or symlink", actual: other)
        }
        try reader.finish()
    }
}

/// The manifest of a folder: every directory, file and symbolic link below it.
public struct FolderManifest: Sendable, Equatable {
    /// The entries, sorted by the bytes of their paths.
    public let entries: [FolderEntry]

    /// Sorts and checks entries.
    /// - Throws: `ParseError` for what `init(parsing:)` refuses.
    public init(entries: [FolderEntry]) throws(ParseError) {
        self.entries = entries.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        try check()
    }

    /// Reads a manifest in its one canonical form.
    ///
    /// Refused: lines that are not sorted, a path twice, absolute or empty paths, empty names, `.` and `..`, backslashes, NUL,
    /// entries below something that is not a listed directory, any other spelling of the same values, a missing last newline.
    public init(parsing bytes: [UInt8], maxEntries: Int = 1_000_000) throws(ParseError) {
        var entries: [FolderEntry] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let field = "entries[\(entries.count)]"
            guard entries.count < maxEntries else {
                throw ParseError(field: field, expected: "at most \(maxEntries) entries", actual: "more")
            }
            let entry = try FolderEntry(line: rest[..<end], field: field)
            guard entry.line.elementsEqual(rest[...end]) else {
                throw ParseError(field: field, expected: "the canonical line", actual: "another spelling")
            }
            entries.append(entry)
            rest = rest[(end + 1)...]
        }
        guard rest.isEmpty else {
            throw ParseError(field: "manifest", expected: "a newline at the end", actual: "\(rest.count) more bytes")
        }
        self.entries = entries
        try check()
    }

    private func check() throws(ParseError) {
        var directories: Set<String> = [""]
        var previous: String?
        for (index, entry) in entries.enumerated() {
            let field = "entries[\(index)].path"
            let names = entry.path.split(separator: "/", omittingEmptySubsequences: false)
            guard entry.path.utf8.count <= 4096, names.allSatisfy({ EntryName.isSafe($0) }) else {
                throw ParseError(field: field, expected: "a relative path without '..'", actual: entry.path)
            }
            if let previous {
                guard previous.utf8.lexicographicallyPrecedes(entry.path.utf8) else {
                    throw ParseError(field: field, expected: "a path after '\(previous)'", actual: entry.path)
                }
            }
            previous = entry.path
            let parent = names.dropLast().joined(separator: "/")
            guard directories.contains(parent) else {
                throw ParseError(field: field, expected: "a listed directory above it", actual: entry.path)
            }
            if entry.kind == .directory { directories.insert(entry.path) }
        }
    }

    /// The manifest's bytes.
    public var bytes: [UInt8] { entries.flatMap(\.line) }
    /// SHA-256 of the bytes.
    public var digest: Digest { SHA256.hash(bytes) }
}
