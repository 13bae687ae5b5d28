// Order, lease and execution statement: signatures and every reference from one document to another.
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay
internal import Signatures
internal import Verdicts

extension Auditor {
    /// The order, and the job's name that follows from it.
    mutating func checkOrder() {
        let order = file.order.predicate
        signature("order", of: file.order)
        subject("order", "spec", file.job.digest, of: file.order.subjects)
        // The nonce has 32 bytes: the reader has seen to it.
        let jobID = try? JobID(requester: order.requester, nonce: order.nonce, spec: file.job.bytes)
        equal("job.id", jobID.map(\.text) ?? "", order.jobID.text)
        equal("order.engine", receipt.engine, order.engine)
        equal(
            "order.account",
            AccountName(currency: file.job.spec.price.currency, purpose: .payer, owner: order.requester),
            order.account
        )
        equal("receipt.order", file.order.digest, receipt.orderDigest)
        equal("receipt.job-id", order.jobID, receipt.jobID)
        equal("receipt.requester", order.requester, receipt.requester)
        equal("receipt.account", order.account, receipt.account)
    }

    /// The lease that decided, and the list of attempts that ends with it.
    mutating func checkLease() {
        let numbers = receipt.attempts.map(\.attempt)
        that(
            "receipt.attempts",
            zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }
                && numbers.allSatisfy { $0 <= file.job.spec.attempts },
            expected: "attempts in order, at most \(file.job.spec.attempts)",
            actual: numbers.map(String.init).joined(separator: ",")
        )
        guard let document = file.lease else {
            that(
                "receipt.evidence",
                receipt.outcome != .accepted && receipt.outcome != .rejected && receipt.executionDigest == nil,
                expected: "a lease and an execution statement behind \(receipt.outcome.rawValue)",
                actual: "no lease"
            )
            return
        }
        let lease = document.predicate
        signature("lease", of: document)
        subject("lease", "order", file.order.digest, of: document.subjects)
        equal("receipt.lease", document.digest, receipt.leaseDigest ?? .zero)
        equal("lease.engine", receipt.engine, lease.engine)
        equal("lease.job-id", receipt.jobID, lease.jobID)
        equal("lease.order", file.order.digest, lease.orderDigest)
        equal("lease.attempt", receipt.attempt, lease.attempt)
        let last = receipt.attempts.last
        equal(
            "receipt.last-attempt",
            "\(lease.attempt) by \(lease.node)",
            last.map { "\($0.attempt) by \($0.node)" } ?? "none"
        )
        that(
            "lease.price",
            lease.pricePerMegaUnit <= file.job.spec.price.maxPerMegaUnit,
            expected: "at most \(file.job.spec.price.maxPerMegaUnit) per 10^6 work units",
            actual: "\(lease.pricePerMegaUnit)"
        )
        equal("lease.stake", file.ruleset.stake(forHold: file.job.spec.holdAmount), lease.stakeAmount)
        that(
            "lease.time",
            lease.grantedAt <= receipt.settledAt,
            expected: "granted not after the settlement at \(receipt.settledAt)",
            actual: "\(lease.grantedAt)"
        )
    }

    /// The execution statement, and the claim in it.
    mutating func checkExecution() {
        guard let document = file.execution, let lease = file.lease else {
            if file.lease != nil || file.execution != nil {
                that(
                    "receipt.evidence",
                    receipt.outcome != .accepted && receipt.outcome != .rejected && file.execution == nil,
                    expected: "a lease and an execution statement behind \(receipt.outcome.rawValue)",
                    actual: file.execution == nil ? "no execution statement" : "no lease"
                )
            }
            return
        }
        let statement = document.predicate
        signature("execution", of: document)
        equal("receipt.execution", document.digest, receipt.executionDigest ?? .zero)
        equal("execution.job-id", receipt.jobID, statement.jobID)
        equal("execution.attempt", lease.predicate.attempt, statement.attempt)
        equal("execution.epoch", lease.predicate.epoch, statement.epoch)
        equal("execution.lease", lease.digest, statement.leaseDigest)
        equal("execution.node", lease.predicate.node, statement.node)
        guard let claim else { return }
        checks += claim.checks().map(weighed)
    }

    /// The provider's claim with the outputs that the bundle holds.
    var claim: ExecutionClaim? {
        guard let document = file.execution, let trace = file.trace else { return nil }
        var outputs: [String: [UInt8]] = [:]
        for output in document.predicate.outputs {
            outputs[output.slot] = bundle.members[BundleMember.output(output.slot)]
        }
        var files: [String: [UInt8]] = [:]
        for file in file.job.spec.evidence.files {
            files[file.path] = bundle.members[BundleMember.input(file.path)]
        }
        var evidence: [String: [UInt8]] = [:]
        for part in document.predicate.evidence {
            evidence[part.path] = bundle.members[BundleMember.evidence(part)]
        }
        // A statement about fewer steps than the terms allow is held against the whole job, and fails there.
        return ExecutionClaim(
            job: (try? file.job.prefix(steps: document.predicate.steps)) ?? file.job,
            statement: document.predicate,
            subjects: document.subjects,
            trace: trace,
            outputs: outputs,
            files: files,
            evidence: evidence,
            commitment: file.commitment?.predicate
        )
    }

    /// The engine's note of the moment at which the provider bound itself, and the seed that it opened.
    mutating func checkCommitment() {
        let isDrawn = file.job.spec.evidence.replay?.draw != nil && file.execution != nil
        guard isDrawn || file.commitment != nil else { return }
        that(
            "commitment.present",
            isDrawn == (file.commitment != nil),
            expected: isDrawn ? "a commitment statement" : "none, because nothing is drawn",
            actual: file.commitment == nil ? "none" : "one"
        )
        guard let document = file.commitment, let execution = file.execution, let lease = file.lease else { return }
        let statement = document.predicate
        signature("commitment", of: document)
        subject("commitment", "execution", execution.digest, of: document.subjects)
        equal("commitment.engine", receipt.engine, statement.engine)
        equal("commitment.job-id", receipt.jobID, statement.jobID)
        equal("commitment.attempt", lease.predicate.attempt, statement.attempt)
        equal("commitment.execution", execution.digest, statement.executionDigest)
        // The engine was bound to the seed before the provider began.
        equal(
            "commitment.seed",
            lease.predicate.beacon?.hex ?? "none in the lease",
            CommitmentStatement.digest(ofSeed: statement.seed).hex
        )
        that(
            "commitment.time",
            (lease.predicate.grantedAt...max(lease.predicate.grantedAt, receipt.settledAt)).contains(
                statement.committedAt
            ),
            expected: "between the lease at \(lease.predicate.grantedAt) and the settlement at \(receipt.settledAt)",
            actual: "\(statement.committedAt)"
        )
    }

    /// A claim that does not hold refutes a receipt that pays for it. A receipt that rejects the claim is true all the same:
    /// that the provider's own documents disagree is then a reason, not a contradiction.
    func weighed(_ check: Check) -> Check {
        guard check.result == .fail, receipt.outcome != .accepted else { return check }
        var copy = check
        copy.result = .skip
        copy.actual = "does not hold, and was not accepted: " + check.actual
        return copy
    }
}
