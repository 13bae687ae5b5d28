// A job as a folder: `job.json`, kernels and inputs. Everything is opened by name below one directory handle and no symbolic
// link is ever followed, so that a folder from somewhere else cannot make the engine read a file outside it.
public import Codecs
internal import Commitments
internal import Replay

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Why a job folder cannot be used.
public enum JobFolderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The spec, or a file of it, is not what it must be.
    case malformed(ParseError)
    /// There is no such folder or file.
    case missing(path: String)
    /// The folder or file is there and cannot be read.
    case unreadable(path: String, detail: String)

    public var description: String {
        switch self {
        case .malformed(let error): error.description
        case .missing(let path): "\(path): expected a file, found nothing"
        case .unreadable(let path, let detail): "\(path): expected a readable file, found: \(detail)"
        }
    }
}

/// A folder that holds one job.
public struct JobFolder: Sendable {
    /// The name of the spec in the folder.
    public static let specName = "job.json"
    /// The most bytes of all files together: 4 GiB.
    public static let maxTotalBytes: UInt64 = 4 << 30

    /// Where the folder is.
    public let path: String

    /// Names a folder. Nothing is read yet.
    public init(path: String) {
        self.path = path
    }

    /// A sealed job and its files.
    public struct Content: Sendable {
        /// The sealed job.
        public let job: SealedJob
        /// The content of every file that the spec names, by path.
        public let files: [String: [UInt8]]
    }

    /// Reads the folder and fills in the length and identifier of every file.
    /// - Throws: `JobFolderError.malformed` also when the spec already states a length or identifier that the file does not
    ///   have.
    public func seal() throws(JobFolderError) -> Content {
        let root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw Self.failure(path) }
        defer { close(root) }
        let text = try Self.read(Self.specName, below: root, maxBytes: UInt64(JobSpec.maxBytes))
        let spec: JobSpec
        do throws(ParseError) {
            spec = try JobSpec(parsing: text)
        } catch {
            throw .malformed(error)
        }
        var files: [String: [UInt8]] = [:]
        var identities: [String: ArtefactIdentity] = [:]
        var left = Self.maxTotalBytes
        for file in spec.files where files[file.path] == nil {
            let bytes = try Self.read(file.path, below: root, maxBytes: left)
            left -= UInt64(bytes.count)
            files[file.path] = bytes
            identities[file.path] = ArtefactIdentity(of: bytes)
        }
        do throws(ParseError) {
            return Content(job: try SealedJob(try spec.sealing(with: identities)), files: files)
        } catch {
            throw .malformed(error)
        }
    }

    /// The regular file at `path` below the open directory `root`.
    private static func read(
        _ path: String,
        below root: Int32,
        maxBytes: UInt64
    ) throws(JobFolderError) -> [UInt8] {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }) else {
            throw .malformed(ParseError(field: "file", expected: "a path below the job folder", actual: path))
        }
        var directory = root
        defer { if directory != root { close(directory) } }
        for part in parts.dropLast() {
            let next = openat(directory, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { throw failure(path) }
            if directory != root { close(directory) }
            directory = next
        }
        // O_NONBLOCK: opening a FIFO must not wait for a writer.
        let file = openat(directory, parts[parts.count - 1], O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw failure(path) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, detail: "not a regular file")
        }
        guard UInt64(status.st_size) <= maxBytes else {
            throw .malformed(
                ParseError(field: path, expected: "at most \(maxBytes) bytes", actual: "\(status.st_size) bytes")
            )
        }
        return try read(file, count: Int(status.st_size), path)
    }

    /// Exactly `count` bytes; a file that changes its length meanwhile is refused.
    private static func read(_ file: Int32, count: Int, _ path: String) throws(JobFolderError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count + 1)
        var filled = 0
        while filled <= count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                Self.readSome(file, UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw failure(path) }
            if got == 0 { break }
            filled += got
        }
        guard filled == count else {
            throw .unreadable(path: path, detail: "its length changed while it was read")
        }
        bytes.removeLast()
        return bytes
    }

    private static func readSome(_ file: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.read(file, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
            Musl.read(file, buffer.baseAddress, buffer.count)
        #endif
    }

    /// The error of the last system call on `path`.
    private static func failure(_ path: String) -> JobFolderError {
        switch errno {
        case ENOENT, ENOTDIR: .missing(path: path)
        case ELOOP: .unreadable(path: path, detail: "a symbolic link, which is never followed")
        case let code: .unreadable(path: path, detail: String(cString: strerror(code)))
        }
    }
}
