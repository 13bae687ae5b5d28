// Which documents are in memory: those of jobs that somebody is concerned with now. The others stay in the store.
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Ledger
internal import Market
internal import Receipts
internal import Signatures

extension Scheduler {
    /// The most jobs whose documents stay in memory.
    private static let documentsKept = 4096

    /// The documents of an open job; `nil` when no such job is open.
    func documents(of job: Digest) throws(EngineError) -> JobDocuments? {
        if let file = documents[job] { return file }
        guard engine.jobs[job] != nil else { return nil }
        do throws(StorageError) {
            guard let file = try JobDocuments(job: job, in: store, engine: key.verifyingKey) else {
                throw StorageError(path: job.hex, operation: "read the documents of a job", reason: "there are none")
            }
            documents[job] = file
            return file
        } catch {
            throw EngineError(.unavailable, "storage", error.description)
        }
    }

    /// Drops documents that can be read again, when there are many.
    func trimDocuments() {
        guard documents.count > Self.documentsKept else { return }
        for job in Array(documents.keys) where writing[job] == nil {
            documents[job] = nil
            if documents.count <= Self.documentsKept / 2 { return }
        }
    }

    /// Looks again at jobs whose last file may have come just before the end of the process that was to note it.
    /// - Parameter limit: how many jobs to look at.
    func recheck(_ limit: Int) async throws(EngineError) {
        let jobs = unchecked.suffix(limit)
        unchecked.removeLast(jobs.count)
        for job in jobs {
            try await offerWhenComplete(job)
            try await verifyWhenComplete(job)
        }
    }
}
