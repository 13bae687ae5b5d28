// Proofs from tiles. Whoever can fetch static files of a log can make every proof about it.
internal import Codecs
public import Commitments

/// Where tiles and bundles come from: a folder, a web server, memory.
public protocol TileSource: AnyObject {
    /// The bytes of a tile or bundle; `nil` when there is none.
    func read(_ path: TilePath) throws(TileError) -> [UInt8]?
}

/// Why a log's files cannot be used.
public enum TileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A tile that the size asks for is missing.
    case missing(TilePath)
    /// A tile has another length than its width asks for, or a bundle does not parse.
    case malformed(TilePath, String)
    /// The source could not be read.
    case source(String)
    /// The tiles do not hash to the root of the checkpoint.
    case inconsistent(String)

    public var description: String {
        switch self {
        case .missing(let path): "\(path) is missing"
        case .malformed(let path, let reason): "\(path) is malformed: \(reason)"
        case .source(let reason): reason
        case .inconsistent(let reason): reason
        }
    }
}

/// The tree of a log at one size, read through its tiles. Tiles stay in memory once read, up to a bound.
public final class TileTree: MerkleNodes {
    /// What reading a tile can throw.
    public typealias Failure = TileError

    /// The number of entries.
    public let size: UInt64
    private let source: any TileSource
    private var cache: [TilePath: [[Digest]]] = [:]
    private let maxCached = 512

    /// The tree of `size` entries whose tiles `source` has. Nothing is checked until `checkRoot(_:)`.
    public init(size: UInt64, source: any TileSource) {
        self.size = size
        self.source = source
    }

    /// Makes sure that the tiles along the right border give `root`.
    public func checkRoot(_ root: Digest) throws(TileError) {
        let actual = try self.root(from: 0, to: size)
        guard actual == root else {
            throw .inconsistent("the tiles give root \(actual) at size \(size), not \(root)")
        }
    }

    /// The leaf hash at `index`.
    public func leafHash(_ index: UInt64) throws(TileError) -> Digest {
        try perfectNode(level: 0, index: index)
    }

    public func perfectNode(level: Int, index: UInt64) throws(TileError) -> Digest {
        let tileLevel = level / TilePath.height
        let inner = level % TilePath.height
        let first = index << UInt64(inner)
        let tileIndex = first / UInt64(TilePath.fullWidth)
        let levels = try tile(level: tileLevel, index: tileIndex)
        let place = Int(index - (tileIndex * UInt64(TilePath.fullWidth)) >> UInt64(inner))
        guard inner < levels.count, place < levels[inner].count else {
            throw .missing(TilePath(level: tileLevel, index: tileIndex))
        }
        return levels[inner][place]
    }

    /// The hashes of a tile and the perfect nodes above them.
    private func tile(level: Int, index: UInt64) throws(TileError) -> [[Digest]] {
        let total = level * TilePath.height < 64 ? size >> UInt64(level * TilePath.height) : 0
        let start = index * UInt64(TilePath.fullWidth)
        guard start < total else { throw .missing(TilePath(level: level, index: index)) }
        let path = TilePath(level: level, index: index, width: Int(min(UInt64(TilePath.fullWidth), total - start)))
        if let known = cache[path] { return known }
        // A partial tile may be gone once the full one is there.
        var found = try source.read(path)
        if found == nil { found = try source.read(path.full) }
        guard let bytes = found else { throw .missing(path) }
        guard bytes.count.isMultiple(of: 32), bytes.count >= 32 * path.width, bytes.count <= 32 * TilePath.fullWidth
        else {
            throw .malformed(path, "\(bytes.count) bytes")
        }
        var hashes: [Digest] = []
        for offset in 0..<path.width {
            guard let digest = try? Digest(bytes[32 * offset..<32 * offset + 32]) else {
                throw .malformed(path, "\(bytes.count) bytes")
            }
            hashes.append(digest)
        }
        var levels = [hashes]
        while let below = levels.last, below.count > 1 {
            levels.append(
                stride(from: 0, to: below.count - 1, by: 2).map { MerkleTree.nodeHash(below[$0], below[$0 + 1]) }
            )
        }
        if cache.count >= maxCached { cache.removeAll(keepingCapacity: true) }
        cache[path] = levels
        return levels
    }

    /// The entry at `index`, whose hash is compared with the tree's.
    public func entry(_ index: UInt64) throws(TileError) -> [UInt8] {
        guard index < size else { throw .missing(TilePath(level: nil, index: index / UInt64(TilePath.fullWidth))) }
        let place = index / UInt64(TilePath.fullWidth)
        let width = Int(min(UInt64(TilePath.fullWidth), size - place * UInt64(TilePath.fullWidth)))
        let path = TilePath(level: nil, index: place, width: width)
        var bundle = try source.read(path)
        var count = width
        if bundle == nil {
            bundle = try source.read(path.full)
            count = TilePath.fullWidth
        }
        guard let bundle else { throw .missing(path) }
        let entries: [[UInt8]]
        do {
            entries = try EntryBundle.decode(bundle, count: count)
        } catch {
            throw .malformed(path, error.description)
        }
        let entry = entries[Int(index % UInt64(TilePath.fullWidth))]
        guard MerkleTree.leafHash(entry) == (try leafHash(index)) else {
            throw .inconsistent("entry \(index) does not hash to its leaf")
        }
        return entry
    }
}
