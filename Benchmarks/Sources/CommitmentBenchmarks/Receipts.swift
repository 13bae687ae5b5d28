// Receipts in both encodings: read and verified whole, read alone, and the bare signature check beside them.
import AssayTesting
import Receipts
import Signatures

/// Whole receipts read and verified: envelope, signature and every field, by one thread.
func receipts() async throws {
    let bundle = try await BundleFactory().bundle(.accepted)
    let dsse = try Bundle(parsing: bundle).member(BundleMember.receipt)
    let signed = try Signed<Receipt>(verifying: dsse)
    let factory = try BundleFactory()
    let cose = try COSEDocument.sign(signed.predicate, subjects: signed.subjects, with: factory.engine).bytes
    let count = 5_000
    let key = factory.engine.verifyingKey
    let message = [UInt8](repeating: 7, count: 256)
    let signature = try factory.engine.signature(for: message)
    var valid = 0
    let bare = Clock.median { for _ in 0..<count where key.isValid(signature: signature, for: message) { valid += 1 } }
    precondition(valid == 3 * count)
    func rate(_ seconds: Double) -> String {
        "\(format(Double(count) / seconds, 0))/s per core (\(format(seconds / Double(count) * 1e6, 1)) us)"
    }
    print("bare Ed25519 check: \(rate(bare.processor))")
    for (name, bytes, read, parse) in [
        (
            "DSSE", dsse, { (bytes: [UInt8]) in _ = try Signed<Receipt>(verifying: bytes, key: key) },
            { (bytes: [UInt8]) in _ = try UnverifiedDocument<Receipt>(parsing: bytes).digest }
        ),
        (
            "COSE", cose, { (bytes: [UInt8]) in _ = try COSEDocument<Receipt>(verifying: bytes, key: key) },
            { (bytes: [UInt8]) in _ = try COSEStatement.json(parsing: bytes) }
        ),
    ] as [(String, [UInt8], ([UInt8]) throws -> Void, ([UInt8]) throws -> Void)] {
        let whole = try Clock.median { for _ in 0..<count { try read(bytes) } }
        let parsed = try Clock.median { for _ in 0..<count { try parse(bytes) } }
        print("receipt verify, \(name) and fields, \(bytes.count) bytes: \(rate(whole.processor))")
        print("receipt parse, \(name): \(rate(parsed.processor))")
    }
}
