// The writer's view of the tree: a compact range, and the hashes of each level's unfinished tile.
internal import Codecs
internal import Commitments
internal import Foundation
internal import GRDB
internal import TransparencyLog

/// The row that says what is integrated.
struct StoredState {
    let origin: String
    let size: UInt64
    let root: Digest
    let range: [UInt8]
    /// The index that the next queued entry gets.
    let next: UInt64

    init(_ database: Database) throws {
        guard let row = try Row.fetchOne(database, sql: "SELECT origin, size, root, range FROM log WHERE id = 1") else {
            throw LogError.database("the state is missing")
        }
        origin = row["origin"]
        size = UInt64(row["size"] as Int64)
        root = try Digest([UInt8](row["root"] as Data))
        range = [UInt8](row["range"] as Data)
        let last = try Int64.fetchOne(database, sql: "SELECT max(position) FROM pending")
        next = max(size, last.map { UInt64($0) + 1 } ?? 0)
    }
}

/// The integrated tree, as far as appending needs it.
struct KeptTree {
    private(set) var range: CompactRange
    /// The hashes of the unfinished tile of each level.
    private var open: [[Digest]] = [[]]
    /// The entries of the unfinished bundle.
    private var openEntries: [[UInt8]] = []

    init(_ state: StoredState) throws {
        let hashes = try stride(from: 0, to: state.range.count, by: 32).map { offset in
            try Digest(state.range[offset..<min(offset + 32, state.range.count)])
        }
        range = try CompactRange(size: state.size, hashes: hashes)
        guard range.root == state.root else {
            throw LogError.database("the stored range does not give the stored root")
        }
    }

    /// Reads the unfinished tiles and the unfinished bundle, and makes sure that they give the stored root.
    mutating func load(_ folder: LogFolder) throws(TileError) {
        let reader = TileTree(size: range.size, source: folder)
        try reader.checkRoot(range.root)
        let width = UInt64(TilePath.fullWidth)
        open = []
        var total = range.size
        repeat {
            let level = open.count
            var hashes: [Digest] = []
            for index in (total - total % width)..<total {
                hashes.append(try reader.perfectNode(level: level * TilePath.height, index: index))
            }
            open.append(hashes)
            total /= width
        } while total > 0
        openEntries = []
        for index in (range.size - range.size % width)..<range.size { openEntries.append(try reader.entry(index)) }
    }

    /// Integrates entries: bundles and tiles are written and forced to disk.
    ///
    /// Only what the new size asks for is written: full tiles once, and the partial ones at the right border.
    mutating func append(_ entries: [[UInt8]], to folder: LogFolder) throws(TileError) {
        let width = UInt64(TilePath.fullWidth)
        var written: [String] = []
        func publish(_ path: TilePath, _ bytes: [UInt8]) throws(TileError) {
            try folder.write(path.text, bytes)
            written.append(path.text)
        }
        for entry in entries {
            let leaf = MerkleTree.leafHash(entry)
            range.append(leaf)
            openEntries.append(entry)
            open[0].append(leaf)
            guard openEntries.count == TilePath.fullWidth else { continue }
            let index = range.size / width - 1
            try publish(TilePath(level: nil, index: index), EntryBundle.encode(openEntries))
            openEntries.removeAll(keepingCapacity: true)
            var level = 0
            var place = index
            while open[level].count == TilePath.fullWidth {
                try publish(TilePath(level: level, index: place), open[level].flatMap(\.bytes))
                let root = MerkleLevels(leafHashes: open[level]).root
                open[level].removeAll(keepingCapacity: true)
                level += 1
                place /= width
                if level == open.count { open.append([]) }
                open[level].append(root)
            }
        }
        var total = range.size
        for (level, hashes) in open.enumerated() {
            if !hashes.isEmpty {
                let path = TilePath(level: level, index: total / width, width: hashes.count)
                try publish(path, hashes.flatMap(\.bytes))
            }
            total /= width
        }
        if !openEntries.isEmpty {
            let path = TilePath(level: nil, index: range.size / width, width: openEntries.count)
            try publish(path, EntryBundle.encode(openEntries))
        }
        try folder.sync(written)
    }

    /// Records the new size and forgets the entries that are in the tiles now, in one transaction.
    func store(_ database: Database) throws {
        try database.execute(
            sql: "UPDATE log SET size = ?, root = ?, range = ? WHERE id = 1",
            arguments: [Int64(range.size), Data(range.root.bytes), Data(range.hashes.flatMap(\.bytes))]
        )
        try database.execute(sql: "DELETE FROM pending WHERE position < ?", arguments: [Int64(range.size)])
    }
}
