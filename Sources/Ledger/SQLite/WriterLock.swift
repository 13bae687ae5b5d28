// One writer for each ledger file, whoever opens it by whatever name: another process, or this one a second time.
internal import Foundation
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The right to write a ledger file.
///
/// Two locks make it. An advisory lock on a file beside the database, which the kernel releases when the process ends, however
/// it ends; symbolic links lead to the same one. And the file's device and inode in a set of this process, which another
/// name of the same file (a hard link, a second mount) does not get past. Other processes are kept from hard links by refusing
/// to write a file that has any: SQLite names its log after the name by which it was opened, so two names would be two logs.
final class WriterLock: Sendable {
    private struct FileIdentity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// The files that this process writes.
    private static let written = Mutex<Set<FileIdentity>>([])

    private let path: String
    private let descriptor: Int32
    private let claimed = Mutex<FileIdentity?>(nil)

    /// Takes the lock beside the database at `path`, which need not be there yet.
    /// - Throws: `LedgerError.storage` when there is another writer.
    init(database path: String) throws(LedgerError) {
        self.path = path
        let file = Self.resolved(path) + ".lock"
        descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .storage(detail: "\(file): cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw Self.otherWriter(path)
        }
    }

    /// Claims the file itself, once it is there.
    /// - Throws: `LedgerError.storage` when this process writes it already by another name, or another process could.
    func claim() throws(LedgerError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw .storage(detail: "\(path): cannot be examined: \(String(cString: strerror(errno)))")
        }
        let identity = FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        guard Self.written.withLock({ $0.insert(identity).inserted }) else { throw Self.otherWriter(path) }
        claimed.withLock { $0 = identity }
        // Directories have several names by nature, and are refused by the database.
        guard status.st_nlink <= 1 || status.st_mode & S_IFMT != S_IFREG else {
            release()
            throw .storage(
                detail: "\(path): expected a file of one name, found \(status.st_nlink) hard links: "
                    + "another process could write it by another name"
            )
        }
    }

    /// Lets others write. Done twice it does nothing more.
    func release() {
        let identity = claimed.withLock { claimed in
            defer { claimed = nil }
            return claimed
        }
        if let identity { _ = Self.written.withLock { $0.remove(identity) } }
        _ = flock(descriptor, LOCK_UN)
    }

    deinit {
        release()
        close(descriptor)
    }

    private static func otherWriter(_ path: String) -> LedgerError {
        .storage(detail: "\(path): expected no other writer, found one")
    }

    /// The path without symbolic links, as SQLite resolves it too.
    private static func resolved(_ path: String) -> String {
        if let whole = realpath(path, nil) {
            defer { free(whole) }
            return String(cString: whole)
        }
        let folder = (path as NSString).deletingLastPathComponent
        guard let parent = realpath(folder.isEmpty ? "." : folder, nil) else { return path }
        defer { free(parent) }
        return String(cString: parent) + "/" + (path as NSString).lastPathComponent
    }
}
