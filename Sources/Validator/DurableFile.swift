// Whole files, written so that after a crash there is the old content or the new one and nothing between.
internal import Glibc

/// Why a file or folder could not be used.
public struct StorageError: Error, Equatable, Sendable, CustomStringConvertible {
    public var path: String
    public var operation: String
    public var reason: String

    public var description: String { "\(path): could not \(operation): \(reason)" }

    /// The error that the last system call left behind.
    static func system(_ path: String, _ operation: String) -> StorageError {
        StorageError(path: path, operation: operation, reason: String(cString: strerror(errno)))
    }
}

/// Reading whole files that a person named.
public enum WholeFile {
    /// The bytes at `path`; `nil` when there is no such file.
    public static func read(_ path: String) throws(StorageError) -> [UInt8]? {
        try DurableFile.read(path)
    }
}

/// Reading and writing whole files.
enum DurableFile {
    /// After how many seconds such a file belongs to nobody any more.
    private static let leftoverSeconds = 3600

    /// Removes what writers that were killed have left behind. Younger files may belong to a writer at work.
    static func removeLeftovers(in folder: String) {
        guard let directory = opendir(folder) else { return }
        defer { closedir(directory) }
        let now = time(nil)
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            var status = stat()
            guard name.hasPrefix(temporaryPrefix), stat(folder + "/" + name, &status) == 0,
                now - status.st_mtim.tv_sec > leftoverSeconds
            else { continue }
            unlink(folder + "/" + name)
        }
    }

    /// How the names of files begin that are not whole yet.
    static let temporaryPrefix = ".incoming-"

    /// Writes `bytes` beside `path`, flushes them, and puts them in place of what was there; then flushes the folder.
    static func write(_ bytes: [UInt8], to path: String, in folder: String) throws(StorageError) {
        let temporary = folder + "/" + temporaryPrefix + String(UInt64.random(in: .min ... .max), radix: 36)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(temporary, "create the file") }
        defer { close(descriptor) }
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: offset), $0.count - offset)
            }
            guard count > 0 else {
                if count < 0 && errno == EINTR { continue }
                let error = StorageError.system(temporary, "write the file")
                unlink(temporary)
                throw error
            }
            offset += count
        }
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            let error = StorageError.system(path, "finish the file")
            unlink(temporary)
            throw error
        }
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw .system(folder, "open the folder") }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw .system(folder, "flush the folder") }
    }

    /// The bytes at `path`; `nil` when there is no such file.
    static func read(_ path: String) throws(StorageError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .system(path, "open the file")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(path, "look at the file") }
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, filled in
            while filled < buffer.count {
                let count = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    failed = true
                    return
                }
                filled += count
            }
        }
        guard !failed else { throw .system(path, "read the file") }
        return bytes
    }
}
