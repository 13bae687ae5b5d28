// Where a daemon keeps what it must not lose.
internal import Glibc
public import Signatures

/// A daemon's data folder: keys, one SQLite file, artefacts, results.
public struct DataFolder: Sendable {
    /// The folder.
    public let path: String

    /// Names a folder. Nothing is opened yet.
    public init(path: String) {
        self.path = path
    }

    /// The folder that is used when nobody names one: `$XDG_DATA_HOME/assay`, else `~/.local/share/assay`.
    public static var defaultPath: String {
        if let base = getenv("XDG_DATA_HOME") { return String(cString: base) + "/assay" }
        let home = getenv("HOME").map { String(cString: $0) } ?? "/root"
        return home + "/.local/share/assay"
    }

    /// The ledger, the engine's rows and the receipts.
    public var ledger: String { path + "/ledger.sqlite" }
    /// Files by content.
    public var artefacts: String { path + "/artefacts" }
    /// The provider's signed executions on their way.
    public var results: String { path + "/results" }
    /// What the witness has cosigned.
    public var witness: String { path + "/witness" }
    /// The receipts on their way into the log.
    public var logQueue: String { path + "/log.sqlite" }
    /// Temporary files of workers that get no namespaces.
    public var work: String { path + "/work" }
    /// Signed records of the kernels that were admitted.
    public var admissions: String { path + "/admissions" }

    /// The keys that a daemon makes on its first start.
    public enum KeyName: String, Sendable, CaseIterable {
        /// Signs leases and receipts.
        case engine
        /// May credit accounts.
        case `operator`
        /// Signs executions.
        case node
        /// Signs verdicts.
        case validator
        /// Cosigns checkpoints of other logs.
        case witness
        /// Signs the checkpoints of the log of receipts.
        case log
    }

    /// The file of a key.
    public func keyPath(_ name: KeyName) -> String { "\(path)/keys/\(name.rawValue).pem" }

    /// Makes the folder and its parts, readable by their owner alone.
    public func prepare() throws(StorageError) {
        var made = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            made += made.isEmpty && part.isEmpty ? "/" : (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else { throw .system(made, "make the folder") }
        }
        for part in [path + "/keys", work, admissions] {
            guard mkdir(part, 0o700) == 0 || errno == EEXIST else { throw .system(part, "make the folder") }
        }
    }

    /// The key of this name, made when it is not there.
    public func key(_ name: KeyName) throws(KeyFileError) -> SigningKey {
        try KeyFile.readOrCreate(keyPath(name))
    }
}
