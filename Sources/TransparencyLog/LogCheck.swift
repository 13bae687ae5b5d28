// The whole check of a log offline: every tile and every entry against the signed checkpoint.
internal import Codecs
internal import Commitments

/// What a whole check found.
public struct LogCheck: Sendable, Equatable {
    /// The size of the checkpoint.
    public var size: UInt64
    /// How many entries were hashed.
    public var entries: UInt64 = 0
    /// How many tiles were compared.
    public var tiles: UInt64 = 0
    /// What is wrong; empty for a sound log.
    public var findings: [String] = []

    /// Whether nothing is wrong.
    public var isSound: Bool { findings.isEmpty }

    /// Checks a log: the checkpoint's signature, every bundle against its leaf hashes, every tile against the tiles below, the
    /// root against the checkpoint. The tree is recomputed from the entries; only a compact range of it is in memory.
    /// - Parameters:
    ///   - keys: the log's keys.
    ///   - maxFindings: after this many findings the check stops.
    /// - Throws: `TileError` when a file cannot be read at all.
    public static func run(_ folder: LogFolder, keys: [NoteKey], maxFindings: Int = 100) throws(TileError) -> LogCheck {
        guard let signed = try folder.checkpoint() else {
            return LogCheck(size: 0, findings: ["there is no checkpoint"])
        }
        var check = LogCheck(size: signed.checkpoint.size)
        do {
            _ = try signed.note.verify(keys)
        } catch {
            check.findings.append("checkpoint: \(error)")
        }
        try check.run(folder, signed.checkpoint, maxFindings)
        return check
    }

    private mutating func run(_ folder: LogFolder, _ checkpoint: Checkpoint, _ maxFindings: Int) throws(TileError) {
        let width = UInt64(TilePath.fullWidth)
        var range = CompactRange()
        // The hashes of each level's unfinished tile; a full one becomes a hash of the level above.
        var open: [[Digest]] = [[]]
        var done: [UInt64] = [0]
        var start: UInt64 = 0
        while start < size, findings.count < maxFindings {
            let count = Int(min(width, size - start))
            let path = TilePath(level: nil, index: start / width, width: count)
            for entry in try bundle(folder, path) {
                let leaf = MerkleTree.leafHash(entry)
                range.append(leaf)
                open[0].append(leaf)
                entries += 1
            }
            guard range.size == start + UInt64(count) else { return }
            var level = 0
            while open[level].count == TilePath.fullWidth {
                try compare(folder, TilePath(level: level, index: done[level]), open[level])
                let root = MerkleTree.root(ofLeafHashes: open[level])
                open[level] = []
                done[level] += 1
                level += 1
                if level == open.count {
                    open.append([])
                    done.append(0)
                }
                open[level].append(root)
            }
            start += UInt64(count)
        }
        for (level, hashes) in open.enumerated() where !hashes.isEmpty {
            try compare(folder, TilePath(level: level, index: done[level], width: hashes.count), hashes)
        }
        if range.root != checkpoint.root {
            findings.append("the entries give root \(range.root), the checkpoint says \(checkpoint.root)")
        }
    }

    /// The entries of a bundle; a full bundle may stand for a partial one.
    private mutating func bundle(_ folder: LogFolder, _ path: TilePath) throws(TileError) -> [[UInt8]] {
        do {
            if let bytes = try folder.read(path) { return try EntryBundle.decode(bytes, count: path.width) }
            if let bytes = try folder.read(path.full) {
                return Array(try EntryBundle.decode(bytes, count: TilePath.fullWidth).prefix(path.width))
            }
        } catch let error as ParseError {
            findings.append("\(path): \(error)")
            return []
        } catch let error as TileError {
            throw error
        } catch {
            throw .source("\(error)")
        }
        findings.append("\(path) is missing")
        return []
    }

    private mutating func compare(_ folder: LogFolder, _ path: TilePath, _ hashes: [Digest]) throws(TileError) {
        tiles += 1
        let expected = hashes.flatMap(\.bytes)
        if let bytes = try folder.read(path) {
            if bytes != expected { findings.append("\(path) does not hold the hashes of its entries") }
        } else if let bytes = try folder.read(path.full) {
            if Array(bytes.prefix(expected.count)) != expected {
                findings.append("\(path.full) does not hold the hashes of its entries")
            }
        } else {
            findings.append("\(path) is missing")
        }
    }
}
