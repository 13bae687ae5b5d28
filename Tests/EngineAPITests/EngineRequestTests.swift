// Signed requests: what is written is read back, and every flipped field is noticed.
import Codecs
import Commitments
import EngineAPI
import Receipts
import Signatures
import Testing

struct EngineRequestTests {
    static let engine = try? SigningKey(seed: [UInt8](repeating: 1, count: 32)).verifyingKey
    static let signer = try? SigningKey(seed: [UInt8](repeating: 7, count: 32))

    static func actions() throws -> [EngineRequest.Action] {
        let account = try AccountName(text: "00112233445566778899aabbccddeeff")
        return [
            .open, .poll,
            .credit(account: account, amount: 1),
            .credit(account: account, amount: UInt64(Int64.max)),
            .withdraw(account: account, amount: 500),
            .register(deviceType: "gpu", memoryBytes: 1 << 34, askPerMegaUnit: 0),
            .abandon(job: JobID(.zero), attempt: 5, reason: "no device"),
        ]
    }

    @Test func everyActionIsReadBack() throws {
        let engine = try #require(Self.engine)
        let signer = try #require(Self.signer)
        for action in try Self.actions() {
            let signed = try EngineRequest.sign(action, engine: engine, at: 1_700_000_000, with: signer)
            let read = try Signed<EngineRequest>(verifying: signed.envelope)
            #expect(read.predicate.action == action)
            #expect(read.predicate == signed.predicate)
            #expect(read.signer == signer.verifyingKey)
            #expect(read.predicate.id.count == 16)
        }
    }

    @Test func aGivenIdIsKeptAndOthersDiffer() throws {
        let engine = try #require(Self.engine)
        let signer = try #require(Self.signer)
        let id = [UInt8](0..<16)
        let first = try EngineRequest.sign(.open, engine: engine, at: 5, id: id, with: signer)
        let again = try EngineRequest.sign(.open, engine: engine, at: 5, id: id, with: signer)
        let other = try EngineRequest.sign(.open, engine: engine, at: 5, with: signer)
        #expect(first.predicate.id == id)
        #expect(first.envelope == again.envelope)
        #expect(other.predicate.id != id)
    }

    @Test func timeIsBoundedOnBothSides() throws {
        let engine = try #require(Self.engine)
        let signer = try #require(Self.signer)
        let request = EngineRequest(engine: engine, id: [], at: 1000, signer: signer.verifyingKey, action: .poll)
        #expect(request.isTimely(at: 700))
        #expect(request.isTimely(at: 1300))
        #expect(!request.isTimely(at: 699))
        #expect(!request.isTimely(at: 1301))
    }

    @Test(arguments: [
        ("amount", JSONValue.string("0")), ("amount", .string("9223372036854775808")), ("amount", .integer(5)),
        ("amount", .string("05")), ("account", .string("00")), ("id", .string("ab")), ("at", .string("5")),
        ("at", .integer(-1)), ("action", .string("steal")), ("engine", .string("ed25519:00")), ("extra", .bool(true)),
    ])
    func aWrongMemberIsNamed(name: String, value: JSONValue) throws {
        let engine = try #require(Self.engine)
        let signer = try #require(Self.signer)
        let account = try AccountName(text: "00112233445566778899aabbccddeeff")
        let request = EngineRequest(
            engine: engine,
            id: [UInt8](repeating: 9, count: 16),
            at: 5,
            signer: signer.verifyingKey,
            action: .credit(account: account, amount: 5)
        )
        guard case .object(var object) = request.json else { return #expect(Bool(false)) }
        #expect(try EngineRequest(.object(object), "predicate") == request)
        object[name] = value
        do {
            _ = try EngineRequest(.object(object), "predicate")
            Issue.record("\(name) = \(value) was accepted")
        } catch {
            // An unknown action makes its own members unknown; the action itself is named first.
            #expect(error.field == "predicate.\(name)")
        }
    }

    @Test func membersOfAnotherActionAreRefused() throws {
        let engine = try #require(Self.engine)
        let signer = try #require(Self.signer)
        let request = EngineRequest(
            engine: engine,
            id: [UInt8](repeating: 9, count: 16),
            at: 5,
            signer: signer.verifyingKey,
            action: .poll
        )
        guard case .object(var object) = request.json else { return #expect(Bool(false)) }
        object["amount"] = .string("5")
        #expect(throws: ParseError.self) { try EngineRequest(.object(object), "predicate") }
    }
}
