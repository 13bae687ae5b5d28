// The cryptographic part of Nitro appraisal: the leaf's chain to the pinned AWS root and the COSE signature.
public import Codecs
internal import Signatures

extension NitroDocument {
    static let source = "aws-nitro-enclaves-nsm-api, attestation_process.md §3.2"

    /// The leaf, then its issuers up to the certificate that claims to be the root.
    public func chain() throws(ParseError) -> [Certificate] {
        var chain = [try Certificate(der: certificate, field: "nitro.certificate")]
        for (index, der) in cabundle.enumerated().reversed() {
            chain.append(try Certificate(der: der, field: "nitro.cabundle[\(index)]"))
        }
        return chain
    }

    /// Checks the certificate chain and the signature (§3.2.3), and that the document was made while its key was valid.
    ///
    /// The bundle's first certificate is *compared* with the pinned roots; it is never trusted because it came along.
    func verifySignature(
        _ links: LinkMemory,
        revocation: (_ issuers: [Certificate]) -> ChainRules.Revocation,
        into findings: inout Findings
    ) {
        findings.require(
            "nitro.algorithm",
            cose.algorithm == .es384,
            expected: "ES384 in the protected header",
            actual: cose.algorithmText,
            source: Self.source
        )
        let leaf: Certificate
        let chain: [Certificate]
        do throws(ParseError) {
            chain = try self.chain()
            leaf = chain[0]
        } catch {
            findings.malformed("nitro.chain", error, source: Self.source)
            return
        }
        let rules = ChainRules(
            id: "nitro.chain",
            source: Self.source,
            revocation: revocation(Array(chain.dropFirst()))
        )
        links.verify(chain, rules, into: &findings)
        findings.require(
            "nitro.signature",
            cose.isSigned(by: leaf.publicKey),
            expected: "signed by the key of '\(leaf.commonName)'",
            actual: "COSE_Sign1, \(cose.algorithmText), key \(leaf.publicKey.kind)",
            source: "RFC 9052 §4.4"
        )
        let made = Timestamp(seconds: Int64(timestampMilliseconds / 1000))
        findings.require(
            "nitro.timestamp",
            made >= leaf.notBefore && made <= leaf.notAfter,
            expected: "within \(leaf.notBefore) to \(leaf.notAfter)",
            actual: "\(made)",
            source: Self.source
        )
    }
}
