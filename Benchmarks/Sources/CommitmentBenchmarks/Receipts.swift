// Receipts in both encodings: read and verified whole, by a key that is met often and by keys that are not; read alone; and the
// bare signature check beside them.
import AssayTesting
import Receipts
import Signatures

/// Whole receipts read and verified: envelope, signature and every field, by one thread.
func receipts() async throws {
    let bundle = try await BundleFactory().bundle(.accepted)
    let factory = try BundleFactory()
    let signed = try Signed<Receipt>(verifying: try Bundle(parsing: bundle).member(BundleMember.receipt))
    // More signers than a process keeps tables for, so that each of their documents is OpenSSL's to check.
    let signers =
        try [factory.engine] + (1..<256).map { try SigningKey(seed: [UInt8](repeating: UInt8($0), count: 32)) }
    let documents = try signers.map { signer in
        var receipt = signed.predicate
        receipt.engine = signer.verifyingKey
        return (
            dsse: try Receipt.sign(receipt, with: signer).envelope,
            cose: try COSEDocument.sign(receipt, subjects: signed.subjects, with: signer).bytes
        )
    }
    let count = 4 * signers.count
    func rate(_ seconds: Double) -> String {
        "\(format(Double(count) / seconds, 0))/s per core (\(format(seconds / Double(count) * 1e6, 1)) us)"
    }

    let key = factory.engine.verifyingKey
    let message = [UInt8](repeating: 7, count: 256)
    let signature = try factory.engine.signature(for: message)
    guard let prepared = PreparedVerifyingKey(key) else { preconditionFailure("no table for the engine's key") }
    var valid = 0
    let library = Clock.median {
        for _ in 0..<count where key.isValidByLibrary(signature: signature, for: message) { valid += 1 }
    }
    let table = Clock.median {
        for _ in 0..<count where prepared.isValid(signature: signature, for: message) { valid += 1 }
    }
    let making = Clock.median { for _ in 0..<count { _ = PreparedVerifyingKey(key) } }
    precondition(valid == 6 * count)
    print("Ed25519 check alone, OpenSSL: \(rate(library.processor))")
    let ratio = format(library.processor / table.processor, 1)
    print("Ed25519 check alone, table: \(rate(table.processor)), \(ratio)x OpenSSL")
    print("Ed25519 table made: \(rate(making.processor))")

    func measure(
        _ name: String,
        _ bytes: [[UInt8]],
        verify: ([UInt8], VerifyingKey) throws -> Void,
        parse: ([UInt8]) throws -> Void
    ) throws {
        let often = try Clock.median { for _ in 0..<count { try verify(bytes[0], key) } }
        let seldom = try Clock.median {
            for round in 0..<count {
                let signer = round % signers.count
                try verify(bytes[signer], signers[signer].verifyingKey)
            }
        }
        let parsed = try Clock.median { for _ in 0..<count { try parse(bytes[0]) } }
        print("receipt verify, \(name) and fields, \(bytes[0].count) bytes, one signer: \(rate(often.processor))")
        print("receipt verify, \(name) and fields, \(signers.count) signers, OpenSSL: \(rate(seldom.processor))")
        print("receipt parse, \(name), no signature: \(rate(parsed.processor))")
    }
    try measure("DSSE", documents.map(\.dsse)) { bytes, key in
        _ = try Signed<Receipt>(verifying: bytes, key: key)
    } parse: { bytes in
        _ = try UnverifiedDocument<Receipt>(parsing: bytes).digest
    }
    try measure("COSE", documents.map(\.cose)) { bytes, key in
        _ = try COSEDocument<Receipt>(verifying: bytes, key: key)
    } parse: { bytes in
        _ = try COSEStatement.json(parsing: bytes)
    }
}
