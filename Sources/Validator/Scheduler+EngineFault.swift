// What is the engine's own fault: a file that it had acknowledged and has lost, and the time in which it was not there. Nobody
// else loses anything by either.
internal import Commitments
internal import EngineAPI
internal import Ledger
internal import Logging
internal import Market
internal import Receipts

extension Scheduler {
    /// For how many engine seconds after its start a scheduler ends nothing: whoever was to answer could not while no engine
    /// was there.
    static let graceSeconds: Int64 = 10
    /// The reason code of a job that ended because the engine has lost a file of it.
    static let lostFile = "engine-lost-file"

    /// Ends what is due, the engine's own faults before anybody else's silence.
    func fireTimers() async throws(EngineError) {
        let now = clock.now
        guard let due = engine.nextDeadline, due <= now, now >= openedAt + Self.graceSeconds else { return }
        for job in engine.due(at: now) where job.phase != .funded && job.phase != .offered {
            guard let file = try documents(of: job.id) else { continue }
            for identity in needed(by: job, file) { try await noteLoss(of: identity.cid, from: job.id) }
        }
        try await perform(.tick)
    }

    /// Ends a job for which the engine needs a file that it has lost: hold, bond and stake go back to whom they belong.
    ///
    /// A store that cannot be reached loses nothing: this is for a store that answers and does not have the file.
    func noteLoss(of cid: CID, from job: Digest) async throws(EngineError) {
        guard isHealthy, let open = engine.jobs[job], let file = try documents(of: job),
            let identity = needed(by: open, file).first(where: { $0.cid == cid })
        else { return }
        do throws(StorageError) {
            guard try !artefacts.contains(identity) else { return }
        } catch {
            throw EngineError(.unavailable, "storage", error.description)
        }
        log.error("scheduler: job \(job): file \(cid) is lost")
        let reason = Reason(code: Self.lostFile, text: "the engine has lost file \(cid), which it had acknowledged")
        try await perform(.fail(job: job, reason: reason))
    }

    /// The files that the engine has acknowledged and that somebody still needs to go on with the job.
    private func needed(by job: Job, _ file: JobDocuments) -> [ArtefactIdentity] {
        switch job.phase {
        case .offered, .assigned, .committed: file.sealed.files.map(\.identity)
        case .verifying: file.sealed.files.map(\.identity) + file.results
        case .funded, .judged, .final: []
        }
    }
}
