// Private keys on disk: PKCS #8 in PEM, readable by their owner alone.
internal import Glibc

/// Why a key file could not be read or written.
public enum KeyFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no such file.
    case missing(path: String)
    /// A file of this name is there already; keys are never overwritten.
    case exists(path: String)
    /// Others than the owner may read or write the file.
    case permissions(path: String, expected: String, actual: String)
    /// The operating system refused.
    case system(path: String, operation: String, reason: String)
    /// The file does not hold a usable key.
    case key(path: String, KeyError)

    public var description: String {
        switch self {
        case .missing(let path): "\(path): expected a key file, found none"
        case .exists(let path): "\(path): expected no file, found one; keys are never overwritten"
        case .permissions(let path, let expected, let actual): "\(path): expected mode \(expected), found \(actual)"
        case .system(let path, let operation, let reason): "\(path): could not \(operation): \(reason)"
        case .key(let path, let error): "\(path): \(error)"
        }
    }
}

/// A file that holds one private key.
public enum KeyFile {
    /// Reads the key at `path`.
    public static func read(_ path: String) throws(KeyFileError) -> SigningKey {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { throw .missing(path: path) }
            throw .system(path: path, operation: "open the file", reason: reason())
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .system(path: path, operation: "look at the file", reason: reason())
        }
        guard status.st_mode & 0o077 == 0 else {
            let actual = String(status.st_mode & 0o777, radix: 8)
            throw .permissions(path: path, expected: "600", actual: actual)
        }
        var bytes = [UInt8](repeating: 0, count: 16384)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .system(path: path, operation: "read the file", reason: reason()) }
        do throws(KeyError) {
            return try SigningKey(pem: Array(bytes.prefix(count)))
        } catch {
            throw .key(path: path, error)
        }
    }

    /// Writes `key` to a new file at `path` with mode 600 and waits until it is on the disk.
    public static func write(_ key: SigningKey, to path: String) throws(KeyFileError) {
        let pem: [UInt8]
        do throws(KeyError) {
            pem = try key.pem()
        } catch {
            throw .key(path: path, error)
        }
        // Written under another name and then linked, so that a reader never sees half a key and of two writers one wins.
        let temporary = path + ".incoming-" + String(UInt64.random(in: .min ... .max), radix: 36)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(path: path, operation: "create the file", reason: reason()) }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        guard Glibc.write(descriptor, pem, pem.count) == pem.count, fsync(descriptor) == 0 else {
            throw .system(path: path, operation: "write the file", reason: reason())
        }
        guard link(temporary, path) == 0 else {
            if errno == EEXIST { throw .exists(path: path) }
            throw .system(path: path, operation: "name the file", reason: reason())
        }
    }

    /// Reads the key at `path`, or makes one there when there is none.
    public static func readOrCreate(_ path: String) throws(KeyFileError) -> SigningKey {
        do throws(KeyFileError) {
            return try read(path)
        } catch .missing {
            let key: SigningKey
            do throws(KeyError) {
                key = try .generate()
            } catch {
                throw .key(path: path, error)
            }
            do throws(KeyFileError) {
                try write(key, to: path)
            } catch .exists {
                // Another process was quicker; its key is the key.
                return try read(path)
            }
            return key
        }
    }

    private static func reason() -> String {
        String(cString: strerror(errno))
    }
}
