// Every document type: what is written is read back, and every damaged member is refused by name.
import AssayTesting
import Codecs
import Commitments
import Receipts
import Replay
import Signatures
import Testing
import Verdicts

@Suite struct DocumentTests {
    /// The document of this name in a truthful bundle.
    private func document<Predicate: DocumentPredicate>(
        _ name: String,
        _ ending: BundleFactory.Ending,
        _ type: Predicate.Type = Predicate.self
    ) async throws -> UnverifiedDocument<Predicate> {
        let bundle = try Bundle(parsing: try await BundleFactory().bundle(ending))
        return try UnverifiedDocument(parsing: try bundle.member(name))
    }

    /// Reads every mutation of a predicate; those of the shapes in `optional` may be missing.
    private func check<Predicate: DocumentPredicate>(
        _ predicate: Predicate,
        optional: Set<String> = [],
        nullable: Set<String> = []
    ) throws {
        #expect(try Predicate(predicate.json, "") == predicate)
        #expect(try Predicate(try JSONValue(parsing: predicate.json.serialized()), "") == predicate)
        let mutations = JSONMutation.all(of: predicate.json)
        #expect(mutations.count > 10)
        for mutation in mutations {
            if mutation.kind == .removed && optional.contains(mutation.shape) { continue }
            if mutation.kind == .nulled && nullable.contains(mutation.shape) { continue }
            do throws(ParseError) {
                _ = try Predicate(mutation.document, "")
                Issue.record("\(Predicate.self) accepts \(mutation)")
            } catch {
                #expect(error.field == mutation.path, "\(mutation): \(error)")
                if mutation.kind == .unknown { #expect(error.actual.contains(JSONMutation.unknownName)) }
            }
        }
        for wrong: JSONValue in [.null, .bool(true), .integer(1), .string("x"), .array([])] {
            #expect(throws: ParseError.self) { try Predicate(wrong, "") }
        }
    }

    @Test func order() async throws {
        try check(try await document(BundleMember.order, .accepted, Order.self).predicate)
    }

    @Test func lease() async throws {
        let lease = try await document(BundleMember.lease, .accepted, Lease.self).predicate
        try check(lease)
        var backwards = lease
        backwards.expiresAt = lease.grantedAt
        #expect(throws: ParseError.self) { try Lease(backwards.json, "") }
        for attempt: Int64 in [0, 6, -1] {
            var other = lease
            other.attempt = attempt
            #expect(throws: ParseError.self) { try Lease(other.json, "") }
        }
    }

    @Test func execution() async throws {
        let execution = try await document(BundleMember.execution, .accepted, ExecutionStatement.self).predicate
        try check(
            execution,
            optional: [
                "traceStride", "exit", "log", "software", "declared", "declared.licence", "declared.operator",
                "meter.processorMicroseconds", "meter.peakMemoryBytes",
            ]
        )
        var backwards = execution
        backwards.finishedAt = execution.startedAt - 1
        #expect(throws: ParseError.self) { try ExecutionStatement(backwards.json, "") }
    }

    @Test(arguments: [BundleFactory.Ending.accepted, .rejected, .requesterFault, .inconclusive])
    func verdict(_ ending: BundleFactory.Ending) async throws {
        let verdict = try await document(BundleMember.verdict(0), ending, VerdictStatement.self).predicate
        try check(
            verdict,
            optional: [
                "replayed", "divergence", "device", "sandbox", "software", "divergence.kernel", "divergence.slot",
                "divergence.tile", "divergence.element", "divergence.claimed", "divergence.replayed",
                "verdict.checks[].expected", "verdict.checks[].actual", "verdict.checks[].source",
            ],
            nullable: ["verdict.soundness.millibits"]
        )
    }

    @Test(arguments: BundleFactory.Ending.allCases)
    func receipt(_ ending: BundleFactory.Ending) async throws {
        let receipt = try await document(BundleMember.receipt, ending, Receipt.self).predicate
        try check(
            receipt,
            optional: [
                "leaseDigest", "executionDigest", "settlement.pricePerMegaUnit", "settlement.stake", "settlement.bond",
                "settlement.penalties", "topUpDigests", "readingDigest", "disputeEndsAt", "network", "software",
            ]
        )
    }

    @Test func whatIsDeclaredIsBounded() throws {
        for text in ["", " ", "a b", "ä", "tab\t", String(repeating: "x", count: 129)] {
            #expect(throws: ParseError.self) { try NodeDeclaration(licence: text) }
            #expect(throws: ParseError.self) { try NodeDeclaration(operatorReference: text) }
        }
        #expect(throws: ParseError.self) { try NodeDeclaration() }
        #expect(try NodeDeclaration(licence: String(repeating: "x", count: 128)).operatorReference == nil)
    }

    @Test func aLogIsCleanedAndCutAndSaysSo() throws {
        let plain = RunLog(Array("one line\n".utf8))
        #expect(!plain.reference.isTruncated && !plain.reference.isRedacted)
        #expect(plain.reference.file == ArtefactIdentity(of: Array("one line\n".utf8)))
        let paths = RunLog(Array("in /srv/node/files/x and /srv/node\n".utf8), hiding: ["/srv/node"])
        #expect(String(decoding: paths.bytes, as: UTF8.self) == "in [...]/files/x and [...]\n")
        #expect(paths.reference.isRedacted && !paths.reference.isTruncated)
        let odd = RunLog([0x41, 0x00, 0x1b, 0xff, 0x0a])
        #expect(odd.bytes == Array("A???\n".utf8) && odd.reference.isRedacted)
        let long = RunLog([UInt8](repeating: 0x41, count: RunLog.maxBytes + 1))
        #expect(long.bytes.count == RunLog.maxBytes && long.reference.isTruncated && !long.reference.isRedacted)
        #expect(RunLog(Array("x".utf8), isTruncated: true).reference.isTruncated)
        for log in [plain, paths, odd, long] { #expect(RunLog.isWellFormed(log.bytes)) }
        #expect(!RunLog.isWellFormed([0x07]))
        #expect(!RunLog.isWellFormed([UInt8](repeating: 0x41, count: RunLog.maxBytes + 1)))
    }

    @Test func aRulesetCanBoundDisputes() throws {
        let plain = Ruleset.default
        #expect(plain.disputeEnd(settledAt: 5) == nil)
        guard case .object(var object) = try JSONValue(parsing: plain.bytes) else {
            Issue.record("a ruleset is an object")
            return
        }
        object["disputeSeconds"] = .integer(86_400)
        let bounded = try Ruleset(parsing: JSONValue.object(object).serialized())
        #expect(bounded.disputeEnd(settledAt: 5) == 86_405)
        for seconds: Int64 in [-1, Ruleset.maxDisputeSeconds + 1] {
            object["disputeSeconds"] = .integer(seconds)
            #expect(throws: ParseError.self) { try Ruleset(parsing: JSONValue.object(object).serialized()) }
        }
    }

    @Test func amountsAreDecimalStringsBelowTwoToThe63() async throws {
        let receipt = try await document(BundleMember.receipt, .accepted, Receipt.self).predicate
        for text in ["9223372036854775808", "01", "+1", "-1", "1.0", "1e3", "", " 1", "1 "] {
            guard case .object(var object) = receipt.json, case .object(var settlement)? = object["settlement"] else {
                Issue.record("a receipt is an object")
                return
            }
            settlement["held"] = .string(text)
            object["settlement"] = .object(settlement)
            let error = #expect(throws: ParseError.self) { try Receipt(.object(object), "") }
            #expect(error?.field == "settlement.held")
        }
    }
}
