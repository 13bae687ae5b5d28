// The audit of truthful bundles, of bundles with one lie, and of damaged files.
import Appraisal
import AssayTesting
import Codecs
import Commitments
import Receipts
import Replay
import Testing
import Verdicts

@Suite struct AuditTests {
    @Test(arguments: BundleFactory.Ending.allCases)
    func truthfulBundlesAreAuthentic(_ ending: BundleFactory.Ending) async throws {
        let factory = try BundleFactory()
        let bytes = try await factory.bundle(ending)
        for deep in [nil, TinyRunner(ending == .requesterFault ? .refuses : .none)] {
            let report = try await Audit.run(bundle: bytes, trust: factory.trust, deep: deep, time: 1_800_000_000)
            #expect(report.isAuthentic, "\(report.verdict.firstFailure.map { "\($0)" } ?? "")")
            #expect(report.conclusion == (ending == .accepted ? .accepted : .notAccepted))
            #expect(report.verdict.isAccepted == (ending == .accepted))
            #expect(report.summary?.receipt.outcome == report.verdict.outcome)
        }
    }

    @Test func aTrustFileCanPinTheRuleset() async throws {
        let factory = try BundleFactory()
        let bytes = try await factory.bundle(.accepted)
        func report(_ rulesets: [Digest]) async throws -> AuditReport {
            let trust = try TrustFile(
                engines: factory.trust.engines,
                validators: factory.trust.validators,
                quorum: factory.trust.quorum,
                rulesets: rulesets
            )
            return try await Audit.run(bundle: bytes, trust: trust)
        }
        let ruleset = try Ruleset(parsing: Bundle(parsing: bytes).member(BundleMember.ruleset)).digest
        #expect(try await report([.zero, ruleset]).conclusion == .accepted)
        let other = try await report([.zero])
        #expect(!other.isAuthentic)
        #expect(other.verdict.checks.filter { $0.result == .fail }.map(\.id) == ["trust.ruleset"])
    }

    @Test func aTrustFileCanDemandANetwork() async throws {
        let factory = try BundleFactory()
        let bytes = try await factory.bundle(.accepted)
        func report(_ network: String) async throws -> AuditReport {
            let trust = try TrustFile(
                engines: factory.trust.engines,
                validators: factory.trust.validators,
                quorum: factory.trust.quorum,
                network: network
            )
            #expect(try TrustFile(parsing: trust.bytes) == trust)
            return try await Audit.run(bundle: bytes, trust: trust)
        }
        #expect(try await report(BundleFactory.network).conclusion == .accepted)
        let other = try await report("other.example")
        #expect(other.verdict.checks.filter { $0.result == .fail }.map(\.id) == ["trust.network"])
    }

    @Test func rejectionNamesTheFirstWrongElement() async throws {
        let factory = try BundleFactory()
        let report = try await Audit.run(
            bundle: try await factory.bundle(.rejected),
            trust: factory.trust,
            deep: TinyRunner()
        )
        let divergence = try #require(report.summary?.divergence)
        #expect(divergence.step == 1)
        #expect(divergence.kernel == "fold")
        #expect(divergence.slot == "y")
        #expect(divergence.element == 17)
        let settlement = try #require(report.summary?.receipt.settlement)
        #expect(settlement.gross == 0)
        #expect(settlement.refunded == settlement.held)
        #expect(settlement.stake?.slashed == settlement.stake?.held)
        #expect(report.summary?.receipt.fault == .provider)
    }

    @Test(arguments: BundleLie.allCases)
    func everyLieFailsItsCheck(_ lie: BundleLie) async throws {
        let quorum = lie == .repeatedValidator ? 2 : 1
        let factory = try BundleFactory(quorum: quorum)
        let ending: BundleFactory.Ending = lie == .rejectionWithoutReason ? .rejected : .accepted
        let bytes = try await factory.bundle(ending, lie: lie)
        let report = try await Audit.run(bundle: bytes, trust: factory.trust, deep: TinyRunner())
        #expect(report.conclusion == .refuted)
        #expect(!report.isAuthentic)
        #expect(!report.verdict.isAccepted)
        let failed = report.verdict.checks.filter { $0.result == .fail }.map(\.id)
        #expect(failed.contains(lie.expectedCheck), "failed: \(failed)")
        for check in report.verdict.checks where check.result == .fail {
            #expect(!check.expected.isEmpty && !check.actual.isEmpty && check.expected != check.actual, "\(check)")
        }
    }

