// The second encoding: the same document in COSE_Sign1, with either algorithm, and every byte of it counts.
import AssayTesting
import Codecs
import Commitments
import Receipts
import Signatures
import Testing

@Suite struct COSEDocumentTests {
    private let factory: BundleFactory
    private let receipt: Signed<Receipt>

    init() async throws {
        factory = try BundleFactory()
        let bundle = try Bundle(parsing: await factory.bundle(.accepted))
        receipt = try Signed<Receipt>(verifying: bundle.member(BundleMember.receipt))
    }

    private func export() throws -> COSEDocument<Receipt> {
        try .sign(receipt.predicate, subjects: receipt.subjects, with: factory.engine)
    }

    @Test func `Both encodings say the same and have one digest`() throws {
        let document = try export()
        #expect(document.predicate == receipt.predicate && document.subjects == receipt.subjects)
        #expect(document.digest == receipt.digest)
        #expect(document.signer == factory.engine.verifyingKey)
        #expect(try COSEDocument<Receipt>(verifying: document.bytes) == document)
        #expect(document.bytes.count < receipt.envelope.count)
        // What stands in the header is what a reader of SCITT statements looks for.
        let message = try COSESign1(parsing: document.bytes[...], tag: .required, .strict)
        #expect(message.algorithm == .edDSA && message.isSigned(by: factory.engine.verifyingKey))
        #expect(message.protectedHeader[15]?[1]?.text == receipt.signer.text)
        #expect(message.protectedHeader[15]?[2]?.text == "sha256:" + receipt.subjects[0].digest.hex)
        #expect(try message.unprotectedHeader.entries(max: 0, "").isEmpty)
    }

    @Test func `Every kind of document survives the way there and back`() async throws {
        let bundle = try Bundle(parsing: await factory.bundle(.accepted))
        func check<Predicate: DocumentPredicate>(_ type: Predicate.Type, _ name: String, _ key: SigningKey) throws {
            let signed = try Signed<Predicate>(verifying: bundle.member(name))
            let other = try COSEDocument.sign(signed.predicate, subjects: signed.subjects, with: key)
            #expect(other.digest == signed.digest, "\(name)")
            #expect(other.predicate == signed.predicate, "\(name)")
        }
        try check(Order.self, BundleMember.order, factory.requester)
        try check(Lease.self, BundleMember.lease, factory.engine)
        try check(ExecutionStatement.self, BundleMember.execution, factory.node)
        try check(VerdictStatement.self, BundleMember.verdict(0), factory.validators[0])
    }

    @Test func `No flipped byte and no cut is taken`() throws {
        let bytes = try export().bytes
        for index in bytes.indices {
            var bent = bytes
            bent[index] ^= 1
            #expect(throws: DocumentError.self, "byte \(index)") { try COSEDocument<Receipt>(verifying: bent) }
        }
        for count in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: DocumentError.self) { try COSEDocument<Receipt>(verifying: Array(bytes.prefix(count))) }
        }
        #expect(throws: DocumentError.self) { try COSEDocument<Receipt>(verifying: bytes + [0]) }
        // Without its tag, and as another document.
        #expect(throws: DocumentError.self) { try COSEDocument<Receipt>(verifying: Array(bytes.dropFirst())) }
        #expect(throws: DocumentError.self) { try COSEDocument<Order>(verifying: bytes) }
    }

    @Test func `A bad signature is told from a bad form, and the author from others`() throws {
        let document = try export()
        let stranger = factory.stranger.verifyingKey
        #expect(throws: DocumentError.badSignature(expected: stranger)) {
            try COSEDocument<Receipt>(verifying: document.bytes, key: stranger)
        }
        var bent = document.bytes
        bent[bent.count - 1] ^= 1
        #expect(throws: DocumentError.badSignature(expected: document.signer)) {
            try COSEDocument<Receipt>(verifying: bent)
        }
        #expect(throws: DocumentError.foreignAuthor(expected: stranger, actual: document.signer)) {
            try COSEDocument.sign(receipt.predicate, subjects: receipt.subjects, with: factory.stranger)
        }
    }

    /// Headers that contradict the statement, correctly signed.
    @Test func `Issuer, subject and content type are the statement's`() throws {
        let document = try export()
        let message = try COSESign1(parsing: document.bytes[...])
        let payload = Array(try #require(message.payload))
        func expectMalformed(_ headers: [CBORValue.Pair], _ place: String) throws {
            let bytes = try COSESign1.sign(payload, headers: headers, with: factory.engine)
            let error = #expect(throws: DocumentError.self, "\(place)") { try COSEDocument<Receipt>(verifying: bytes) }
            guard case .malformed? = error else {
                Issue.record("\(place): \(String(describing: error))")
                return
            }
        }
        let type = CBORValue.Pair(.integer(3), .text(COSEStatement.contentType))
        func claims(_ issuer: String, _ subject: String) -> CBORValue.Pair {
            .init(.integer(15), .labelled([1: .text(issuer), 2: .text(subject)]))
        }
        let subject = "sha256:" + receipt.subjects[0].digest.hex
        try expectMalformed([type], "no claims")
        try expectMalformed([type, claims(factory.stranger.verifyingKey.text, subject)], "another issuer")
        try expectMalformed([type, claims(receipt.signer.text, "sha256:" + Digest.zero.hex)], "another subject")
        try expectMalformed([claims(receipt.signer.text, subject)], "no content type")
        let good = try COSESign1.sign(
            payload,
            headers: [type, claims(receipt.signer.text, subject)],
            with: factory.engine
        )
        #expect(try COSEDocument<Receipt>(verifying: good).digest == receipt.digest)
    }

    @Test func `ES256 signs documents in both encodings`() throws {
        let key = try SigningKey.generate(.es256)
        var predicate = receipt.predicate
        predicate.engine = key.verifyingKey
        let signed = try Receipt.sign(predicate, with: key)
        #expect(try Signed<Receipt>(verifying: signed.envelope, key: key.verifyingKey) == signed)
        let document = try COSEDocument.sign(predicate, subjects: signed.subjects, with: key)
        #expect(document.digest == signed.digest)
        #expect(try COSESign1(parsing: document.bytes[...]).algorithm == .es256)
        let expected = DocumentError.badSignature(expected: factory.engine.verifyingKey)
        #expect(throws: expected) {
            try Signed<Receipt>(verifying: signed.envelope, key: factory.engine.verifyingKey)
        }
    }

    @Test func `A threshold counts keys and not signatures`() throws {
        let keys = [factory.engine, factory.node, factory.requester]
        var envelope = try Envelope.sign([1, 2, 3], type: "text/plain", with: keys[0])
        for _ in 0..<3 { envelope = try envelope.signed(by: keys[0]) }
        let believed = keys.map(\.verifyingKey)
        #expect(envelope.signatures.count == 4)
        #expect(envelope.signers(among: believed + believed) == [believed[0]])
        envelope = try envelope.signed(by: keys[1])
        let read = try Envelope(parsing: envelope.bytes)
        #expect(read.signers(among: believed) == [believed[0], believed[1]])
        #expect(read.signers(among: [factory.stranger.verifyingKey]).isEmpty)
        #expect(read.signers(among: [VerifyingKey]()).isEmpty)
    }
}

