// Views and work items survive their JSON form; problems keep every part of an error.
import Codecs
import Commitments
import EngineAPI
import Signatures
import Testing

struct ViewTests {
    let key: VerifyingKey
    let digest = SHA256.hash([1, 2, 3])

    init() throws {
        key = try SigningKey(seed: [UInt8](repeating: 4, count: 32)).verifyingKey
    }

    @Test func viewsAreReadBack() throws {
        let account = AccountView(
            id: "00112233445566778899aabbccddeeff",
            kind: "issuer",
            currency: "TEST",
            owner: key,
            available: -5,
            held: 0,
            balance: Int64.min
        )
        #expect(try AccountView(account.json) == account)
        var job = JobView(
            id: digest,
            name: "digits",
            phase: "funded",
            attempt: 0,
            held: 1,
            deadline: 9,
            reason: "waits",
            missing: [.raw([1]), .raw([2])]
        )
        #expect(try JobView(job.json) == job)
        job.missing = []
        job.phase = "final"
        job.outcome = "rejected"
        job.paid = 0
        job.refunded = 1
        #expect(try JobView(job.json) == job)
        #expect(job.isFinal)
        for digest in [digest, nil] {
            let node = NodeView(
                key: key,
                deviceType: "cpu",
                memoryBytes: .max,
                askPerMegaUnit: 0,
                isOnline: digest == nil,
                job: digest
            )
            #expect(try NodeView(node.json) == node)
        }
    }

    @Test func workIsReadBack() throws {
        let lease = LeasedWork(job: digest, lease: [1], order: [], spec: [0xff, 0])
        #expect(try LeasedWork(lease.json) == lease)
        let work = VerificationWork(job: digest, lease: [1], order: [2], spec: [3], execution: [4], trace: [5])
        #expect(try VerificationWork(work.json) == work)
    }

    @Test func unknownMembersAreRefused() throws {
        guard case .object(var object) = LeasedWork(job: digest, lease: [], order: [], spec: []).json else { return }
        object["extra"] = .null
        #expect(throws: ParseError.self) { try LeasedWork(.object(object)) }
    }

    @Test(arguments: EngineError.Kind.allCases)
    func problemsAreReadBack(kind: EngineError.Kind) throws {
        let full = EngineError(kind, "some.id", "a sentence", field: "f", expected: "e", actual: "a")
        #expect(try EngineError(full.json) == full)
        let bare = EngineError(kind, "some.id", "a sentence")
        #expect(try EngineError(bare.json) == bare)
        #expect((400..<600).contains(full.status))
    }

    @Test func everyKindHasItsOwnStatus() {
        #expect(Set(EngineError.Kind.allCases.map { EngineError($0, "", "").status }).count == EngineError.Kind.allCases.count)
    }
}