    @Test func onlyAReplayFindsValidatorsThatLie() async throws {
        let factory = try BundleFactory()
        let bytes = try await factory.bundle(.accepted, lie: .validatorsLieToo)
        #expect(try await Audit.run(bundle: bytes, trust: factory.trust).conclusion == .accepted)
        #expect(try await Audit.run(bundle: bytes, trust: factory.trust, deep: TinyRunner()).conclusion == .refuted)
    }

    @Test func aReplayThatCannotBeMadeDecidesNothing() async throws {
        let factory = try BundleFactory()
        let bytes = try await factory.bundle()
        let report = try await Audit.run(bundle: bytes, trust: factory.trust, deep: TinyRunner(.crashes))
        #expect(report.conclusion == .undecided)
        #expect(report.verdict.outcome == .inconclusive)
    }

    @Test func twoValidatorsReachAQuorumOfTwo() async throws {
        let factory = try BundleFactory(quorum: 2)
        let bytes = try await factory.bundle()
        #expect(try await Audit.run(bundle: bytes, trust: factory.trust).conclusion == .accepted)
    }

    @Test func aSettlementInTheFutureIsRefuted() async throws {
        let factory = try BundleFactory()
        let bytes = try await factory.bundle()
        let early = BundleFactory.settledAt - 1
        let report = try await Audit.run(bundle: bytes, trust: factory.trust, time: early)
        #expect(report.verdict.firstFailure?.id == "receipt.time")
        let exact = try await Audit.run(bundle: bytes, trust: factory.trust, time: BundleFactory.settledAt)
        #expect(exact.conclusion == .accepted)
    }

    @Test func theSameBytesGiveTheSameReport() async throws {
        let factory = try BundleFactory(seed: 7)
        let first = try await factory.bundle()
        let second = try await BundleFactory(seed: 7).bundle()
        #expect(first == second)
        let reports = [
            try await Audit.run(bundle: first, trust: factory.trust, deep: TinyRunner()),
            try await Audit.run(bundle: second, trust: factory.trust, deep: TinyRunner()),
        ]
        #expect(reports[0].json.serialized() == reports[1].json.serialized())
        let verdict = try JSONValue(parsing: reports[0].json.serialized())
        guard case .object(let object) = verdict, let inner = object["verdict"] else {
            Issue.record("the report is no object")
            return
        }
        #expect(try Verdict(inner) == reports[0].verdict)
    }
}

@Suite struct DamagedBundleTests {
    /// Audits `bytes`; `nil` when they are malformed.
    private func conclusion(_ bytes: [UInt8], _ trust: TrustFile) async -> AuditReport.Conclusion? {
        try? await Audit.run(bundle: bytes, trust: trust).conclusion
    }

    @Test(arguments: [BundleFactory.Ending.accepted, .rejected], [UInt8(0x01), 0x80])
    func noFlippedByteAuditsAsAuthentic(_ ending: BundleFactory.Ending, _ mask: UInt8) async throws {
        let factory = try BundleFactory()
        let bytes = try await factory.bundle(ending)
        var refuted = 0
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= mask
            let conclusion = await conclusion(damaged, factory.trust)
            #expect(conclusion == nil || conclusion == .refuted, "byte \(position) ^ \(mask) of \(bytes.count)")
            if conclusion == .refuted { refuted += 1 }
        }
        // Nearly every byte stands in a block, and a changed block is told from a file of another form.
        #expect(refuted > bytes.count * 8 / 10)
    }

    @Test func noTruncationAuditsAsAuthentic() async throws {
        let factory = try BundleFactory()
        let bytes = try await factory.bundle()
        for count in bytes.indices {
            let conclusion = await conclusion(Array(bytes.prefix(count)), factory.trust)
            #expect(conclusion == nil, "\(count) of \(bytes.count) bytes")
        }
    }

    @Test func trailingBytesAreRefused() async throws {
        let factory = try BundleFactory()
        let bytes = try await factory.bundle()
        for tail: [UInt8] in [[0], [1], [0xff], [0x80, 0x01], Array(bytes.prefix(100))] {
            #expect(await conclusion(bytes + tail, factory.trust) == nil)
        }
    }

    @Test func foreignFilesAreMalformed() async throws {
        let factory = try BundleFactory()
        var generator = SeededGenerator(seed: 99)
        for bytes: [UInt8] in [[], [0], Array("hello".utf8), factory.trust.bytes, generator.bytes(5000)] {
            #expect(await conclusion(bytes, factory.trust) == nil)
        }
    }
}
