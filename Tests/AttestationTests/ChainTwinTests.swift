// The straight-chain verifier against OpenSSL's own path validation, over real chains, lists, times and wrong roots.

import COpenSSL
import Codecs
import Testing

@testable import Attestation

@Suite("Chains against OpenSSL", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
struct ChainTwinTests {
    /// Whether OpenSSL finds a valid path from the first certificate to `root` at `time`, with every certificate below the
    /// root covered by a current list when `lists` is not `nil`.
    private func openSSLAccepts(
        _ chain: [Certificate],
        root: Certificate,
        lists: [RevocationList]?,
        time: Timestamp
    ) throws -> Bool {
        func read(_ certificate: Certificate) throws -> OpaquePointer {
            try certificate.der.withUnsafeBufferPointer { buffer in
                var cursor = buffer.baseAddress
                return try #require(d2i_X509(nil, &cursor, buffer.count))
            }
        }
        let store = try #require(X509_STORE_new())
        let context = try #require(X509_STORE_CTX_new())
        let others = try #require(OPENSSL_sk_new_null())
        let certificates = try chain.map { try read($0) }
        let trusted = try read(root)
        defer {
            X509_STORE_CTX_free(context)
            X509_STORE_free(store)
            OPENSSL_sk_free(others)
            for certificate in certificates + [trusted] { X509_free(certificate) }
            ERR_clear_error()
        }
        #expect(X509_STORE_add_cert(store, trusted) == 1)
        for certificate in certificates.dropFirst() {
            OPENSSL_sk_push(others, UnsafeRawPointer(certificate))
        }
        for list in lists ?? [] {
            let parsed = try list.der.withUnsafeBufferPointer { buffer in
                var cursor = buffer.baseAddress
                return try #require(d2i_X509_CRL(nil, &cursor, buffer.count))
            }
            #expect(X509_STORE_add_crl(store, parsed) == 1)
            X509_CRL_free(parsed)
        }
        #expect(X509_STORE_CTX_init(context, store, certificates[0], others) == 1)
        let parameters = X509_STORE_CTX_get0_param(context)
        X509_VERIFY_PARAM_set_time(parameters, time_t(time.seconds))
        var flags = UInt(X509_V_FLAG_IGNORE_CRITICAL)
        if lists != nil { flags |= UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) }
        X509_VERIFY_PARAM_set_flags(parameters, flags)
        return X509_verify_cert(context) == 1
    }

    @Test("Intel PCK chains with their lists, at times inside and outside every date")
    func intel() throws {
        let root = try Certificate(der: try vector("collateral/intel-sgx-root-ca.der"))
        let wrongRoot = try Certificate(der: try vector("sev-snp/ark-milan.der"))
        let rules = ChainRules(id: "t", source: "", revocation: .required)
        var agreed = 0
        var accepted = 0
        for (family, entry) in IntelVectorTests.quotes.prefix(12) + IntelVectorTests.quotes.suffix(3) {
            let quote = try IntelQuote(try vector("\(family)/\(try #require(entry.text("file")))"))
            guard quote.certificationType == 5, let item = entry.list("cases").first.flatMap({ ManifestObject($0) })
            else { continue }
            let chain = try Certificate.chain(pem: quote.certificationData)
            let path = try #require(item.text("collateral"))
            var errors: [ParseError] = []
            let lists = try collateralBundle(path).revocationLists(malformed: &errors)
            var times = [try Timestamp(try #require(item.text("at")))]
            for date in chain.flatMap({ [$0.notBefore, $0.notAfter] })
                + lists.flatMap({ [$0.thisUpdate, $0.nextUpdate] })
            {
                times += [date.adding(seconds: -1), date.adding(seconds: 1)]
            }
            for time in times {
                for (anchor, given) in [(root, lists), (root, []), (root, [lists[0]]), (wrongRoot, lists)] {
                    var findings = Findings()
                    let mine = ChainVerifier(roots: [anchor], lists: given, time: time)
                        .verify(chain, rules, into: &findings)
                    let theirs = try openSSLAccepts(chain, root: anchor, lists: given, time: time)
                    #expect(mine == theirs, "\(entry.text("file") ?? "") at \(time)")
                    agreed += 1
                    accepted += mine ? 1 : 0
                }
            }
        }
        #expect(agreed > 500 && accepted > 10)
    }

    @Test("AMD chains of every product under every root")
    func amd() throws {
        let rules = ChainRules(id: "t", source: "", revocation: .notIssued("none given"))
        for (report, product) in [
            ("milan-v3-gcp-dstack.vcek", "milan"), ("milan-v2-coco.vcek", "milan"), ("genoa-v5.vcek", "genoa"),
            ("vcek-turin", "turin"), ("vcek-milan-invalid-new", "milan"),
        ] {
            let leaf = try Certificate(der: try vector("sev-snp/\(report).der"))
            for rootName in ["milan", "genoa", "turin"] {
                let root = try Certificate(der: try vector("sev-snp/ark-\(rootName).der"))
                let chain = [leaf, try Certificate(der: try vector("sev-snp/ask-\(product).der"))]
                for time in [leaf.notBefore, leaf.notBefore.adding(seconds: -1), leaf.notAfter.adding(seconds: 1)] {
                    var findings = Findings()
                    let mine = ChainVerifier(roots: [root], lists: [], time: time)
                        .verify(chain, rules, into: &findings)
                    let theirs = try openSSLAccepts(chain, root: root, lists: nil, time: time)
                    #expect(mine == theirs, "\(report) under \(rootName) at \(time)")
                }
            }
        }
    }
}
