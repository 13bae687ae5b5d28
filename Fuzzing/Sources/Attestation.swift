// Fuzzers of `Attestation`: evidence of every family, collateral of every kind, the documents of a verification.
import AssayTesting
import Attestation
import Codecs
import Signatures

extension Registry {
    static let attestation: [FuzzTarget] = evidence + collateral + attestationDocuments

    /// A verifier with nothing pinned and an empty policy: whatever comes, nothing is genuine.
    private static let verifier = AttestationVerifier(
        AppraisalSetting(
            anchors: TrustAnchors(),
            collateral: CollateralBundle(),
            policy: AttestationPolicy(collateral: CollateralPolicy(maxAgeSeconds: .any, graceSeconds: 0)),
            time: Timestamp(seconds: 1_760_000_000)
        )
    )

    /// Evidence is recognised, shown and appraised; what is shown is appraised too, and never verified.
    private static func evidence(_ name: String, maxBytes: Int = 16_384, _ seeds: Seeds...) -> FuzzTarget {
        FuzzTarget("attestation." + name, maxBytes: maxBytes, seeds: seeds) { bytes throws(ParseError) in
            let claims = try AttestationVerifier.inspect(bytes)
            require(AttestationVerifier.kind(of: bytes) != nil, "what is shown is of a kind")
            require(!claims.members.isEmpty, "what is shown says something")
            let result = try verifier.verify(bytes, expecting: .unbound)
            require(result.conclusion != .verified, "nothing is verified under no root")
        }
    }

    private static let evidence: [FuzzTarget] = [
        evidence("intel-quote", .shared("attestation/tdx", ".quote"), .shared("attestation/sgx", ".quote")),
        evidence("snp-report", .shared("attestation/sev-snp", ".report")),
        evidence("nitro", .shared("attestation/nitro", ".cose")),
        evidence("arm-token", .shared("attestation/cca", ".cbor"), .shared("attestation/psa", ".bin")),
        evidence(
            "tpm",
            maxBytes: 65_536,
            .shared("attestation/tpm", ".json"),
            .shared("attestation/tpm", ".pb"),
            .made { [FakeTPM().evidence()] }
        ),
        evidence(
            "nvidia",
            maxBytes: 65_536,
            .shared("attestation/nvidia-gpu", ".json"),
            .made { [FakeNVIDIADevice().evidence()] }
        ),
    ]

    /// An item of collateral says what it is about, or is refused.
    private static func item(_ kind: CollateralKind, maxBytes: Int = 16_384, _ seeds: Seeds...) -> FuzzTarget {
        FuzzTarget("attestation.\(kind.rawValue)", maxBytes: maxBytes, seeds: seeds) { bytes throws(ParseError) in
            let item = CollateralItem(kind: kind, body: bytes, signature: [UInt8](repeating: 0, count: 64))
            let reports = CollateralBundle([item]).check(anchors: TrustAnchors(), time: Timestamp(seconds: 0))
            require(reports.count == 1, "each item has a report")
            require(
                kind == .eventLog || kind == .amdIDBlock || !reports[0].findings.isClean,
                "nothing counts under no root"
            )
            _ = try item.summary()
        }
    }

    private static let collateral: [FuzzTarget] = [
        item(.certificate, .shared("attestation/sev-snp", ".der"), .shared("attestation/collateral", ".der")),
        item(.revocationList, .shared("attestation/collateral", ".der")),
        item(.intelTCBInfo, .made { FakeIntelPlatform().collateral(isTDX: true).items(.intelTCBInfo).map(\.body) }),
        item(
            .intelQEIdentity,
            .made { FakeIntelPlatform().collateral(isTDX: true).items(.intelQEIdentity).map(\.body) }
        ),
        item(.nvidiaRIM, maxBytes: 65_536, .made { [FakeReferenceManifest(version: "1", values: []).document()] }),
        item(
            .ocspResponse,
            .made {
                let root = TestIdentity.root(TestCertificateForm(name: "root"))
                let leaf = root.issue(TestCertificateForm(name: "leaf", serial: 2))
                return [root.ocspResponse(about: leaf.certificate)]
            }
        ),
        item(.eventLog, maxBytes: 65_536, .shared("attestation/tpm", ".bin"), .shared("attestation/tdx", ".bin")),
        item(.amdIDBlock, .made { [FakeAMDOwner().block(measurement: [UInt8](repeating: 1, count: 48))] }),
        FuzzTarget(
            "attestation.snp-table",
            seeds: [.made { [FakeAMDOwner.table([(.vcek, [1, 2, 3]), (.crl, [4])])] }]
        ) { bytes throws(ParseError) in
            let table = try SNPCertificateTable(parsing: bytes[...])
            let held = table.entries.reduce(0) { $0 + $1.body.count }
            require(held <= bytes.count, "contents do not overlap")
        },
        FuzzTarget(
            "attestation.quote-collateral",
            maxBytes: 65_536,
            seeds: [.shared("attestation/collateral", ".json")]
        ) { bytes throws(ParseError) in
            let bundle = try CollateralBundle(quoteCollateralV3: bytes)
            let again = reread("a bundle reads what it wrote") { () throws(ParseError) in
                try CollateralBundle(parsing: bundle.json.serialized())
            }
            require(again?.items == bundle.items, "a bundle survives its text")
        },
    ]

    private static let attestationDocuments: [FuzzTarget] = [
        FuzzTarget(
            "attestation.policy",
            maxBytes: 16_384,
            seeds: [.own("Examples", ".toml")]
        ) { bytes throws(ParseError) in
            _ = try AttestationPolicy(parsing: bytes).sectionNames
        },
        FuzzTarget(
            "attestation.trust-anchors",
            maxBytes: 8192,
            seeds: [.texts("schema = \"assay-trust-anchors-1\"\n[roots]\n[keys]\n")]
        ) { bytes throws(ParseError) in
            _ = try TrustAnchors(parsing: bytes)
        },
        FuzzTarget(
            "attestation.toml",
            seeds: [.own("Examples", ".toml"), .texts("a.b = [1, { c = 'd' }]\n[[e]]\nf = \"\"\"g\"\"\"\n")]
        ) { bytes throws(ParseError) in
            let value = try JSONValue(toml: bytes)
            let again = reread("TOML is JSON") { () throws(ParseError) in
                try JSONValue(parsing: value.serialized(), limits: JSONLimits(bytes: 1 << 24, depth: 64))
            }
            require(again == value, "TOML survives as JSON")
        },
    ]
}
