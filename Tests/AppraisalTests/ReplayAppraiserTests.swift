// From a run's outcome to a verdict.
import Appraisal
import AssayTesting
import Codecs
import Commitments
import Receipts
import Replay
import Signatures
import Testing
import Verdicts

@Suite struct ReplayAppraiserTests {
    /// A node's statement about a run of the tiny job, and what an appraiser finds in a run of its own.
    private func appraise(
        claim: TinyRunner.Fault,
        run: TinyRunner.Fault,
        admission: KernelAdmission = .rulesAlone
    ) async throws -> (verdict: Verdict, divergence: Divergence?) {
        let factory = try BundleFactory()
        let job = factory.tiny.job
        let lease = try Lease.sign(
            Lease(
                jobID: JobID(.zero),
                attempt: 1,
                epoch: 1,
                engine: factory.engine.verifyingKey,
                node: factory.node.verifyingKey,
                orderDigest: .zero,
                pricePerMegaUnit: 1,
                stakeAmount: 1,
                grantedAt: 1,
                expiresAt: 2
            ),
            with: factory.engine
        )
        let outcome = await TinyRunner(claim).run(job.spec.replay, files: factory.tiny.files)
        guard case .completed(let claimed) = outcome else {
            throw ParseError(field: "run", expected: "a completed run", actual: "another")
        }
        let execution = try ExecutionStatement.sign(
            try ExecutionStatement(reporting: claimed, of: job, under: lease, startedAt: 1, finishedAt: 1),
            outputs: claimed.outputs,
            with: factory.node
        )
        return ReplayAppraiser.appraise(
            job: job,
            execution: execution,
            trace: claimed.trace,
            outputs: claimed.outputs,
            outcome: await TinyRunner(run, admission: admission).run(job.spec.replay, files: factory.tiny.files)
        )
    }

    @Test func equalBitsAreAccepted() async throws {
        let (verdict, divergence) = try await appraise(claim: .none, run: .none)
        #expect(verdict.outcome == .accepted)
        #expect(verdict.soundness == .exact)
        #expect(verdict.fault == .none)
        #expect(verdict.firstFailure == nil)
        #expect(verdict.assumptions.map(\.id) == ["kernel-integer", "kernel-admission"])
        #expect(verdict.cost.workUnits == 128_000)
        #expect(divergence == nil)
    }

    /// A verdict says by how much of admission the kernels went; what was left out is an assumption.
    @Test func admissionIsStated() async throws {
        let (weak, _) = try await appraise(claim: .none, run: .none)
        #expect(weak.checks.contains { $0.id == "replay.admission" && $0.actual.hasPrefix("rules passed;") })
        let complete = KernelAdmission(summary: "rules, compile, dry-run, differential passed", isComplete: true)
        let (strong, _) = try await appraise(claim: .none, run: .none, admission: complete)
        #expect(strong.checks.contains { $0.id == "replay.admission" && $0.actual == complete.summary })
        #expect(strong.assumptions.map(\.id) == ["kernel-integer"])
    }

    @Test func aFlippedOutputBitIsNamed() async throws {
        let (verdict, divergence) = try await appraise(claim: .flippedOutputBit(element: 63), run: .none)
        #expect(verdict.outcome == .rejected)
        #expect(verdict.fault == .provider)
        #expect(verdict.firstFailure?.id == "replay.trace-root")
        #expect(divergence?.step == 1)
        #expect(divergence?.element == 63)
        #expect(divergence?.claimed != divergence?.replayed)
    }

    @Test func theFirstWrongStepIsNamed() async throws {
        let (verdict, divergence) = try await appraise(claim: .flippedIntermediateBit(element: 3), run: .none)
        #expect(verdict.outcome == .rejected)
        #expect(divergence?.step == 0)
        #expect(divergence?.kernel == "square")
        #expect(divergence?.slot == "h")
    }

    @Test func aCrashDecidesNothing() async throws {
        let (verdict, divergence) = try await appraise(claim: .none, run: .crashes)
        #expect(verdict.outcome == .inconclusive)
        #expect(verdict.fault == .environment)
        #expect(verdict.soundness == .none)
        #expect(divergence == nil)
    }

    @Test func refusedKernelsAreTheRequestersFault() async throws {
        let (verdict, _) = try await appraise(claim: .flippedOutputBit(element: 0), run: .refuses)
        #expect(verdict.outcome == .requesterFault)
        #expect(verdict.fault == .requester)
        #expect(verdict.firstFailure?.id == "replay.admission")
    }
}
