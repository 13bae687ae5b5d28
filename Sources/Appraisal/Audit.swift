// The offline audit of a bundle. It reads one byte string and one trust file and knows nothing else: no network, no clock, no
// database, no file system.
internal import Attestation
public import Codecs
internal import Commitments
public import Receipts
public import Replay
internal import Signatures
internal import TransparencyLog
internal import Verdicts

/// Re-checks everything that a bundle says.
public enum Audit {
    /// Audits a bundle.
    ///
    /// A document that does not hold ends up as a failed check; only bytes that have no bundle's form throw.
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - trust: whom to believe. A copy in the bundle would be worth nothing, so none is looked for.
    ///   - deep: replays the job again with this runner; `nil` leaves that to the validators whose verdicts are checked.
    ///   - time: the time of the audit in seconds since 1970; `nil` leaves out the checks that need one.
    /// - Throws: `ParseError` when the file or a document in it is malformed.
    public static func run(
        bundle bytes: [UInt8],
        trust: TrustFile,
        deep: (any Runner)? = nil,
        time: Int64? = nil
    ) async throws(ParseError) -> AuditReport {
        let bundle: Bundle
        do throws(BundleError) {
            bundle = try Bundle(parsing: bytes)
        } catch {
            switch error {
            case .malformed(let error): throw error
            case .corrupt(let block): return corrupt(bytes, block, time)
            }
        }
        let file = try BundleFile(bundle)
        let anchors = try trust.attestation.map { (value) throws(ParseError) in
            try TrustAnchors(value, "attestation")
        }
        let policy = try trust.log.map { (lines) throws(ParseError) in try LogPolicy(lines: lines) }
        let proof = try bundle.logProof.map { (bytes) throws(ParseError) in try LogProof(parsing: bytes) }
        var auditor = Auditor(bundle: bundle, file: file, trust: trust, anchors: anchors, time: time)
        auditor.checkBundle()
        auditor.checkReceiptDeclarations()
        auditor.checkOrder()
        auditor.checkLease()
        auditor.checkTopUps()
        auditor.checkReading()
        auditor.checkExecution()
        auditor.checkRunDeclarations()
        auditor.checkCommitment()
        auditor.checkVerdicts()
        auditor.checkSettlement()
        auditor.checkLog(proof, policy)
        if let deep, await auditor.replay(with: deep) == .undecided { auditor.isUndecided = true }
        return auditor.report(bytes)
    }

    private static func corrupt(_ bytes: [UInt8], _ block: CID, _ time: Int64?) -> AuditReport {
        let digest = SHA256.hash(bytes)
        let check = Check(
            id: "bundle.blocks",
            result: .fail,
            expected: "every block hashes to its name",
            actual: "block \(block) does not",
            source: "CARv1"
        )
        return AuditReport(
            conclusion: .refuted,
            verdict: Verdict(
                kind: Auditor.kind,
                outcome: .rejected,
                soundness: .none,
                assumptions: [],
                checks: [check],
                subject: digest.text
            ),
            summary: nil,
            bundleDigest: digest,
            time: time
        )
    }
}

/// The documents of a bundle, each well formed and none believed.
struct BundleFile {
    let receipt: UnverifiedDocument<Receipt>
    let order: UnverifiedDocument<Order>
    let job: SealedJob
    let ruleset: Ruleset
    let lease: UnverifiedDocument<Lease>?
    let execution: UnverifiedDocument<ExecutionStatement>?
    let trace: Trace?
    let topUps: [UnverifiedDocument<TopUp>]
    let reading: UnverifiedDocument<MeterReading>?
    let commitment: UnverifiedDocument<CommitmentStatement>?
    let verdicts: [UnverifiedDocument<VerdictStatement>]

    init(_ bundle: Bundle) throws(ParseError) {
        receipt = try Self.document(BundleMember.receipt, bundle)
        order = try Self.document(BundleMember.order, bundle)
        job = try Self.read(BundleMember.spec, bundle) { (bytes) throws(ParseError) in try SealedJob(parsing: bytes) }
        ruleset = try Self.read(BundleMember.ruleset, bundle) { (bytes) throws(ParseError) in
            try Ruleset(parsing: bytes)
        }
        let statement = receipt.predicate
        lease = statement.leaseDigest == nil ? nil : try Self.document(BundleMember.lease, bundle)
        if statement.executionDigest == nil {
            execution = nil
            trace = nil
        } else {
            execution = try Self.document(BundleMember.execution, bundle)
            trace = try Self.read(BundleMember.trace, bundle) { (bytes) throws(ParseError) in
                // As large as an engine takes them.
                try Trace(try JSONValue(parsing: bytes, limits: JSONLimits(bytes: 16 << 20, values: 2_000_000)))
            }
        }
        var topUps: [UnverifiedDocument<TopUp>] = []
        for index in statement.topUpDigests.indices {
            topUps.append(try Self.document(BundleMember.topUp(index + 1), bundle))
        }
        self.topUps = topUps
        reading = statement.readingDigest == nil ? nil : try Self.document(BundleMember.reading, bundle)
        let isCommitted = execution != nil && bundle.members[BundleMember.commitment] != nil
        commitment = isCommitted ? try Self.document(BundleMember.commitment, bundle) : nil
        var verdicts: [UnverifiedDocument<VerdictStatement>] = []
        for index in statement.verdictDigests.indices {
            verdicts.append(try Self.document(BundleMember.verdict(index), bundle))
        }
        self.verdicts = verdicts
    }

    private static func document<Predicate>(
        _ name: String,
        _ bundle: Bundle
    ) throws(ParseError) -> UnverifiedDocument<Predicate> {
        try read(name, bundle) { (bytes) throws(ParseError) in try UnverifiedDocument(parsing: bytes) }
    }

    private static func read<Value>(
        _ name: String,
        _ bundle: Bundle,
        _ parse: ([UInt8]) throws(ParseError) -> Value
    ) throws(ParseError) -> Value {
        let bytes = try bundle.member(name)
        do throws(ParseError) {
            return try parse(bytes)
        } catch {
            throw error.within(name)
        }
    }
}
