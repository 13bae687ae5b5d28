// Whether a service on CCF has registered a statement: its receipts against keys that the verifier brings.
public import Attestation
internal import Codecs
internal import Commitments
public import TransparencyLog
public import Verdicts

extension LogAppraiser {
    /// One check for each receipt of a statement, `ccf.receipt-0` and so on: it is about this statement, and one of the services'
    /// keys has signed the root to which it leads. A receipt of another structure is skipped, and nothing follows from it.
    ///
    /// Keys are pinned, never certificates: a service has many certificates over few keys.
    public static func checks(_ statement: TransparentStatement, services: [PublicKey]) -> [Check] {
        statement.receipts.enumerated().map { index, bytes in
            let id = "ccf.receipt-\(index)"
            let receipt: CCFReceipt
            do {
                receipt = try CCFReceipt(parsing: bytes)
            } catch {
                return Check(id: id, result: .skip, expected: "a CCF receipt", actual: "\(error)")
            }
            let issuer = receipt.issuer ?? "an unnamed service"
            guard receipt.leaf.claims == statement.claims else {
                return Check(
                    id: id,
                    result: .fail,
                    expected: "a receipt of \(statement.claims)",
                    actual: "\(issuer) has registered \(receipt.leaf.claims)",
                    source: "RFC 9943 §6"
                )
            }
            let root = receipt.root
            return .that(
                id,
                services.contains { receipt.message.isSigned(by: $0, detached: root.bytes) },
                expected: "a root signed by one of \(services.count) keys",
                actual: "root \(root), \(receipt.leaf.evidence), by \(issuer)",
                source: "draft-ietf-scitt-receipts-ccf-profile"
            )
        }
    }
}
