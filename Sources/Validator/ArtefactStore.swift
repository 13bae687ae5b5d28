// Files by content: a folder in which every file is named by the CID of its bytes, or a fleet's database.
public import Commitments
internal import Glibc
public import Ledger
public import Receipts

/// Where an engine keeps the files of its jobs.
public protocol ArtefactKeeper: Sendable {
    /// Keeps `bytes` under `cid`, durably.
    /// - Precondition: the caller has checked that `cid` is the identifier of `bytes`.
    func put(_ bytes: [UInt8], cid: CID) throws(StorageError)
    /// Whether a file of this identifier is there.
    func contains(_ identity: ArtefactIdentity) throws(StorageError) -> Bool
    /// The files on which nothing new may rest: those that are not there, or not for long any more.
    func missing(among identities: [ArtefactIdentity]) throws(StorageError) -> [ArtefactIdentity]
    /// The bytes kept under `cid`; `nil` when there are none.
    func get(_ cid: CID) throws(StorageError) -> [UInt8]?
}

/// A folder of immutable files, each named by its CID.
///
/// A file appears under its name only when all of its bytes are on the disk. What is read is hashed: a file that a disk or
/// somebody has changed is set aside and counts as missing, so that it is asked for again.
public struct ArtefactStore: ArtefactKeeper {
    private let folder: String

    /// Opens the store in `folder`, which is made when it is not there.
    public init(folder: String) throws(StorageError) {
        self.folder = folder
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw .system(folder, "make the folder") }
        DurableFile.removeLeftovers(in: folder)
    }

    /// Keeps `bytes` under `cid`, in the place of a damaged file if there is one.
    /// - Precondition: the caller has checked that `cid` is the identifier of `bytes`.
    public func put(_ bytes: [UInt8], cid: CID) throws(StorageError) {
        // An unreadable file is replaced like one with other bytes.
        if let kept = try? DurableFile.read(path(cid)), kept == bytes { return }
        try DurableFile.write(bytes, to: path(cid), in: folder)
    }

    /// Whether a file of this identifier and length is there. Its bytes are not read.
    public func contains(_ identity: ArtefactIdentity) -> Bool {
        var status = stat()
        return stat(path(identity.cid), &status) == 0 && UInt64(status.st_size) == identity.byteCount
    }

    /// The files that are not there. None goes while an engine runs on the folder.
    public func missing(among identities: [ArtefactIdentity]) -> [ArtefactIdentity] {
        identities.filter { !contains($0) }
    }

    /// The bytes kept under `cid`; `nil` when there are none, or others than the name says.
    public func get(_ cid: CID) throws(StorageError) -> [UInt8]? {
        guard let bytes = try DurableFile.read(path(cid)) else { return nil }
        guard ArtefactIdentity(of: bytes).cid == cid else {
            try setAside(cid)
            return nil
        }
        return bytes
    }

    /// Takes a damaged file's name away from it and keeps its bytes for whoever wants to know what happened.
    public func setAside(_ cid: CID) throws(StorageError) {
        guard rename(path(cid), folder + "/" + Self.damagedPrefix + cid.text) == 0 || errno == ENOENT else {
            throw .system(path(cid), "set the damaged file aside")
        }
    }

    /// How the names of files begin that were set aside.
    static let damagedPrefix = ".damaged-"

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
        try StorageError.translating(cid.text, "write the file") { () throws(LedgerError) in
            try files.put(bytes, cid: cid.text)
        }
    }

    public func contains(_ identity: ArtefactIdentity) throws(StorageError) -> Bool {
        let cid = identity.cid
        return try StorageError.translating(cid.text, "look for the file") { () throws(LedgerError) in
            try files.contains(cid.text, byteCount: identity.byteCount)
        }
    }

    public func missing(among identities: [ArtefactIdentity]) throws(StorageError) -> [ArtefactIdentity] {
        let found = try StorageError.translating("artefacts", "look for files") { () throws(LedgerError) in
            try files.lengths(of: identities.map(\.cid.text))
        }
        return identities.filter { found[$0.cid.text] != $0.byteCount }
    }

    public func get(_ cid: CID) throws(StorageError) -> [UInt8]? {
        try StorageError.translating(cid.text, "read the file") { () throws(LedgerError) in
            guard let bytes = try files.get(cid.text) else { return nil }
            // A database is not trusted more than a disk.
            guard ArtefactIdentity(of: bytes).cid == cid else {
                try files.setAside(cid.text)
                return nil
            }
            return bytes
        }
    }
}

extension StorageError {
    /// An error of the ledger's database in the words of storage.
    static func translating<Value>(
        _ path: String,
        _ operation: String,
        _ body: () throws(LedgerError) -> Value
    ) throws(StorageError) -> Value {
        do throws(LedgerError) {
            return try body()
        } catch {
            throw StorageError(path: path, operation: operation, reason: error.description)
        }
    }
}
