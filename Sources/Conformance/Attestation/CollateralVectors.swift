// Collateral of Intel and AMD without evidence: bundles, lists, authorities, each under its vendor's pinned root.
internal import Attestation
public import Codecs
public import Verdicts

/// Family `collateral`: Intel's bundles, lists and signing certificates.
public struct CollateralVectors: VectorFamily {
    public let name = "collateral"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        let root = try Certificate(der: try file.sibling("intel-sgx-root-ca.der"))
        let anchors = TrustAnchors(roots: [.intelSGX: [root]])
        let time = try file.validAt()
        var checks: [Check] = []
        switch file.path {
        case let path where path.hasPrefix("sgx-tcbinfo-v2"):
            // Version 2 has no signed form that a verification uses; its fields are read.
            guard case .object(let document) = try JSONValue(parsing: file.bytes) else {
                throw ParseError(field: "", expected: "an object", actual: "another value")
            }
            let info = try TCBInfo(parsing: Array(document.text("tcb_info").utf8))
            let actual: JSONObject = [
                "fmspc": .string(Hex.encode(info.fmspc)), "version": .integer(info.version),
                "tcb_evaluation_data_number": .integer(info.evaluationDataNumber),
            ]
            for (name, expected) in file.fields { checks.append(file.field(name, expected, actual[name])) }
        case let path where path.hasSuffix(".json"):
            let bundle = try CollateralBundle(quoteCollateralV3: file.bytes)
            checks.append(Self.verdict(file, bundle.check(anchors: anchors, time: time)))
            if let item = bundle.items(.intelTCBInfo).first {
                let info = try TCBInfo(parsing: item.body)
                for (name, expected) in file.fields where name != "pck_ca" {
                    let actual: JSONValue =
                        name == "fmspc" ? .string(Hex.encode(info.fmspc)) : .integer(info.evaluationDataNumber)
                    checks.append(file.field(name, expected, actual))
                }
            }
            if case .string(let text)? = file.entry["valid_until"] {
                let late = try Timestamp(text, field: "valid_until").adding(seconds: 1)
                let isStale = !bundle.check(anchors: anchors, time: late).allSatisfy(\.findings.isClean)
                checks.append(file.check("valid_until", isStale, expected: "stale after it", actual: "current"))
            }
        case let path where path.hasPrefix("crl-"):
            let list = try RevocationList(der: file.bytes)
            let actual: [String: JSONValue] = [
                "this_update": .string(Self.text(list.thisUpdate)), "next_update": .string(Self.text(list.nextUpdate)),
                "revoked_count": .integer(list.revokedSerialNumbers.count),
            ]
            for (name, expected) in file.fields { checks.append(file.field(name, expected, actual[name])) }
        default:
            let certificate = try Certificate(der: file.bytes)
            let bundle = CollateralBundle([CollateralItem(kind: .certificate, body: file.bytes)])
            checks.append(Self.verdict(file, bundle.check(anchors: anchors, time: time)))
            let actual: [String: JSONValue] = [
                "not_before": .string(Self.text(certificate.notBefore)),
                "not_after": .string(Self.text(certificate.notAfter)), "serial": .string(certificate.serialText),
            ]
            for (name, expected) in file.fields where name != "serial" {
                checks.append(file.field(name, expected, actual[name]))
            }
        }
        return checks
    }

    /// `2025-06-19 10:16:03+00:00`, as the manifests write times.
    static func text(_ time: Timestamp) -> String {
        time.text.replacing("T", with: " ").replacing("Z", with: "+00:00")
    }

    /// Whether every item of a bundle holds up.
    static func verdict(_ file: VectorFile, _ reports: [CollateralReport]) -> Check {
        let bad = reports.first { !$0.findings.isClean }
        let line = bad?.findings.checks.first { $0.result != .pass }
        let actual = bad == nil ? "valid" : "invalid"
        return file.check(
            "",
            actual == file.verdict,
            expected: file.verdict,
            actual: actual + (line.map { " (\($0.id): \($0.actual))" } ?? "")
        )
    }
}

