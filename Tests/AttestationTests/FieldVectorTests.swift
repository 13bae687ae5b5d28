// Every field that a manifest states for an Intel or AMD vector, and every verdict of the AMD manifest.

import Codecs
import Testing
import Verdicts

@testable import Attestation

@Suite("Vector fields", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
struct FieldVectorTests {
    /// The manifest's names beside the names of the claims.
    private static let intelNames: [String: String] = [
        "quote_len": "byteCount", "fmspc": "platform.fmspc", "pce_svn": "platform.pceSvn",
        "pck_cpu_svn": "platform.cpuSvn", "pck_ca": "platform.authority", "qe_vendor_id": "qeVendorId",
        "tee_tcb_svn2": "teeTcbSvn2", "mr_service_td": "mrServiceTd", "rt_mr0": "rtMr0", "rt_mr1": "rtMr1",
        "rt_mr2": "rtMr2", "rt_mr3": "rtMr3",
    ]

    private static func camel(_ name: String) -> String {
        let parts = name.split(separator: "_")
        return parts.prefix(1).joined() + parts.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    private static func value(_ claims: JSONObject, _ path: String) -> JSONValue? {
        var object = claims
        var value: JSONValue?
        for part in path.split(separator: ".") {
            value = object[String(part)]
            if case .object(let inner)? = value { object = inner }
        }
        return value
    }

    private static func text(_ value: JSONValue?) -> String {
        switch value {
        case .string(let text)?: text.lowercased()
        case .number(let number)?: number.text
        case .bool(let flag)?: "\(flag)"
        case nil: "missing"
        default: value?.text() ?? "missing"
        }
    }

    @Test("Every stated field of every SGX and TDX quote")
    func intelFields() throws {
        var count = 0
        for (family, entry) in IntelVectorTests.quotes {
            let file = try #require(entry.text("file"))
            let claims = try AttestationVerifier.inspect(try vector("\(family)/\(file)"))
            for (name, expected) in (entry.nested("expected_fields")?.object.members ?? []) {
                guard expected != .null else { continue }
                let path = Self.intelNames[name] ?? Self.camel(name)
                var actual = Self.text(Self.value(claims, path))
                if name == "pck_ca" { actual = actual.contains("platform") ? "platform" : "processor" }
                #expect(actual == Self.text(expected), "\(file): \(name)")
                count += 1
            }
        }
        #expect(count > 500)
    }

    /// The AMD reports of the manifest.
    static let reports: [ManifestObject] = ((try? manifest("sev-snp")) ?? []).filter {
        $0.text("file")?.hasSuffix(".report") == true
    }

    /// All AMD certificates of the vectors, with the endorsement of `report`.
    static func collateral(_ report: ManifestObject) throws -> CollateralBundle {
        var items: [CollateralItem] = []
        for product in ["milan", "genoa", "turin"] {
            for name in ["ask", "asvk"] {
                items.append(CollateralItem(kind: .certificate, body: try vector("sev-snp/\(name)-\(product).der")))
            }
        }
        if let name = report.text("certificate") {
            items.append(CollateralItem(kind: .certificate, body: try vector("sev-snp/\(name)")))
        }
        return CollateralBundle(items)
    }

    static func verifier(_ collateral: CollateralBundle, at time: Timestamp) throws -> AttestationVerifier {
        var policy = AttestationPolicy(collateral: CollateralPolicy(maxAgeSeconds: .any, graceSeconds: 0))
        policy.set(SNPPolicy.vectorRules)
        return AttestationVerifier(
            AppraisalSetting(anchors: try vendorAnchors(), collateral: collateral, policy: policy, time: time)
        )
    }

    @Test("Every SEV-SNP report: verdict and stated fields")
    func snpReports() throws {
        #expect(Self.reports.count == 11)
        for entry in Self.reports {
            let file = try #require(entry.text("file"))
            let evidence = try vector("sev-snp/\(file)")
            let time = try Timestamp(entry.text("valid_at") ?? "2026-01-01T00:00:00Z")
            let verifier = try Self.verifier(try Self.collateral(entry), at: time)
            let result = try verifier.verify(evidence, expecting: .unbound)
            let failure = "\(file): \(result.verdict.firstFailure as Any)"
            switch entry.nested("expected")?.text("verdict") {
            case "valid": #expect(result.conclusion == .verified, "\(failure)")
            case "invalid":
                #expect(result.conclusion == .refusedByPolicy, "\(failure)")
                #expect(result.verdict.firstFailure?.id == "policy.debug")
            case "incomplete": #expect(result.conclusion == .incomplete, "\(failure)")
            default: Issue.record("unknown verdict in \(file)")
            }
            for (name, expected) in (entry.nested("expected_fields")?.object.members ?? []) {
                guard expected != .null, !name.hasPrefix("cert_") else { continue }
                let actual = Self.text(Self.value(result.claims.json, Self.camel(name)))
                #expect(actual == Self.text(expected), "\(file): \(name)")
            }
        }
    }

    @Test("The mutations of the AMD manifest")
    func snpMutations() throws {
        let entry = try #require(Self.reports.first { $0.text("file") == "milan-v3-gcp-dstack.report" })
        let evidence = try vector("sev-snp/milan-v3-gcp-dstack.report")
        let time = try Timestamp(try #require(entry.text("valid_at")))
        let base = try Self.collateral(entry)
        var count = 0
        for item in entry.list("mutations") {
            let mutation = try #require(ManifestObject(item))
            var bytes = evidence
            var collateral = base
            var at = time
            if let offset = mutation.integer("flip_byte"), let mask = mutation.integer("xor") {
                bytes[Int(offset)] ^= UInt8(mask)
            } else {
                switch mutation.text("op") {
                case "swap certificate with milan-v2-coco.vcek.der":
                    collateral.items[collateral.items.count - 1].body = try vector("sev-snp/milan-v2-coco.vcek.der")
                case "swap ASK with ask-genoa.der":
                    collateral.items.removeAll { $0.body == (try? vector("sev-snp/ask-milan.der")) }
                case "swap VCEK with vcek-milan-invalid-new.der":
                    collateral.items[collateral.items.count - 1].body =
                        try vector("sev-snp/vcek-milan-invalid-new.der")
                case "time before VCEK notBefore": at = time.adding(seconds: -365 * 86_400)
                default: Issue.record("unknown mutation \(mutation.text("op") ?? "")")
                }
            }
            let verifier = try Self.verifier(collateral, at: at)
            do throws(ParseError) {
                let result = try verifier.verify(bytes, expecting: .unbound)
                #expect(result.conclusion != .verified, "\(mutation.text("what") ?? mutation.text("op") ?? "")")
            } catch {
                // Refused before there is a verdict.
            }
            count += 1
        }
        #expect(count == 17)
    }

    @Test("AMD certificates: chains, wrong signatures under the right name, extensions")
    func snpCertificates() throws {
        for entry in try manifest("sev-snp") {
            let file = try #require(entry.text("file"))
            guard file.hasPrefix("vcek-") else { continue }
            let certificate = try Certificate(der: try vector("sev-snp/\(file)"))
            let product = file.contains("turin") ? "turin" : "milan"
            let authority = try Certificate(der: try vector("sev-snp/ask-\(product).der"))
            #expect(certificate.issuer == authority.subject)
            let isValid = entry.nested("expected")?.text("verdict") == "valid"
            #expect(certificate.isSigned(by: authority) == isValid, "\(file)")
            let endorsement = try SNPCertificate(certificate)
            #expect(endorsement.product == (product == "turin" ? .turin : .milan))
            #expect(endorsement.hardwareId.count == (product == "turin" ? 8 : 64))
        }
    }
}
