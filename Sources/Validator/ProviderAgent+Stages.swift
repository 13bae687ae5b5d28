// Jobs that may end early, in stages: each stage runs the job from its beginning to a later step, so that there is always a
// result to hand over. The worker keeps no state between runs, so the earlier steps are computed again.
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Receipts
internal import Replay
internal import Signatures

extension ProviderAgent {
    /// How often the engine is asked, during a stage, whether to stop.
    private static let watchMilliseconds = 1000

    /// What a stage came to.
    private enum Stage: Sendable {
        case done(Result<NodeResult, NoResult>)
        /// The engine asked for what there is.
        case stopped
        /// Nobody watches any more.
        case unwatched
    }

    /// Runs a job stage by stage, with a meter reading after each, and hands over the last result: of the whole job, of what
    /// the hold covers, or of what was done when the engine asked to stop.
    func runInStages(_ job: LeasedJob, _ files: [String: [UInt8]]) async throws(AgentError) {
        let startedAt = session.clock.now
        let spec = job.sealed.spec.replay
        var covered = job.coveredUnits
        var best: NodeResult?
        var steps = 0
        var wall: UInt64 = 0
        var mustStop = job.yields
        // Also after a restart under the same lease every reading is later than the one before.
        var sequence = max(0, session.clock.now - job.lease.predicate.grantedAt)
        while !mustStop {
            let goal = spec.steps(within: covered)
            guard goal > steps else { break }
            // A spot job stops half way once, so that there is something to hand over.
            let isHalf = steps == 0 && job.sealed.spec.terms.isPreemptible && goal > 1
            let next = isHalf ? (goal + 1) / 2 : goal
            let part: SealedJob
            do throws(ParseError) {
                part = try job.sealed.prefix(steps: Int64(next))
            } catch {
                throw .documents(error.description)
            }
            switch await stage(part, job, files, startedAt: startedAt) {
            case .done(.success(let result)):
                best = result
                steps = next
                wall += result.wallMicroseconds
                sequence += 1
                let view = try await report(job, sequence, result.workUnits, wall)
                guard view.phase == "assigned", view.attempt == UInt32(job.lease.predicate.attempt) else { return }
                covered = max(covered, view.covered ?? 0)
                mustStop = view.yields != nil
            case .done(.failure(let reason)):
                // What an earlier stage gave is worth more than nothing.
                guard best != nil else { return try await giveUp(job, reason) }
                mustStop = true
            case .stopped, .unwatched: mustStop = true
            }
            guard !Task.isCancelled else { throw .cancelled }
        }
        guard let best else {
            let reason =
                mustStop ? "asked to stop before there was a result" : "the hold covers not even the first step"
            return try await abandon(job, reason)
        }
        try await deliver(best, of: job)
    }

    /// Runs one stage while the engine is asked whether to go on.
    private func stage(
        _ part: SealedJob,
        _ job: LeasedJob,
        _ files: [String: [UInt8]],
        startedAt: Int64
    ) async -> Stage {
        await withTaskGroup(of: Stage.self) { group in
            group.addTask { .done(await run(part, job, files, startedAt: startedAt)) }
            group.addTask { await watch(job.id) }
            var stage = Stage.unwatched
            while let first = await group.next() {
                if case .unwatched = first { continue }
                stage = first
                break
            }
            group.cancelAll()
            return stage
        }
    }

    /// Returns when the engine wants the job back.
    private func watch(_ job: Digest) async -> Stage {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .milliseconds(Self.watchMilliseconds))
                let view = try await session.engine.job(id: job)
                if view.yields != nil { return .stopped }
            } catch is EngineError {
                // Whether the engine can be reached again shows at the next look.
                continue
            } catch {
                return .unwatched
            }
        }
        return .unwatched
    }

    /// Sends a meter reading.
    private func report(
        _ job: LeasedJob,
        _ sequence: Int64,
        _ workUnits: UInt64,
        _ wallMicroseconds: UInt64
    ) async throws(AgentError) -> JobView {
        let reading: [UInt8]
        do throws(DocumentError) {
            reading = try MeterReading.sign(
                MeterReading(
                    jobID: job.lease.predicate.jobID,
                    attempt: job.lease.predicate.attempt,
                    epoch: job.lease.predicate.epoch,
                    leaseDigest: job.lease.digest,
                    node: session.key.verifyingKey,
                    sequence: sequence,
                    workUnits: workUnits,
                    wallMicroseconds: wallMicroseconds,
                    at: session.clock.now
                ),
                with: session.key
            ).envelope
        } catch {
            throw .documents(error.description)
        }
        return try await session.call { engine throws(EngineError) in
            do throws(EngineError) {
                return try await engine.read(job: job.id, reading: reading)
            } catch {
                // A node that was restarted may have reported more than it has again so far.
                guard error.kind == .refused || error.kind == .conflict else { throw error }
                return try await engine.job(id: job.id)
            }
        }
    }
}
