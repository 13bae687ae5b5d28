// Files by content: a folder in which every file is named by the CID of its bytes, or a fleet's database.
public import Commitments
internal import Glibc
public import Ledger

/// Where an engine keeps the files of its jobs.
public protocol ArtefactKeeper: Sendable {
    /// Keeps `bytes` under `cid`, durably.
    /// - Precondition: the caller has checked that `cid` is the identifier of `bytes`.
    func put(_ bytes: [UInt8], cid: CID) throws(StorageError)
    /// Whether a file of this identifier is there.
    func contains(_ cid: CID) throws(StorageError) -> Bool
    /// The bytes kept under `cid`; `nil` when there are none.
    func get(_ cid: CID) throws(StorageError) -> [UInt8]?
}

/// A folder of immutable files, each named by its CID.
///
/// A file appears under its name only when all of its bytes are on the disk. Reading checks nothing again: whoever needs
/// certainty hashes what it got.
public struct ArtefactStore: ArtefactKeeper {
    private let folder: String

    /// Opens the store in `folder`, which is made when it is not there.
    public init(folder: String) throws(StorageError) {
        self.folder = folder
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw .system(folder, "make the folder") }
        DurableFile.removeLeftovers(in: folder)
    }

    /// Keeps `bytes` under `cid`.
    /// - Precondition: the caller has checked that `cid` is the identifier of `bytes`.
    public func put(_ bytes: [UInt8], cid: CID) throws(StorageError) {
        guard !contains(cid) else { return }
        try DurableFile.write(bytes, to: path(cid), in: folder)
    }

    /// Whether a file of this identifier is there.
    public func contains(_ cid: CID) -> Bool {
        access(path(cid), F_OK) == 0
    }

    /// The bytes kept under `cid`; `nil` when there are none.
    public func get(_ cid: CID) throws(StorageError) -> [UInt8]? {
        try DurableFile.read(path(cid))
    }

    private func path(_ cid: CID) -> String {
        folder + "/" + cid.text
    }
}

/// The files of a fleet, in its database: whoever takes over finds them.
public struct DatabaseArtefacts: ArtefactKeeper {
    private let files: PostgresArtefacts

    /// The files of a database.
    public init(_ files: PostgresArtefacts) {
        self.files = files
    }

    public func put(_ bytes: [UInt8], cid: CID) throws(StorageError) {
        try Self.translating(cid, "write the file") { () throws(LedgerError) in try files.put(bytes, cid: cid.text) }
    }

    public func contains(_ cid: CID) throws(StorageError) -> Bool {
        try Self.translating(cid, "look for the file") { () throws(LedgerError) in try files.contains(cid.text) }
    }

    public func get(_ cid: CID) throws(StorageError) -> [UInt8]? {
        try Self.translating(cid, "read the file") { () throws(LedgerError) in try files.get(cid.text) }
    }

    private static func translating<Value>(
        _ cid: CID,
        _ operation: String,
        _ body: () throws(LedgerError) -> Value
    ) throws(StorageError) -> Value {
        do throws(LedgerError) {
            return try body()
        } catch {
            throw StorageError(path: cid.text, operation: operation, reason: error.description)
        }
    }
}
