// Reads UnixFS files and directories out of verified blocks, and refuses what must never reach a file system.
public import Codecs

/// A file, directory or symbolic link below a UnixFS root.
public struct UnixFSEntry: Sendable, Equatable {
    /// What an entry is.
    public enum Kind: Sendable, Equatable {
        case directory
        /// A file of this many bytes.
        case file(bytes: UInt64)
        /// A symbolic link with its target, which is text and is never followed.
        case symlink(target: String)
    }

    /// The path below the root, with `/` between names; empty for the root itself.
    public var path: String
    /// What it is.
    public var kind: Kind
    /// Its block.
    public var id: BlockIdentifier
}

/// The UnixFS view of a set of blocks.
public struct UnixFSReader: Sendable {
    private let blocks: [BlockIdentifier: ArraySlice<UInt8>]
    private let maxDepth = 64

    /// A view of the blocks of an archive, whose digests its reader has checked.
    public init(_ archive: CARArchive) {
        blocks = Dictionary(archive.blocks.map { ($0.id, $0.bytes) }, uniquingKeysWith: { first, _ in first })
    }

    /// A view of blocks whose digests the caller has checked.
    public init(blocks: [BlockIdentifier: ArraySlice<UInt8>]) {
        self.blocks = blocks
    }

    /// Everything below `root`, parents before children.
    ///
    /// Refused: names that are empty, `.` or `..` or hold `/`, `\` or NUL; the same name twice; directories sharded as a HAMT;
    /// missing blocks; more than `maxEntries` entries; trees deeper than 64.
    public func entries(root: BlockIdentifier, maxEntries: Int = 100_000) throws(ParseError) -> [UnixFSEntry] {
        var result: [UnixFSEntry] = []
        try visit(root, path: "", depth: 0, maxEntries: maxEntries, into: &result)
        return result
    }

    private func visit(
        _ id: BlockIdentifier,
        path: String,
        depth: Int,
        maxEntries: Int,
        into result: inout [UnixFSEntry]
    ) throws(ParseError) {
        guard depth <= maxDepth else {
            throw ParseError(field: path, expected: "at most \(maxDepth) levels", actual: "more")
        }
        guard result.count < maxEntries else {
            throw ParseError(field: path, expected: "at most \(maxEntries) entries", actual: "more")
        }
        if id.codec == CID.Codec.raw.rawValue {
            let count = UInt64(try block(id, path).count)
            result.append(UnixFSEntry(path: path, kind: .file(bytes: count), id: id))
            return
        }
        let (node, data) = try node(id, path)
        switch data.kind {
        case .raw, .file:
            result.append(UnixFSEntry(path: path, kind: .file(bytes: try size(data, path)), id: id))
        case .symlink:
            let target = try ProtocolBuffer.text((data.content ?? [])[...], path)
            result.append(UnixFSEntry(path: path, kind: .symlink(target: target), id: id))
        case .directory:
            result.append(UnixFSEntry(path: path, kind: .directory, id: id))
            var names: Set<String> = []
            for link in node.links {
                let name = link.name ?? ""
                let child = path.isEmpty ? name : path + "/" + name
                guard EntryName.isSafe(name) else {
                    throw ParseError(field: path, expected: "a name within the directory", actual: name)
                }
                guard names.insert(name).inserted else {
                    throw ParseError(field: path, expected: "each name once", actual: "\(name) again")
                }
                try visit(link.target, path: child, depth: depth + 1, maxEntries: maxEntries, into: &result)
            }
        case .hamtShard, .metadata:
            throw ParseError(field: path, expected: "a basic directory or a file", actual: "\(data.kind)")
        }
    }

    /// The content of the file at `id`.
    /// - Throws: `ParseError` when a block is missing, a size disagrees, or the file is longer than `maxBytes`.
    public func file(_ id: BlockIdentifier, maxBytes: Int) throws(ParseError) -> [UInt8] {
        var output: [UInt8] = []
        try append(id, depth: 0, maxBytes: maxBytes, to: &output)
        return output
    }

    private func append(
        _ id: BlockIdentifier,
        depth: Int,
        maxBytes: Int,
        to output: inout [UInt8]
    ) throws(ParseError) {
        let field = id.text
        guard depth <= maxDepth else {
            throw ParseError(field: field, expected: "at most \(maxDepth) levels", actual: "more")
        }
        func add(_ bytes: some Collection<UInt8>, _ output: inout [UInt8]) throws(ParseError) {
            guard bytes.count <= maxBytes - output.count else {
                throw ParseError(field: field, expected: "at most \(maxBytes) bytes", actual: "more")
            }
            output += bytes
        }
        if id.codec == CID.Codec.raw.rawValue {
            try add(try block(id, field), &output)
            return
        }
        let (node, data) = try node(id, field)
        guard data.kind == .file || data.kind == .raw else {
            throw ParseError(field: field, expected: "a file", actual: "\(data.kind)")
        }
        let total = try size(data, field)
        guard node.links.count == data.blockSizes.count else {
            throw ParseError(
                field: field,
                expected: "\(node.links.count) block sizes",
                actual: "\(data.blockSizes.count)"
            )
        }
        let start = output.count
        try add(data.content ?? [], &output)
        for (link, size) in zip(node.links, data.blockSizes) {
            let before = output.count
            try append(link.target, depth: depth + 1, maxBytes: maxBytes, to: &output)
            guard UInt64(output.count - before) == size else {
                throw ParseError(field: field, expected: "\(size) bytes in a part", actual: "\(output.count - before)")
            }
        }
        guard UInt64(output.count - start) == total else {
            throw ParseError(field: field, expected: "\(total) bytes", actual: "\(output.count - start)")
        }
    }

    /// The file's size, which must be the sum of its parts.
    private func size(_ data: UnixFS.FileData, _ field: String) throws(ParseError) -> UInt64 {
        var sum = UInt64(data.content?.count ?? 0)
        for size in data.blockSizes {
            let (next, overflow) = sum.addingReportingOverflow(size)
            guard !overflow else { throw ParseError(field: field, expected: "a size below 2^64", actual: "more") }
            sum = next
        }
        guard data.fileSize == nil || data.fileSize == sum else {
            throw ParseError(field: field, expected: "\(sum) bytes", actual: "\(data.fileSize ?? 0)")
        }
        return sum
    }

    private func block(_ id: BlockIdentifier, _ field: String) throws(ParseError) -> ArraySlice<UInt8> {
        if id.hash == 0 { return id.digest[...] }
        guard let block = blocks[id] else {
            throw ParseError(field: field, expected: "block \(id)", actual: "no such block")
        }
        return block
    }

    private func node(
        _ id: BlockIdentifier,
        _ field: String
    ) throws(ParseError) -> (DagPBNode, UnixFS.FileData) {
        guard id.codec == CID.Codec.dagPB.rawValue else {
            throw ParseError(field: field, expected: "a dag-pb or raw block", actual: id.text)
        }
        let node: DagPBNode
        do {
            node = try DagPBNode(parsing: try block(id, field))
        } catch {
            throw error.within(field)
        }
        guard let data = node.data else { throw ParseError(field: field, expected: "UnixFS data", actual: "none") }
        return (node, try UnixFS.FileData(parsing: data, field: field))
    }
}

/// What a name in a directory may be.
enum EntryName {
    static func isSafe(_ name: some StringProtocol) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
            && !name.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
    }
}
