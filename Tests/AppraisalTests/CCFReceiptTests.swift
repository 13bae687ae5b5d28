// Receipts of services on CCF: made here and bent in every byte, and a published one of a real service.
import Appraisal
import AssayTesting
import Attestation
import Codecs
import Commitments
import Foundation
import Signatures
import Testing
import TransparencyLog
import Verdicts

/// A statement that a service of this test has registered.
private struct Registered {
    let service = TestKey(.p384)
    let parts: [CBORValue] = [
        .bytes(CBORValue.labelled([1: .integer(-7)]).encoded()), .bytes(Array("a statement".utf8)),
        .bytes([UInt8](repeating: 5, count: 64)),
    ]
    var claims: Digest { SHA256.hash(Self.tagged([parts[0], .labelled([:]), parts[1], parts[2]])) }

    static func tagged(_ parts: [CBORValue]) -> [UInt8] { CBORValue.tagged(COSESign1.tag, .array(parts)).encoded() }

    /// A receipt of the statement with these claims, with everything in it as a liar may want it.
    func receipt(
        claims: Digest? = nil,
        structure: Int64 = 2,
        path: [(Bool, Digest)] = [(true, .zero), (false, SHA256.hash([1])), (true, SHA256.hash([2]))],
        edit: (inout [(Bool, Digest)]) -> Void = { _ in }
    ) -> [UInt8] {
        let evidence = "ce:2.7:ab"
        let transaction = SHA256.hash([9])
        let leaf = transaction.bytes + SHA256.hash(Array(evidence.utf8)).bytes + (claims ?? self.claims).bytes
        var root = SHA256.hash(leaf)
        for (isLeft, hash) in path { root = SHA256.hash(isLeft ? hash.bytes + root.bytes : root.bytes + hash.bytes) }
        let protected = CBORValue.labelled([
            1: .integer(-35), 15: .labelled([1: .text("service.example")]), 395: .integer(structure),
        ]).encoded()
        let signature = service.sign(COSESign1.signedBytes(protected: protected[...], payload: root.bytes[...]))
        var shown = path
        edit(&shown)
        let proof = CBORValue.labelled([
            1: .array([.bytes(transaction.bytes), .text(evidence), .bytes((claims ?? self.claims).bytes)]),
            2: .array(shown.map { .array([.bool($0.0), .bytes($0.1.bytes)]) }),
        ]).encoded()
        let unprotected = CBORValue.labelled([396: .labelled([-1: .array([.bytes(proof)])])])
        return Self.tagged([.bytes(protected), unprotected, .null, .bytes(signature)])
    }

    func statement(_ receipts: [UInt8]...) throws -> TransparentStatement {
        let list = CBORValue.labelled([394: .array(receipts.map { .bytes($0) })])
        return try TransparentStatement(parsing: Self.tagged([parts[0], list, parts[1], parts[2]]))
    }

    func results(_ receipts: [UInt8]..., by keys: [PublicKey]? = nil) throws -> [Check.Result] {
        let list = CBORValue.labelled([394: .array(receipts.map { .bytes($0) })])
        let statement = try TransparentStatement(parsing: Self.tagged([parts[0], list, parts[1], parts[2]]))
        return LogAppraiser.checks(statement, services: keys ?? [service.publicKey]).map(\.result)
    }
}

@Suite struct CCFReceiptTests {
    @Test func aReceiptShowsThatItsStatementIsRegistered() throws {
        let case1 = Registered()
        #expect(try case1.statement(case1.receipt()).claims == case1.claims)
        #expect(try case1.results(case1.receipt()) == [.pass])
        #expect(try case1.results(case1.receipt(path: [])) == [.pass])
        #expect(try case1.results(case1.receipt(), case1.receipt(claims: .zero)) == [.pass, .fail])
        #expect(try case1.results(case1.receipt(), by: []) == [.fail])
        #expect(try case1.results(case1.receipt(), by: [TestKey(.p384).publicKey]) == [.fail])
        // RFC 9162's tree is read by COSEReceipt alone: nothing follows from it here.
        #expect(try case1.results(case1.receipt(structure: 1)) == [.skip])
    }

    @Test func noOtherPathLeadsToTheRoot() throws {
        let case1 = Registered()
        for place in 0..<3 {
            #expect(try case1.results(case1.receipt { $0.remove(at: place) }) == [.fail])
            #expect(try case1.results(case1.receipt { $0[place].0.toggle() }) == [.fail])
            #expect(try case1.results(case1.receipt { $0[place].1 = SHA256.hash([77]) }) == [.fail])
            #expect(try case1.results(case1.receipt { $0.swapAt(place, (place + 1) % 3) }) == [.fail])
            #expect(try case1.results(case1.receipt { $0.insert($0[place], at: place) }) == [.fail])
        }
    }

    @Test func noByteOfAReceiptCanBeAnother() throws {
        let case1 = Registered()
        let receipt = case1.receipt()
        for offset in receipt.indices {
            for bit in [0, 3, 7] as [UInt8] {
                var bent = receipt
                bent[offset] ^= 1 << bit
                #expect(try case1.results(bent) != [.pass], "byte \(offset), bit \(bit)")
            }
            #expect(try case1.results(Array(receipt.prefix(offset)) + [0]) != [.pass], "cut at \(offset)")
        }
        #expect(try case1.results(receipt + [0]) != [.pass])
    }

    private static let shared = "vectors/commitments/cose/scitt/"

    @Test(.enabled(if: SharedVectors.has("vectors/commitments/cose/scitt", for: "CCFReceiptTests")))
    func aRealServicesReceiptHoldsForItsStatementAlone() throws {
        var bytes = try SharedVectors.bytes(Self.shared + "uvm_0.2.10.cose")
        let list = try JSONValue(parsing: try SharedVectors.bytes(Self.shared + "esrp-cts-db.json"))
        var document = try JSONReader(list)
        let keys = try document.array("parameters", max: 64) { (value, path) throws(ParseError) in
            var entry = try JSONReader(value, path)
            return try Certificate(der: try Base64.decode(try entry.string("serviceCertificate"))).publicKey
        }
        func checks() throws -> [Check] {
            LogAppraiser.checks(try TransparentStatement(parsing: bytes), services: keys)
        }
        #expect(try checks().map(\.result) == [.pass])
        // One byte of the statement's payload.
        bytes[bytes.count - 500] ^= 1
        #expect(try checks().map(\.result) == [.fail])
    }
}
