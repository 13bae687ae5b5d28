// Files by content: a folder in which every file is named by the CID of its bytes.
public import Commitments
internal import Glibc
public import Receipts

/// A folder of immutable files, each named by its CID.
///
/// A file appears under its name only when all of its bytes are on the disk. What is read is hashed: a file that a disk or
/// somebody has changed is set aside and counts as missing, so that it is asked for again.
public struct ArtefactStore: Sendable {
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
