// The verifiers of Assay's suites of formats: openings, DAG-CBOR, documents in COSE, proofs out of a log.
internal import Codecs
internal import Commitments
internal import Receipts
internal import Signatures
internal import TransparencyLog

extension OwnSuite {
    /// `valid`, `invalid` or `malformed`.
    static func opening(range input: inout JSONReader) throws(ParseError) -> String {
        let data = try Hex.decode(try input.string("hex", maxBytes: 1 << 20))
        let bytes = try input.value("opening").serialized()
        guard let opening = try? ArtefactOpening(parsing: bytes) else { return "malformed" }
        return opening.verifies(data) ? "valid" : "invalid"
    }

    /// `valid` or `malformed`.
    static func dagCBOR(_ input: inout JSONReader) throws(ParseError) -> String {
        let bytes = try Hex.decode(try input.string("hex", maxBytes: 1 << 20))
        guard let item = try? DagCBOR.item(parsing: bytes[...]) else { return "malformed" }
        return item.value.encoded(floats: .double) == bytes ? "valid" : "malformed"
    }

    /// `accepted`, `badSignature` or `malformed`.
    static func coseDocument(_ input: inout JSONReader) throws(ParseError) -> String {
        let bytes = try Hex.decode(try input.string("cose", maxBytes: 1 << 20))
        let key = try VerifyingKey(text: try input.string("key"))
        let digest = try input.string("digest")
        do throws(DocumentError) {
            let document = try COSEDocument<Receipt>(verifying: bytes, key: key)
            return document.digest.hex == digest ? "accepted" : "otherDigest"
        } catch {
            switch error {
            case .badSignature: return "badSignature"
            case .malformed: return "malformed"
            case .foreignAuthor: return "foreignAuthor"
            case .key: return "error"
            }
        }
    }

    /// `accepted`, `refused` or `malformed`.
    static func logProof(_ input: inout JSONReader) throws(ParseError) -> String {
        let leaf = try Digest(hex: try input.string("leaf"))
        let policy = try LogPolicy(parsing: Array(try input.string("policy", maxBytes: 1 << 16).utf8))
        let bytes = Array(try input.string("proof", maxBytes: 1 << 16).utf8)
        guard let proof = try? LogProof(parsing: bytes) else { return "malformed" }
        guard (try? policy.verify(proof.checkpoint)) != nil else { return "refused" }
        return proof.includes(leaf: leaf) ? "accepted" : "refused"
    }
}
