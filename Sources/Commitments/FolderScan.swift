// Names a folder: its UnixFS directory identifier and its canonical manifest, from one pass over each file.
internal import Codecs

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The names of one folder.
public struct FolderNames: Sendable, Equatable {
    /// The UnixFS directory under profile `unixfs-v1-2025`.
    public let cid: CID
    /// The canonical manifest.
    public let manifest: FolderManifest
    /// The bytes of all files together.
    public let totalBytes: UInt64
}

/// The scan of folders.
public enum FolderScan {
    /// Scans every directory, file and symbolic link below `path`, hidden ones too.
    ///
    /// Symbolic links are committed to by their targets and never followed. Of a file's mode only the owner's execute bit is
    /// kept, and that in the manifest alone.
    /// - Parameters:
    ///   - maxEntries: the most entries.
    ///   - archive: gets every block of the folder; each file is then read twice.
    ///   - progress: is told the path and the bytes of each file that has been hashed.
    /// A directory whose block would exceed 256 KiB is sharded as a HAMT, as the profile demands.
    /// - Throws: `FileError` for what cannot be read, for devices, pipes and sockets, and for names that are not UTF-8 or hold a
    ///   backslash.
    public static func folder(
        _ path: String,
        threads: Int? = nil,
        maxEntries: Int = 1_000_000,
        archive: ArchiveWriter? = nil,
        progress: (@Sendable (_ path: String, _ bytes: UInt64) -> Void)? = nil
    ) throws(FileError) -> FolderNames {
        var walk = Walk(root: path, threads: threads, maxEntries: maxEntries, archive: archive, progress: progress)
        let node = try walk.directory("", depth: 0)
        guard let cid = node.id.cid else {
            throw FileError(operation: "name", path: path, reason: "the identifier is not of version 1")
        }
        let manifest: FolderManifest
        do {
            manifest = try FolderManifest(entries: walk.entries)
        } catch {
            throw FileError(operation: "list", path: path, reason: error.description)
        }
        return FolderNames(cid: cid, manifest: manifest, totalBytes: walk.totalBytes)
    }

    private struct Walk {
        let root: String
        let threads: Int?
        let maxEntries: Int
        let archive: ArchiveWriter?
        let progress: (@Sendable (String, UInt64) -> Void)?
        var entries: [FolderEntry] = []
        var totalBytes: UInt64 = 0

        mutating func directory(_ path: String, depth: Int) throws(FileError) -> UnixFS.Node {
            guard depth <= 64 else {
                throw FileError(operation: "list", path: full(path), reason: "more than 64 levels")
            }
            var links: [DagPBNode.Link] = []
            var blockBytes: UInt64 = 0
            for name in try names(path) {
                let child = path.isEmpty ? name : path + "/" + name
                guard entries.count < maxEntries else {
                    throw FileError(operation: "list", path: full(child), reason: "more than \(maxEntries) entries")
                }
                let node = try entry(child, depth: depth)
                links.append(DagPBNode.Link(target: node.id, name: name, totalSize: node.blockBytes))
                blockBytes += node.blockBytes
            }
            let data = UnixFS.FileData(kind: .directory).bytes
            let block = DagPBNode(links: links, data: data).bytes
            guard block.count <= UnixFS.maxDirectoryBytes else {
                guard let node = HAMT.directory(links, emit: { archive?.append($0, $1) }) else {
                    throw FileError(operation: "commit to", path: full(path), reason: "two names have one 64-bit hash")
                }
                return node
            }
            let id = BlockIdentifier(codec: .dagPB, block: block)
            archive?.append(id, block)
            return UnixFS.Node(id: id, fileBytes: 0, blockBytes: blockBytes + UInt64(block.count))
        }

        private mutating func entry(_ path: String, depth: Int) throws(FileError) -> UnixFS.Node {
            let place = full(path)
            var status = stat()
            guard lstat(place, &status) == 0 else { throw .system("examine", place) }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                entries.append(FolderEntry(path: path, kind: .directory))
                return try directory(path, depth: depth + 1)
            case S_IFREG:
                let names = try ArtefactScan.file(place, options: ScanOptions(threads: threads))
                let length = names.commitment.length
                guard let sha256 = names.sha256 else {
                    throw FileError(operation: "hash", path: place, reason: "no flat SHA-256")
                }
                let isExecutable = status.st_mode & S_IXUSR != 0
                let kind = FolderEntry.Kind.file(bytes: length, sha256: sha256, isExecutable: isExecutable)
                entries.append(FolderEntry(path: path, kind: kind))
                totalBytes += length
                try archive?.append(file: place, names.commitment)
                progress?(path, length)
                return UnixFS.fileTree(chunkDigests: names.commitment.chunkDigests, length: length) { _, _ in }
            case S_IFLNK:
                let target = try linkTarget(place)
                let kind = FolderEntry.Kind.symlink(bytes: UInt64(target.count), sha256: SHA256.hash(target))
                entries.append(FolderEntry(path: path, kind: kind))
                let block = DagPBNode(links: [], data: UnixFS.FileData(kind: .symlink, content: target).bytes).bytes
                let id = BlockIdentifier(codec: .dagPB, block: block)
                archive?.append(id, block)
                return UnixFS.Node(id: id, fileBytes: 0, blockBytes: UInt64(block.count))
            default:
                throw FileError(
                    operation: "commit to",
                    path: place,
                    reason: "neither file, directory nor symbolic link"
                )
            }
        }

        private func full(_ path: String) -> String { path.isEmpty ? root : root + "/" + path }

        /// The names in a directory, sorted by their bytes.
        private func names(_ path: String) throws(FileError) -> [String] {
            let place = full(path)
            guard let stream = opendir(place) else { throw .system("list", place) }
            defer { closedir(stream) }
            var names: [String] = []
            while true {
                errno = 0
                guard let record = readdir(stream) else {
                    guard errno == 0 else { throw .system("list", place) }
                    break
                }
                let bytes = withUnsafeBytes(of: &record.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
                if bytes == [0x2e] || bytes == [0x2e, 0x2e] { continue }
                guard let name = String(validating: bytes, as: UTF8.self), EntryName.isSafe(name) else {
                    let shown = String(decoding: bytes, as: UTF8.self)
                    throw FileError(operation: "commit to", path: place, reason: "the name '\(shown)' is not portable")
                }
                names.append(name)
                guard names.count <= maxEntries else {
                    throw FileError(operation: "list", path: place, reason: "more than \(maxEntries) entries")
                }
            }
            return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }

        private func linkTarget(_ place: String) throws(FileError) -> [UInt8] {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = buffer.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return -1 }
                return readlink(place, base.assumingMemoryBound(to: CChar.self), bytes.count)
            }
            guard count >= 0 else { throw .system("read the link", place) }
            guard count < buffer.count else {
                throw FileError(operation: "read the link", path: place, reason: "a target of 4096 bytes or more")
            }
            return Array(buffer.prefix(count))
        }
    }
}
