// Tiles and entry bundles (c2sp.org/tlog-tiles): a log's tree as static files.
public import Codecs

/// The name of a tile or of an entry bundle.
public struct TilePath: Hashable, Sendable, CustomStringConvertible {
    /// The number of hashes in a full tile.
    public static let fullWidth = 256
    /// The height of a tile.
    public static let height = 8

    /// The tile level, each eight tree levels high; `nil` for an entry bundle.
    public let level: Int?
    /// The place within the level.
    public let index: UInt64
    /// How many hashes or entries it has, from 1 to 256.
    public let width: Int

    /// A tile or, without a level, an entry bundle.
    /// - Precondition: `width` is from 1 to 256.
    public init(level: Int?, index: UInt64, width: Int = fullWidth) {
        precondition((1...Self.fullWidth).contains(width), "a tile has 1 to 256 hashes")
        self.level = level
        self.index = index
        self.width = width
    }

    /// The path below the log's root: `tile/0/x001/067.p/12`.
    public var text: String {
        var groups: [String] = []
        var rest = index
        repeat {
            let group = String(rest % 1000)
            groups.append(String(repeating: "0", count: 3 - group.count) + group)
            rest /= 1000
        } while rest > 0
        let place = groups.enumerated().reversed().map { $0 == 0 ? $1 : "x" + $1 }.joined(separator: "/")
        let kind = level.map(String.init) ?? "entries"
        return "tile/\(kind)/\(place)" + (width == Self.fullWidth ? "" : ".p/\(width)")
    }
    public var description: String { text }

    /// The same place when it is full.
    public var full: TilePath { TilePath(level: level, index: index) }

    /// Reads a path as it stands in a URL.
    /// - Throws: `ParseError` for any but the one form of a path.
    public init(text: String) throws(ParseError) {
        let refusal = ParseError(field: "path", expected: "tile/LEVEL/INDEX[.p/WIDTH]", actual: text)
        var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard text.utf8.count <= 128, parts.count >= 3, parts.removeFirst() == "tile" else { throw refusal }
        let kind = parts.removeFirst()
        var width = Self.fullWidth
        if parts.count >= 2, parts[parts.count - 2].hasSuffix(".p") {
            guard let partial = Int(parts.removeLast()), (1..<Self.fullWidth).contains(partial) else { throw refusal }
            width = partial
            parts[parts.count - 1].removeLast(2)
        }
        var index: UInt64 = 0
        for (place, part) in parts.enumerated() {
            let digits = place == parts.count - 1 ? part : part.hasPrefix("x") ? String(part.dropFirst()) : ""
            guard digits.utf8.count == 3, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let group = UInt64(digits),
                index <= (UInt64(Int64.max) - group) / 1000
            else { throw refusal }
            index = index * 1000 + group
        }
        var level: Int?
        if kind != "entries" {
            guard let number = Int(kind), (0...63).contains(number) else { throw refusal }
            level = number
        }
        self.init(level: level, index: index, width: width)
        guard self.text == text else { throw refusal }
    }

    /// The tiles of every level, and the entry bundles, that a tree of `size` has and a tree of `oldSize` had not.
    public static func added(from oldSize: UInt64, to size: UInt64, entries: Bool) -> [TilePath] {
        var paths: [TilePath] = []
        var level = 0
        var (old, new) = (oldSize, size)
        while new > 0 {
            // The old partial tile grows under another name, so it counts as new.
            var index = old / UInt64(fullWidth)
            while index * UInt64(fullWidth) < new {
                let width = Int(min(UInt64(fullWidth), new - index * UInt64(fullWidth)))
                let had =
                    old > index * UInt64(fullWidth) ? Int(min(UInt64(fullWidth), old - index * UInt64(fullWidth))) : 0
                if width != had {
                    paths.append(TilePath(level: level, index: index, width: width))
                    if level == 0 && entries { paths.append(TilePath(level: nil, index: index, width: width)) }
                }
                index += 1
            }
            old /= UInt64(fullWidth)
            new /= UInt64(fullWidth)
            level += 1
        }
        return paths
    }
}

/// The entries of one bundle: each two bytes of length, big-endian, and the entry.
public enum EntryBundle {
    /// The longest entry.
    public static let maxEntryBytes = 65535

    /// The bytes of a bundle.
    /// - Precondition: every entry has at most `maxEntryBytes` bytes.
    public static func encode(_ entries: some Sequence<[UInt8]>) -> [UInt8] {
        var bytes: [UInt8] = []
        for entry in entries {
            precondition(entry.count <= maxEntryBytes, "an entry's length has two bytes")
            bytes.appendBigEndian(UInt16(entry.count))
            bytes += entry
        }
        return bytes
    }

    /// Reads a bundle of exactly `count` entries.
    public static func decode(_ bytes: [UInt8], count: Int, field: String = "bundle") throws(ParseError) -> [[UInt8]] {
        var reader = ByteReader(bytes)
        var entries: [[UInt8]] = []
        for _ in 0..<count {
            let length = try reader.readBigEndian(UInt16.self, field)
            entries.append(Array(try reader.read(Int(length), field)))
        }
        try reader.finish(field)
        return entries
    }
}
