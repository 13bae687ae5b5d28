// What a transparency log holds of a signed document: enough to name signature and signer, nothing that tells what is in it.
public import Commitments
internal import Signatures

extension Envelope {
    /// SHA-256(PAE(type, payload)) ‖ SHA-256(the signer's key as text): the entry of a log for this envelope, 64 bytes.
    ///
    /// The first half is what was signed, so that no other type or payload can stand for it; the second says by whom.
    func logEntry(signer: String) -> [UInt8] {
        let message = Self.preAuthenticationEncoding(type: payloadType, payload: payload)
        return SHA256.hash(message).bytes + SHA256.hash(Array(signer.utf8)).bytes
    }
}

extension UnverifiedDocument {
    /// The document's entry in a transparency log, 64 bytes; its author stands for the signer.
    public var logEntry: [UInt8] { envelope.logEntry(signer: predicate.author.text) }
}

extension Signed {
    /// The document's entry in a transparency log, 64 bytes: SHA-256 of the signed bytes (PAE) and SHA-256 of the signer's key
    /// as text.
    public var logEntry: [UInt8] {
        let message = Envelope.preAuthenticationEncoding(type: StatementType.payload, payload: payload)
        return SHA256.hash(message).bytes + SHA256.hash(Array(signer.text.utf8)).bytes
    }
}
