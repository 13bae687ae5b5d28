// A CARv1 archive on disk, block by block: everything that an IPFS tool needs to have a file or folder under its CID.
internal import Glibc

/// Writes a CARv1 archive (ipld.io/specs/transport/car/carv1) with one root, each block once.
///
/// Blocks come in any order, the root last; the header's room is left until it is known. The archive appears under its name only
/// when it is whole and flushed. At most 5 MiB are in memory.
public final class ArchiveWriter {
    private static let flushBytes = 4 << 20

    /// How many blocks have been written.
    public private(set) var blockCount = 0

    private let path: String
    private let file: OpenFile
    private let chunk: UnsafeMutableRawBufferPointer
    private let headerBytes: Int
    private var written: Set<BlockIdentifier> = []
    private var pending: [UInt8] = []
    private var offset: UInt64
    private var failure: FileError?
    private var isFinished = false

    private var partPath: String { path + ".part" }

    /// Begins an archive that will stand at `path`; what stands there stays until the archive is whole.
    public init(path: String) throws(FileError) {
        self.path = path
        file = try OpenFile.writing(path + ".part")
        chunk = .allocate(byteCount: Int(ArtefactTree.chunkSize), alignment: 64)
        // Version 1 identifiers by SHA-256 have one length, whatever they name.
        headerBytes = CARArchive.header(roots: [BlockIdentifier(.raw([]))]).count
        offset = UInt64(headerBytes)
    }

    deinit {
        chunk.deallocate()
        if !isFinished { unlink(partPath) }
    }

    /// Appends a file's chunks and the nodes above them.
    /// - Parameter commitment: what the file's content was found to be.
    /// - Throws: `FileError` when the file cannot be read or is no longer what `commitment` says.
    public func append(file source: String, _ commitment: ArtefactCommitment) throws(FileError) {
        let input = try OpenFile.reading(source)
        guard try input.length() == commitment.length else { throw Self.changed(source) }
        for (index, digest) in commitment.chunkDigests.enumerated() {
            let id = BlockIdentifier(CID(codec: .raw, digest: digest))
            guard !written.contains(id) else { continue }
            let start = UInt64(index) * ArtefactTree.chunkSize
            let part = UnsafeMutableRawBufferPointer(
                rebasing: chunk[..<Int(min(ArtefactTree.chunkSize, commitment.length - start))]
            )
            try input.read(into: part, at: start)
            let bytes = Array(part)
            guard SHA256.hash(bytes) == digest else { throw Self.changed(source) }
            append(id, bytes)
        }
        if commitment.chunkDigests.isEmpty { append(BlockIdentifier(.raw([])), []) }
        _ = UnixFS.fileTree(chunkDigests: commitment.chunkDigests, length: commitment.length) { append($0, $1) }
        if let failure { throw failure }
    }

    /// Appends a block unless it is there already. A failure to write is kept, and thrown by what comes next.
    func append(_ id: BlockIdentifier, _ bytes: [UInt8]) {
        guard failure == nil, written.insert(id).inserted else { return }
        CARArchive.appendSection(id, bytes[...], to: &pending)
        blockCount += 1
        if pending.count >= Self.flushBytes { flush() }
    }

    /// Ends the archive and gives it its name.
    /// - Parameter root: a block that has been appended.
    /// - Returns: the archive's length in bytes.
    public func finish(root: CID) throws(FileError) -> UInt64 {
        let root = BlockIdentifier(root)
        flush()
        let header = CARArchive.header(roots: [root])
        guard written.contains(root), header.count == headerBytes else {
            throw FileError(operation: "write", path: path, reason: "the root \(root) is not among the blocks")
        }
        pending = header
        let end = offset
        offset = 0
        flush()
        if let failure { throw failure }
        guard fsync(file.descriptor) == 0 else { throw .system("write", partPath) }
        guard rename(partPath, path) == 0 else { throw .system("create", path) }
        isFinished = true
        return end
    }

    private func flush() {
        guard failure == nil else { return }
        pending.withUnsafeBytes { bytes in
            do throws(FileError) {
                try file.write(bytes, at: offset)
            } catch {
                failure = error
            }
        }
        offset += UInt64(pending.count)
        pending.removeAll(keepingCapacity: true)
    }

    private static func changed(_ path: String) -> FileError {
        FileError(operation: "copy", path: path, reason: "the file changed while it was read")
    }
}
