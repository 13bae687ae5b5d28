// Regular files by descriptor: what the artefact scan and the log need of the operating system, with typed errors.
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An operation on a file or folder failed.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried: `open`, `read`, `list`.
    public var operation: String
    /// The path as the caller gave it.
    public var path: String
    /// Why it failed, in the system's words or ours.
    public var reason: String

    /// An error of an operation.
    public init(operation: String, path: String, reason: String) {
        self.operation = operation
        self.path = path
        self.reason = reason
    }

    static func system(_ operation: String, _ path: String) -> FileError {
        FileError(operation: operation, path: path, reason: String(cString: strerror(errno)))
    }

    public var description: String { "cannot \(operation) '\(path)': \(reason)" }
}

/// An open file that closes itself.
final class OpenFile: Sendable {
    let descriptor: Int32
    let path: String

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Opens a regular file for reading. Symbolic links are followed, devices and pipes are refused: their length is unknown.
    static func reading(_ path: String, followsLinks: Bool = true) throws(FileError) -> OpenFile {
        // O_NONBLOCK keeps a named pipe from blocking before it can be refused.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followsLinks ? 0 : O_NOFOLLOW))
        guard descriptor >= 0 else { throw .system("open", path) }
        let file = OpenFile(descriptor: descriptor, path: path)
        guard try file.status().st_mode & S_IFMT == S_IFREG else {
            throw FileError(operation: "open", path: path, reason: "not a regular file")
        }
        return file
    }

    /// Creates or empties a file for writing.
    static func writing(_ path: String) throws(FileError) -> OpenFile {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system("create", path) }
        return OpenFile(descriptor: descriptor, path: path)
    }

    func status() throws(FileError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("examine", path) }
        return status
    }

    func length() throws(FileError) -> UInt64 {
        UInt64(max(0, try status().st_size))
    }

    /// Fills `buffer` from `offset` on.
    /// - Throws: `FileError` when the file ends before, which means that it was cut while it was read.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(FileError) {
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor,
                buffer.baseAddress.map { $0 + done },
                buffer.count - done,
                off_t(offset) + off_t(done)
            )
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .system("read", path) }
            guard count > 0 else { throw FileError(operation: "read", path: path, reason: "the file became shorter") }
            done += count
        }
    }

    /// Writes all of `buffer` at `offset`.
    func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(FileError) {
        var done = 0
        while done < buffer.count {
            let count = pwrite(
                descriptor,
                buffer.baseAddress.map { $0 + done },
                buffer.count - done,
                off_t(offset) + off_t(done)
            )
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .system("write", path) }
            done += count
        }
    }
}
