// Whether a job is replayed: decided by a beacon after the provider is bound to its result, and decided again by every auditor
// from the same bytes.
public import Codecs
public import Commitments
internal import Proofs
public import Receipts
public import Verdicts

/// The beacon of one execution of a job whose replay is drawn.
public struct BeaconDraw: Sendable {
    /// How far the engine's clock may be behind the network's without a round that is already known being drawn, in seconds.
    public static let marginSeconds: UInt64 = 5
    /// How long after its due time a round is waited for, in seconds.
    public static let graceSeconds: Int64 = 30

    /// The chance and the beacon.
    public let rule: DrawRule
    private let chain: DrandChain?
    private let commitment: CommitmentStatement

    /// Reads the network that the rule names.
    /// - Throws: `ParseError` for a description that is malformed or does not hash to what it states: the requester's fault.
    public init(_ rule: DrawRule, commitment: CommitmentStatement) throws(ParseError) {
        self.rule = rule
        self.commitment = commitment
        chain = try Self.chain(rule)
    }

    static func chain(_ rule: DrawRule) throws(ParseError) -> DrandChain? {
        guard let network = rule.network else { return nil }
        do throws(ParseError) {
            return try DrandChain(json: network.serialized())
        } catch {
            throw error.within("beacon.drand")
        }
    }

    /// The hash of the network, by which its nodes are asked.
    public var network: Digest? { chain?.hash }

    /// The round that decides: the first that is due more than `marginSeconds` after the commitment. It follows from the
    /// commitment's time alone, so nobody chooses it.
    public var round: UInt64? {
        chain.map { $0.round(at: UInt64(max(0, commitment.committedAt)) + Self.marginSeconds) + 1 }
    }

    /// When that round is due, in seconds since 1970.
    public var dueAt: Int64? {
        guard let chain, let round else { return nil }
        let (seconds, overflow) = (round - 1).multipliedReportingOverflow(by: UInt64(chain.periodSeconds))
        let (sum, isBeyond) = chain.genesisTime.addingReportingOverflow(seconds)
        return overflow || isBeyond ? Int64.max : Int64(clamping: sum)
    }

    /// What a record decides.
    public struct Decision: Sendable {
        /// Whether the job has to be replayed; `nil` when the record does not hold.
        public let isDrawn: Bool?
        /// What was looked at.
        public let checks: [Check]
        /// What an undrawn job's verdict rests on.
        public let assumptions: [Assumption]
    }

    /// Decides.
    public func decide(_ record: BeaconRecord) -> Decision {
        var checks: [Check] = []
        var assumptions: [Assumption] = []
        var hash = SHA256()
        hash.update("assay-draw-1\0")
        switch record {
        case .local:
            checks.append(
                .that(
                    "beacon.source",
                    rule.allowsLocal,
                    expected: rule.allowsLocal ? "a beacon that the spec allows" : "a round of drand",
                    actual: "local"
                )
            )
            hash.update("local\0")
            hash.update(commitment.seed)
            assumptions.append(
                Assumption(id: "engine-beacon", text: "the engine tells no provider the seed that it is bound to")
            )
        case .drand(let value):
            guard let chain, let round else {
                checks.append(.equal("beacon.source", expected: "local", actual: "drand"))
                break
            }
            let beacon: DrandBeacon
            do throws(ParseError) {
                beacon = try DrandBeacon(json: value.serialized())
            } catch {
                checks.append(
                    Check(id: "beacon.round", result: .fail, expected: error.expected, actual: error.actual)
                )
                break
            }
            let verdict = chain.verify(beacon, expectedRound: round)
            checks += verdict.checks.map { $0.within("beacon") }
            assumptions = verdict.assumptions
            assumptions.append(
                Assumption(
                    id: "engine-clock",
                    text: "the engine notes a commitment at the time at which it arrives"
                )
            )
            hash.update("drand\0")
            hash.update(chain.hash)
            hash.update(bigEndian: beacon.round)
            hash.update(SHA256.hash(beacon.signature))
        }
        guard !checks.contains(where: { $0.result == .fail }) else {
            return Decision(isDrawn: nil, checks: checks, assumptions: [])
        }
        hash.update(commitment.jobID.digest)
        hash.update(bigEndian: UInt64(commitment.attempt))
        hash.update(commitment.executionDigest)
        let isDrawn = Self.isDrawn(hash.finalized(), perMillion: rule.perMillion)
        let name = if case .local = record { "local" } else { "drand round \(round ?? 0)" }
        let actual = "\(isDrawn ? "drawn" : "not drawn") by \(name)"
        let expected = "a draw with a chance of \(rule.perMillion) in 1000000"
        checks.append(Check(id: "beacon.draw", result: .pass, expected: expected, actual: actual))
        return Decision(isDrawn: isDrawn, checks: checks, assumptions: assumptions)
    }

    /// Whether 64 random bits fall below the chance.
    static func isDrawn(_ digest: Digest, perMillion: Int64) -> Bool {
        let bits = digest.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int64(bits.multipliedFullWidth(by: 1_000_000).high) < perMillion
    }

    /// The bound of an undrawn job: a provider that cheats is not caught with the chance of not being drawn, 2^(−bound).
    /// Computed with integers and rounded down, so that it is the same everywhere.
    static func soundness(perMillion: Int64) -> Soundness {
        let one = UInt128(1) << 32
        var ratio = (UInt128(1_000_000) << 32) / UInt128(1_000_000 - perMillion)
        var whole: Int64 = 0
        while ratio >= 2 * one {
            ratio >>= 1
            whole += 1
        }
        var fraction: Int64 = 0
        for _ in 0..<20 {
            ratio = (ratio * ratio) >> 32
            fraction <<= 1
            if ratio >= 2 * one {
                ratio >>= 1
                fraction |= 1
            }
        }
        return Soundness(millibits: whole * 1000 + ((fraction * 1000) >> 20))
    }

    /// The part of a verdict for a job that the beacon did not draw.
    func undrawn(_ decision: Decision, _ claim: ExecutionClaim, subject: Digest) -> Verdict {
        .judged(
            kind: ReplayRequirement.kind,
            by: claim.checks() + decision.checks,
            soundness: Self.soundness(perMillion: rule.perMillion),
            assumptions: decision.assumptions,
            subject: subject.text
        )
    }
}
