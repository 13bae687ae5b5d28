// Files by content: a folder in which every file is named by the CID of its bytes.
public import Commitments
internal import Glibc

/// Why the artefact folder could not be used.
public struct ArtefactStoreError: Error, Equatable, Sendable, CustomStringConvertible {
    public var path: String
    public var operation: String
    public var reason: String

    public var description: String { "\(path): could not \(operation): \(reason)" }
}

/// A folder of immutable files, each named by its CID.
///
/// A file appears under its name only when all of its bytes are on the disk. Reading checks nothing again: whoever needs
/// certainty hashes what it got.
public struct ArtefactStore: Sendable {
    private let folder: String

    /// Opens the store in `folder`, which is made when it is not there.
    public init(folder: String) throws(ArtefactStoreError) {
        self.folder = folder
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw Self.failure(folder, "make the folder") }
    }

    /// Keeps `bytes` under `cid`.
    /// - Precondition: the caller has checked that `cid` is the identifier of `bytes`.
    public func put(_ bytes: [UInt8], cid: CID) throws(ArtefactStoreError) {
        let target = path(cid)
        guard access(target, F_OK) != 0 else { return }
        let temporary = folder + "/.incoming-" + String(UInt64.random(in: .min ... .max), radix: 36)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(temporary, "create the file") }
        defer { close(descriptor) }
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: offset), $0.count - offset) }
            guard count > 0 else {
                if count < 0 && errno == EINTR { continue }
                let error = Self.failure(temporary, "write the file")
                unlink(temporary)
                throw error
            }
            offset += count
        }
        guard fsync(descriptor) == 0, rename(temporary, target) == 0 else {
            let error = Self.failure(target, "finish the file")
            unlink(temporary)
            throw error
        }
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw Self.failure(folder, "open the folder") }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw Self.failure(folder, "flush the folder") }
    }

    /// Whether a file of this identifier is there.
    public func contains(_ cid: CID) -> Bool {
        access(path(cid), F_OK) == 0
    }

    /// The bytes kept under `cid`; `nil` when there are none.
    public func get(_ cid: CID) throws(ArtefactStoreError) -> [UInt8]? {
        let name = path(cid)
        let descriptor = open(name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.failure(name, "open the file")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure(name, "look at the file") }
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, filled in
            while filled < buffer.count {
                let count = read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    failed = true
                    return
                }
                filled += count
            }
        }
        guard !failed else { throw Self.failure(name, "read the file") }
        return bytes
    }

    private func path(_ cid: CID) -> String {
        folder + "/" + cid.text
    }

    private static func failure(_ path: String, _ operation: String) -> ArtefactStoreError {
        ArtefactStoreError(path: path, operation: operation, reason: String(cString: strerror(errno)))
    }
}
