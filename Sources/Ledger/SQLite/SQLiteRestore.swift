// A backup back into place, once it has been found whole.
internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

extension SQLiteLedgerStore {
    /// Copies a backup to `path`, where no ledger may be: audited first, flushed, and moved into place at the end, so that
    /// a crash leaves either nothing or all of it.
    /// - Returns: the audit of the backup.
    /// - Throws: `LedgerError.noLedger` when the backup is none, or damaged; `.storage` when there is something at `path`, or it
    ///   cannot be written.
    @discardableResult
    public static func restore(backup: String, to path: String) throws(LedgerError) -> FsckReport {
        for file in [path, path + "-wal", path + "-shm"] where FileManager.default.fileExists(atPath: file) {
            throw .storage(detail: "\(file): expected no file, found one")
        }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: backup, isDirectory: &isFolder) else {
            throw .noLedger(.missing, detail: "\(backup): expected a backup, found none")
        }
        if isFolder.boolValue { throw .noLedger(.foreign, detail: "\(backup): expected a backup, found a folder") }
        let part = path + ".restoring"
        do {
            try? FileManager.default.removeItem(atPath: part)
            try FileManager.default.copyItem(atPath: backup, toPath: part)
        } catch {
            throw .storage(detail: "\(backup): cannot be copied to \(part): \(error.localizedDescription)")
        }
        defer {
            for suffix in ["", "-wal", "-shm", ".lock"] {
                try? FileManager.default.removeItem(atPath: part + suffix)
            }
        }
        let store: SQLiteLedgerStore
        do throws(LedgerError) {
            // An empty file is what a copy that failed leaves behind, and no backup of an empty ledger.
            store = try SQLiteLedgerStore(path: part, access: .write, limits: GroupCommitter.Limits(), creates: false)
        } catch {
            guard case .noLedger(let reason, let detail) = error else { throw error }
            throw .noLedger(reason, detail: detail.replacingOccurrences(of: part, with: backup))
        }
        _ = try store.load(recordKinds: [])
        let report = try Fsck.run(store)
        try store.close()
        guard report.isClean else {
            let fault = report.checks.first { !$0.passed }
            throw .noLedger(.damaged, detail: "\(backup): \(fault?.id ?? ""): \(fault?.faults.first ?? "damaged")")
        }
        try flush(part)
        guard rename(part, path) == 0 else { throw .storage(detail: "\(path): rename failed (errno \(errno))") }
        try flush(
            (path as NSString).deletingLastPathComponent.isEmpty ? "." : (path as NSString).deletingLastPathComponent
        )
        return report
    }

    private static func flush(_ path: String) throws(LedgerError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .storage(detail: "\(path): cannot be opened (errno \(errno))") }
        let result = fsync(descriptor)
        closeDescriptor(descriptor)
        guard result == 0 else { throw .storage(detail: "\(path): flush failed (errno \(errno))") }
    }

    private static func closeDescriptor(_ descriptor: Int32) {
        #if canImport(Glibc)
            _ = Glibc.close(descriptor)
        #elseif canImport(Musl)
            _ = Musl.close(descriptor)
        #endif
    }
}
