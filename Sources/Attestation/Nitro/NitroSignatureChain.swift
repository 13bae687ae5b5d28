// The cryptographic part of Nitro appraisal: the leaf's chain to the pinned AWS root and the COSE signature.
public import Codecs
internal import Signatures

/// Whether a chain's certificates need a current revocation list.
public enum RevocationRule: String, Sendable, CaseIterable {
    /// A missing list leaves the question open.
    case required
    /// Lists are applied when some are given for the chain; a chain without any passes with a skipped line.
    case whenGiven

    /// The chain rule for a chain whose issuers are `issuers`, given `lists`.
    func chainRule(lists: [RevocationList], issuers: [Certificate]) -> ChainRules.Revocation {
        let isCovered = lists.contains { list in issuers.contains { $0.subject == list.issuer } }
        if self == .required || isCovered { return .required }
        return .notIssued("no revocation list given, and the policy does not require one")
    }
}

extension NitroDocument {
    static let source = "aws-nitro-enclaves-nsm-api, attestation_process.md §3.2"

    /// Checks the certificate chain and the signature (§3.2.3), and that the document was made while its key was valid.
    ///
    /// The bundle's first certificate is *compared* with the pinned roots; it is never trusted because it came along.
    /// - Parameter lists: revocation lists of AWS; `revocation` says what their absence means.
    public func verifySignature(
        roots: [Certificate],
        lists: [RevocationList],
        revocation: RevocationRule,
        time: Timestamp,
        graceSeconds: Int64 = 0,
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
        var chain: [Certificate] = []
        do throws(ParseError) {
            leaf = try Certificate(der: certificate, field: "nitro.certificate")
            chain.append(leaf)
            for (index, der) in cabundle.enumerated().reversed() {
                chain.append(try Certificate(der: der, field: "nitro.cabundle[\(index)]"))
            }
        } catch {
            findings.malformed("nitro.chain", error, source: Self.source)
            return
        }
        let verifier = ChainVerifier(roots: roots, lists: lists, time: time, graceSeconds: graceSeconds)
        let rules = ChainRules(
            id: "nitro.chain",
            source: Self.source,
            revocation: revocation.chainRule(lists: lists, issuers: Array(chain.dropFirst()))
        )
        verifier.verify(chain, rules, into: &findings)
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

    /// What identifies this evidence whatever the encoding of its signature: the hash of the signed bytes and the serial
    /// number of the leaf.
    public var stableIdentity: [UInt8] {
        HashAlgorithm.sha256.digest((cose.signedBytes() ?? [])[...], certificate[...])
    }
}