/// Family `sev-snp`: reports with their endorsement certificates, and AMD's authorities.
public struct SNPVectors: VectorFamily {
    public let name = "sev-snp"
    private static let products = ["milan", "genoa", "turin"]

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        var anchors = TrustAnchors()
        var items: [CollateralItem] = []
        for product in Self.products {
            anchors.pin(try Certificate(der: try file.sibling("ark-\(product).der")), in: .amdSEV)
            for authority in ["ask", "asvk"] {
                let der = try file.sibling("\(authority)-\(product).der")
                items.append(CollateralItem(kind: .certificate, body: der))
            }
        }
        let time = try file.validAt(or: "2026-01-01T00:00:00Z")
        guard file.path.hasSuffix(".report") else { return try certificate(file, anchors, items, time) }
        let name = file.entry.text("certificate")
        if !name.isEmpty { items.append(CollateralItem(kind: .certificate, body: try file.sibling(name))) }
        let setting = AppraisalSetting(
            anchors: anchors,
            collateral: CollateralBundle(items),
            policy: try AttestationRules.policy(),
            time: time
        )
        let result = try AttestationVerifier(setting).verify(file.bytes, expecting: .unbound)
        let actual =
            switch result.conclusion {
            case .verified: "valid"
            case .incomplete: "incomplete"
            case .rejected, .refusedByPolicy: "invalid"
            }
        var checks = [file.check("", actual == file.verdict, expected: file.verdict, actual: actual)]
        for (name, expected) in file.fields {
            switch name {
            case "cert_tcb_match": checks.append(line("amd.certificate.tcb", name, expected, result, file))
            case "cert_chip_id_match": checks.append(line("amd.certificate.chip", name, expected, result, file))
            default: checks.append(file.field(name, expected, result.claims.json[camel(name)]))
            }
        }
        for (number, mutation) in file.objects("mutations").enumerated() {
            checks.append(try self.mutation(file, number, mutation, setting))
        }
        return checks
    }

    private func camel(_ name: String) -> String {
        let parts = name.split(separator: "_")
        return parts.prefix(1).joined() + parts.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    /// A field that a check line answers; the manifest says `true`, `false` or why there is nothing to compare.
    private func line(
        _ id: String,
        _ name: String,
        _ expected: JSONValue,
        _ result: AttestationResult,
        _ file: VectorFile
    ) -> Check {
        let check = result.crypto.checks.first { $0.id == id }
        guard case .bool = expected else {
            let isSkipped = check?.result == .skip
            return file.check(
                "fields/" + name,
                isSkipped,
                expected: "skipped",
                actual: isSkipped ? "skipped" : "judged"
            )
        }
        return file.field(name, expected, check.map { .bool($0.result == .pass) })
    }

    private func mutation(
        _ file: VectorFile,
        _ number: Int,
        _ mutation: JSONObject,
        _ base: AppraisalSetting
    ) throws(ParseError) -> Check {
        var bytes = file.bytes
        var setting = base
        let operation = mutation.text("op")
        if let offset = mutation.integer("flip_byte"), let mask = mutation.integer("xor"), offset < bytes.count {
            bytes[offset] ^= UInt8(truncatingIfNeeded: mask)
        } else if operation.hasPrefix("swap ASK") {
            let own = try file.sibling("ask-milan.der")
            setting.collateral.items.removeAll { $0.body == own }
        } else if operation.hasPrefix("swap"), let name = operation.split(separator: " ").last {
            let place = setting.collateral.items.count - 1
            setting.collateral.items[place].body = try file.sibling(String(name))
        } else if operation == "time before VCEK notBefore" {
            setting.time = setting.time.adding(seconds: -365 * 86_400)
        } else {
            return file.skip("mutations/\(number)", "a mutation that is not known here: \(operation)")
        }
        let actual = AttestationRules.conclusion(setting, bytes)
        let id = "mutations/\(number) " + (operation.isEmpty ? mutation.text("what") : operation)
        return file.check(id, actual != "verified", expected: mutation.text("must"), actual: actual)
    }

    /// An authority or an endorsement certificate on its own.
    private func certificate(
        _ file: VectorFile,
        _ anchors: TrustAnchors,
        _ authorities: [CollateralItem],
        _ time: Timestamp
    ) throws(ParseError) -> [Check] {
        let certificate = try Certificate(der: file.bytes)
        let bundle = CollateralBundle([CollateralItem(kind: .certificate, body: file.bytes)] + authorities)
        // A certificate of other people's making is judged within its own life: what counts here is who signed it.
        let at = max(time, certificate.notBefore)
        let reports = bundle.check(anchors: anchors, time: min(at, certificate.notAfter)).prefix(1)
        var checks = [CollateralVectors.verdict(file, Array(reports))]
        let actual: [String: JSONValue] = [
            "not_before": .string(CollateralVectors.text(certificate.notBefore)),
            "not_after": .string(CollateralVectors.text(certificate.notAfter)),
        ]
        for (name, expected) in file.fields where actual[name] != nil {
            checks.append(file.field(name, expected, actual[name]))
        }
        return checks
    }
}
