// What the database of a fleet may forget, beside engines that run: the fleet never stops.
internal import Codecs
public import Ledger

/// The files and rows of a fleet's database.
public struct DatabaseRetention: RetentionPlace {
    private let database: PostgresDatabase
    private let artefacts: PostgresArtefacts
    /// The database's name, without a password.
    public let name: String

    /// The database that is called `name` in errors.
    public init(database: PostgresDatabase, name: String) {
        self.database = database
        artefacts = PostgresArtefacts(database: database)
        self.name = name
    }

    public var queue: (any WorkQueue)? { PostgresWorkQueue(database: database) }

    public func files() throws(StorageError) -> [RetainedFile] {
        try StorageError.translating(name, "list the artefacts") { () throws(LedgerError) in
            var files: [RetainedFile] = []
            var last = ""
            while true {
                let page = try artefacts.list(after: last, limit: 1000)
                guard let end = page.last else { return files }
                files += page.map { file in
                    RetainedFile(
                        name: file.cid,
                        byteCount: file.byteCount,
                        changedAt: file.atMilliseconds / 1000,
                        isDamaged: file.cid.hasPrefix(PostgresArtefacts.damagedPrefix)
                    )
                }
                last = end.cid
            }
        }
    }

    /// Condemns the files, looks again, spares what is needed and deletes the rest (`PostgresArtefacts.condemn` says why
    /// that is safe).
    public func delete(
        _ names: [String],
        unless needed: () throws(StorageError) -> Set<String>,
        progress: (Int) -> Void
    ) throws(StorageError) -> Set<String> {
        var random = SystemRandomNumberGenerator()
        let run = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
        try StorageError.translating(name, "condemn files") { () throws(LedgerError) in
            try artefacts.condemn(names, run: run)
        }
        do throws(StorageError) {
            let spared = try needed().sorted()
            try StorageError.translating(name, "spare files") { () throws(LedgerError) in
                try artefacts.spare(spared, run: run)
            }
        } catch {
            try StorageError.translating(name, "spare files") { () throws(LedgerError) in
                try artefacts.spare(nil, run: run)
            }
            throw error
        }
        let wanted = Set(names)
        var gone: Set<String> = []
        while let some = try StorageError.translating(
            name,
            "delete",
            { () throws(LedgerError) in try artefacts.deleteSome(run: run) }
        ) {
            // What an earlier run had begun to delete was in no plan of this one.
            gone.formUnion(wanted.intersection(some))
            progress(gone.count)
        }
        return gone
    }

    /// Late results are on record for people: the engine writes them and never reads them, so their rows go without its fence.
    public func deleteLate(_ ids: [[UInt8]]) async throws(LedgerError) {
        try database.deleteRecords(kind: Scheduler.lateRecordKind, ids: ids)
    }
}
