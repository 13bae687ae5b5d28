// One pass over a file that gives every name it has: `assay-tree-1` and CID, flat SHA-256, and on request BLAKE3 with a Bao
// outboard and a Filecoin piece commitment. Memory is bounded whatever the file; the chunks go to all cores.

/// The names of one artefact.
public struct ArtefactNames: Sendable, Equatable {
    /// The `assay-tree-1` commitment, with chunk digests and length.
    public var commitment: ArtefactCommitment
    /// The IPFS identifier under profile `unixfs-v1-2025`.
    public var cid: CID
    /// SHA-256 of the whole file, when asked for.
    public var sha256: Digest?
    /// BLAKE3 of the whole file, when asked for.
    public var blake3: Digest?
    /// The Filecoin piece, when asked for; `nil` as well for files below 65 bytes, which have none.
    public var piece: PieceCommitment?
}

/// What a scan is to compute besides the tree and the CID, and with how much of the machine.
public struct ScanOptions: Sendable {
    /// Whether to compute the flat SHA-256. It is one sequential chain: it bounds the pass at the speed of one SHA-256 stream.
    public var flatSHA256: Bool
    /// Whether to compute BLAKE3.
    public var blake3: Bool
    /// The file to which the Bao outboard (16 KiB groups) is written; implies BLAKE3.
    public var outboardPath: String?
    /// Whether to compute the Filecoin piece commitment. It costs about four times a flat SHA-256 and is sequential.
    public var piece: Bool
    /// The number of threads, from 1 to 10; `nil` for one per processor.
    public var threads: Int?

    /// Options of a scan.
    public init(
        flatSHA256: Bool = true,
        blake3: Bool = false,
        outboardPath: String? = nil,
        piece: Bool = false,
        threads: Int? = nil
    ) {
        self.flatSHA256 = flatSHA256
        self.blake3 = blake3 || outboardPath != nil
        self.outboardPath = outboardPath
        self.piece = piece
        self.threads = threads
    }
}

/// The scan of files and buffers.
public enum ArtefactScan {
    /// Scans a regular file.
    ///
    /// At most twelve segments of 4 MiB are in memory at any time, and 64 bytes for each MiB of the file.
    /// - Parameter progress: is told how many bytes have been hashed, in steps of at most 4 MiB and from any thread.
    /// - Throws: `FileError` when the file cannot be read, is not regular, or changes its length meanwhile.
    public static func file(
        _ path: String,
        options: ScanOptions = ScanOptions(),
        progress: (@Sendable (_ done: UInt64, _ total: UInt64) -> Void)? = nil
    ) throws(FileError) -> ArtefactNames {
        let file = try OpenFile.reading(path)
        let length = try file.length()
        let engine = try ScanEngine(source: .file(file), length: length, options: options, progress: progress)
        let names = try engine.run()
        guard try file.length() == length else {
            throw FileError(operation: "read", path: path, reason: "the file changed its length")
        }
        return names
    }

    /// Scans bytes in memory, without copying them.
    /// - Throws: `FileError` when the outboard cannot be written.
    public static func bytes(
        _ bytes: [UInt8],
        options: ScanOptions = ScanOptions()
    ) throws(FileError) -> ArtefactNames {
        // The engine's threads end before `run` returns, so the buffer outlives every use of it.
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(FileError) -> ArtefactNames in
                let source = ScanEngine.Source.memory(buffer)
                return try ScanEngine(source: source, length: UInt64(bytes.count), options: options, progress: nil)
                    .run()
            }
        }
        return try result.get()
    }
}