@Suite struct ReceiptChainTests {
    private let factory: BundleFactory
    private let first: Signed<Receipt>

    init() async throws {
        factory = try BundleFactory()
        let bundle = try Bundle(parsing: await factory.bundle(.accepted))
        first = try Signed<Receipt>(verifying: bundle.member(BundleMember.receipt))
    }

    private func next(_ previous: Signed<Receipt>, change: (inout Receipt) -> Void = { _ in }) throws -> Signed<Receipt>
    {
        var predicate = previous.predicate
        predicate.previousReceipt = previous.digest
        predicate.settledAt += 1
        change(&predicate)
        return try Receipt.sign(predicate, with: factory.engine)
    }

    @Test func `Updates in order are a chain`() throws {
        let second = try next(first)
        let third = try next(second)
        #expect(try Signed<Receipt>(verifying: third.envelope).predicate.previousReceipt == second.digest)
        let chain = try ReceiptChain([first, second, third])
        #expect(chain.current == third && chain.receipts.count == 3)
        #expect(try ReceiptChain([first]).current == first)
    }

    @Test func `What is missing, foreign or out of order is told`() throws {
        let second = try next(first)
        let third = try next(second)
        #expect(throws: ReceiptChainError.empty) { try ReceiptChain([]) }
        #expect(throws: ReceiptChainError.missingFirst(first.digest)) { try ReceiptChain([second, third]) }
        let gap = ReceiptChainError.broken(place: 1, expected: first.digest, actual: second.digest)
        #expect(throws: gap) { try ReceiptChain([first, third]) }
        let twice = ReceiptChainError.broken(place: 1, expected: first.digest, actual: nil)
        #expect(throws: twice) { try ReceiptChain([first, first]) }
        let foreign = try next(first) { $0.jobID = JobID(.zero) }
        #expect(throws: ReceiptChainError.foreign(place: 1)) { try ReceiptChain([first, foreign]) }
        let early = try next(first) { $0.settledAt -= 2 }
        #expect(throws: ReceiptChainError.earlier(place: 1)) { try ReceiptChain([first, early]) }
    }

    @Test func `No update follows when the dispute window is over`() throws {
        let end = first.predicate.settledAt + 10
        let open = try Receipt.sign(
            {
                var receipt = first.predicate
                receipt.disputeEndsAt = end
                return receipt
            }(),
            with: factory.engine
        )
        let last = try next(open) { $0.settledAt = end }
        #expect(try ReceiptChain([open, last]).current == last)
        let late = try next(open) { $0.settledAt = end + 1 }
        #expect(throws: ReceiptChainError.late(place: 1, end: end)) { try ReceiptChain([open, late]) }
    }
}
