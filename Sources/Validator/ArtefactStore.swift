// Files by content: a folder in which every file is named by the CID of its bytes.
public import Commitments
internal import Glibc

/// A folder of immutable files, each named by its CID.
///
/// A file appears under its name only when all of its bytes are on the disk. Reading checks nothing again: whoever needs
/// certainty hashes what it got.
public struct ArtefactStore: Sendable {
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
