// Reading and writing the files that a user names: bounded, whole or not at all, with an error that says which and why.
internal import Codecs
internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The files that a user names.
enum Files {
    /// The most bytes of a document or bundle that is read whole.
    static let maxBytes = 512 << 20

    /// The bytes of the file at `path`; of standard input for `-`.
    static func read(_ path: String, maxBytes: Int = maxBytes) throws(Failure) -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "open") }
        defer { if path != "-" { close(descriptor) } }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path, "look at") }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw Failure(
                .noInput,
                "file.folder",
                "\(path): expected a file, found a folder",
                field: path,
                expected: "a file",
                actual: "a folder"
            )
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure(path, "read") }
            if count == 0 { return bytes }
            guard count <= maxBytes - bytes.count else {
                throw Failure(
                    .dataError,
                    "file.tooLarge",
                    "\(path): expected at most \(maxBytes) bytes, found more",
                    field: path,
                    expected: "at most \(maxBytes) bytes",
                    actual: "more"
                )
            }
            bytes += buffer.prefix(count)
        }
    }

    /// Puts a file with these bytes at `path`: the whole of it appears at once, or nothing does.
    static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
        let temporary = path + ".incoming-" + String(UInt32.random(in: .min ... .max), radix: 36)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure(path, "create", writing: true) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let error = failure(path, "write", writing: true)
                unlink(temporary)
                throw error
            }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            let error = failure(path, "finish", writing: true)
            unlink(temporary)
            throw error
        }
    }

    /// Makes a folder and the folders above it.
    static func makeFolder(_ path: String) throws(Failure) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw Failure(.ioError, "file.create", "\(path): could not make the folder", field: path)
        }
    }

    /// Whether `path` is a folder.
    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a folder, sorted by their bytes.
    static func names(in path: String) throws(Failure) -> [String] {
        guard let directory = opendir(path) else { throw failure(path, "open") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The error of the last system call.
    private static func failure(_ path: String, _ operation: String, writing: Bool = false) -> Failure {
        let code = errno
        let reason = String(cString: strerror(code))
        let message = "\(path): could not \(operation) it: \(reason)"
        switch code {
        case EACCES, EPERM: return Failure(.noPermission, "file.permission", message, field: path, actual: reason)
        case ENOENT where !writing, ENOTDIR where !writing, ELOOP where !writing, ENAMETOOLONG where !writing:
            return Failure(.noInput, "file.missing", message, field: path, expected: "a file", actual: reason)
        default: return Failure(.ioError, "file.\(operation)", message, field: path, actual: reason)
        }
    }
}
