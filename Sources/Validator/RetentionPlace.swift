// Where files lie that may be forgotten: a data folder, whose engine stands still, or the database of a fleet that runs.
internal import Glibc
public import Ledger

/// A file as a retention finds it.
public struct RetainedFile: Sendable, Equatable {
    /// Its CID, or the name of a damaged file.
    public let name: String
    public let byteCount: UInt64
    /// When it was written or set aside, in seconds since 1970.
    public let changedAt: Int64
    /// Whether it was set aside because its bytes were not those of its name.
    public let isDamaged: Bool
}

/// A place in which files and rows lie that may be forgotten.
public protocol RetentionPlace: Sendable {
    /// How errors name it.
    var name: String { get }

    /// Everything that lies there as a whole.
    func files() throws(StorageError) -> [RetainedFile]

    /// Deletes files.
    /// - Parameters:
    ///   - needed: looks again at what is needed, and says which of the files have to stay. A place beside which an engine
    ///     may run asks after nobody can begin to need a file unnoticed, and deletes nothing when that throws.
    ///   - progress: told how many are deleted.
    /// - Returns: the names of those that were deleted.
    func delete(
        _ names: [String],
        unless needed: () throws(StorageError) -> Set<String>,
        progress: (Int) -> Void
    ) throws(StorageError) -> Set<String>

    /// Deletes the rows of results that came too late.
    func deleteLate(_ ids: [[UInt8]]) async throws(LedgerError)

    /// The work queues that lie there; `nil` when there are none.
    var queue: (any WorkQueue)? { get }
}

/// The data folder of an engine that does not run: its ledger is open for writing, which an engine's would be too.
public struct FolderRetention: RetentionPlace {
    private let store: any LedgerStore
    private let folder: String

    /// The artefacts of `data`, beside its ledger.
    public init(store: any LedgerStore, data: DataFolder) {
        self.store = store
        folder = data.artefacts
    }

    public var name: String { folder }
    public var queue: (any WorkQueue)? { nil }

    /// The files of the folder, those on their way left out.
    public func files() throws(StorageError) -> [RetainedFile] {
        guard let directory = opendir(folder) else {
            guard errno == ENOENT else { throw .system(folder, "list the artefacts") }
            return []
        }
        defer { closedir(directory) }
        var files: [RetainedFile] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let isDamaged = name.hasPrefix(ArtefactStore.damagedPrefix)
            guard !name.hasPrefix(".") || isDamaged else { continue }
            var status = stat()
            guard lstat(folder + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            files.append(
                RetainedFile(
                    name: name,
                    byteCount: UInt64(status.st_size),
                    changedAt: Int64(status.st_mtim.tv_sec),
                    isDamaged: isDamaged
                )
            )
        }
        return files
    }

    public func delete(
        _ names: [String],
        unless needed: () throws(StorageError) -> Set<String>,
        progress: (Int) -> Void
    ) throws(StorageError) -> Set<String> {
        for (index, name) in names.enumerated() {
            let path = folder + "/" + name
            guard unlink(path) == 0 || errno == ENOENT else { throw .system(path, "delete") }
            progress(index + 1)
        }
        return Set(names)
    }

    public func deleteLate(_ ids: [[UInt8]]) async throws(LedgerError) {
        try await store.commit(Batch(records: ids.map { Record(kind: Scheduler.lateRecordKind, id: $0, body: nil) }))
    }
}
