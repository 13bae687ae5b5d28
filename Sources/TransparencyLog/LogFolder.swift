// A log as a folder that any static web server can serve: `checkpoint`, `tile/...`. Files appear whole or not at all.
internal import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

// The class below has methods of these names.
private func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}

private func writeBytes(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, buffer, count)
}

/// The files of a log on disk.
public final class LogFolder: TileSource, Sendable {
    /// The folder's path.
    public let path: String

    /// A log's folder; nothing is read yet.
    public init(path: String) {
        self.path = path
    }

    public func read(_ path: TilePath) throws(TileError) -> [UInt8]? {
        try read(path.text, maxBytes: path.level == nil ? 256 * (2 + EntryBundle.maxEntryBytes) : 8192)
    }

    /// The signed checkpoint; `nil` for a log that has published none.
    public func checkpoint() throws(TileError) -> SignedCheckpoint? {
        guard let bytes = try read("checkpoint", maxBytes: SignedNote.maxBytes) else { return nil }
        do {
            return try SignedCheckpoint(parsing: bytes)
        } catch {
            throw .source("checkpoint: \(error)")
        }
    }

    private func read(_ name: String, maxBytes: Int) throws(TileError) -> [UInt8]? {
        let place = path + "/" + name
        let descriptor = open(place, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .source("cannot open '\(place)': \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= maxBytes else {
            throw .source("'\(place)' is not a file of at most \(maxBytes) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                readBytes(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
            }
            guard count > 0 else { throw .source("cannot read '\(place)'") }
            done += count
        }
        return bytes
    }

    /// Publishes a file whole: written beside its place, forced to disk, then renamed over it.
    ///
    /// The directory entry is durable only after `sync(_:)`.
    public func write(_ name: String, _ bytes: [UInt8]) throws(TileError) {
        let place = path + "/" + name
        let folder = String(place[..<(place.lastIndex(of: "/") ?? place.startIndex)])
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .source("cannot create '\(folder)': \(error)")
        }
        let draft = place + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure("create", draft) }
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                writeBytes(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
            }
            guard count > 0 else { throw Self.failure("write", draft) }
            done += count
        }
        guard fsync(descriptor) == 0, rename(draft, place) == 0 else { throw Self.failure("publish", place) }
    }

    /// Forces the directory entries of published files, and of every directory above them, to disk.
    public func sync(_ names: [String]) throws(TileError) {
        var folders: Set<String> = [path]
        for name in names {
            var folder = (path + "/" + name)[...]
            while let end = folder.lastIndex(of: "/"), folder.count > path.count {
                folder = folder[..<end]
                folders.insert(String(folder))
            }
        }
        for folder in folders where folder.count >= path.count {
            let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else { throw Self.failure("open", folder) }
            defer { close(descriptor) }
            guard fsync(descriptor) == 0 else { throw Self.failure("sync", folder) }
        }
    }

    private static func failure(_ operation: String, _ place: String) -> TileError {
        .source("cannot \(operation) '\(place)': \(String(cString: strerror(errno)))")
    }
}
