// Intel quotes with an independent peer's answers: quote × collateral × time, stated fields, and mutations.
internal import Attestation
public import Codecs
public import Verdicts

/// Families `tdx` and `sgx`.
public struct IntelVectors: VectorFamily {
    public let name: String

    /// Makes the family `tdx` or `sgx`.
    public init(_ name: String) {
        self.name = name
    }

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        if file.path.hasSuffix(".quote") { return try quote(file) }
        if file.path.contains("ccel") { return [try eventLog(file)] }
        if file.path == "intel-sample-quote.dat" { return [try sample(file)] }
        return [file.skip("", "a part of Intel's sample set, which is verified as a whole")]
    }

    private static func anchors(_ file: VectorFile) throws(ParseError) -> TrustAnchors {
        TrustAnchors(roots: [
            .intelSGX: [try Certificate(der: try file.sibling("../collateral/intel-sgx-root-ca.der"))]
        ])
    }

    private static func setting(
        _ file: VectorFile,
        _ collateral: CollateralBundle,
        _ time: Timestamp
    ) throws(ParseError) -> AppraisalSetting {
        AppraisalSetting(
            anchors: try anchors(file),
            collateral: collateral,
            policy: try AttestationRules.policy(),
            time: time
        )
    }

    // MARK: Quotes

    private static let names: [String: String] = [
        "quote_len": "byteCount", "fmspc": "platform.fmspc", "pce_svn": "platform.pceSvn",
        "pck_cpu_svn": "platform.cpuSvn", "pck_ca": "platform.authority", "tee_tcb_svn2": "teeTcbSvn2",
        "rt_mr0": "rtMr0", "rt_mr1": "rtMr1", "rt_mr2": "rtMr2", "rt_mr3": "rtMr3",
    ]

    private func quote(_ file: VectorFile) throws(ParseError) -> [Check] {
        var checks: [Check] = []
        let claims = try AttestationVerifier.inspect(file.bytes)
        for (name, expected) in file.fields {
            var actual = claims.value(at: Self.names[name] ?? camel(name))
            if name == "pck_ca", case .string(let authority)? = actual {
                actual = .string(authority.contains("Platform") ? "platform" : "processor")
            }
            checks.append(file.field(name, expected, actual))
        }
        let cases = file.objects("cases")
        for (index, peer) in cases.enumerated() {
            let bundle = try CollateralBundle(quoteCollateralV3: try file.sibling("../" + peer.text("collateral")))
            let setting = try Self.setting(file, bundle, try Timestamp(peer.text("at"), field: "at"))
            checks.append(try answer(file, "cases/\(index)", peer, setting))
            if index == 0 {
                for (number, mutation) in file.objects("mutations").enumerated() {
                    checks.append(try IntelMutations(file: file, setting: setting).check(number, mutation))
                }
            }
        }
        if cases.isEmpty {
            let setting = try Self.setting(file, CollateralBundle(), try file.validAt())
            let actual = AttestationRules.conclusion(setting, file.bytes)
            checks.append(file.check("", actual == file.verdict, expected: file.verdict, actual: actual))
        }
        return checks
    }

    /// One answer of the peer: its verdict, and for a valid one its status and advisories too.
    private func answer(
        _ file: VectorFile,
        _ id: String,
        _ peer: JSONObject,
        _ setting: AppraisalSetting
    ) throws(ParseError) -> Check {
        let result = try AttestationVerifier(setting).verify(file.bytes, expecting: .unbound)
        let verdict = result.conclusion == .verified ? "valid" : "invalid"
        guard peer.text("verdict") == "valid", verdict == "valid" else {
            let why = result.verdict.firstFailure.map { " (\($0.id))" } ?? ""
            return file.check(
                id,
                verdict == peer.text("verdict"),
                expected: peer.text("verdict"),
                actual: verdict + why
            )
        }
        var advisories: [String] = []
        if case .array(let list)? = peer["advisory_ids"] {
            for case .string(let text) in list { advisories.append(text) }
        }
        let expected = "\(peer.text("tcb_status")) \(advisories.sorted())"
        let actual = "\(result.tcbStatus ?? "none") \(result.advisories.sorted())"
        return file.check(id, expected == actual, expected: expected, actual: actual)
    }

    /// `mr_enclave` as the claims write it.
    private func camel(_ name: String) -> String {
        let parts = name.split(separator: "_")
        return parts.prefix(1).joined() + parts.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    // MARK: Event logs and the sample set

    /// The log of a TD against the registers of its quote.
    private func eventLog(_ file: VectorFile) throws(ParseError) -> Check {
        let stated = file.fields.first { $0.name == "quote" }?.value
        let quoteName = if case .string(let name)? = stated { name } else { "tappd-v4-b0c0.quote" }
        let log = try TCGEventLog(parsing: file.bytes)
        guard case .td(let report) = try IntelQuote(try file.sibling(quoteName)).body else {
            throw ParseError(field: quoteName, expected: "a TD quote", actual: "another")
        }
        var findings = Findings()
        let registers = Dictionary(uniqueKeysWithValues: (0..<4).map { ($0 + 1, Array(report.rtMr($0))) })
        log.verifyReplay(id: "ccel", bank: .sha384, registers: .ccel, expected: registers, into: &findings)
        let actual = findings.isClean ? "valid" : "invalid"
        return file.check("", actual == file.verdict, expected: file.verdict, actual: actual)
    }

    /// Intel's sample set under its own root, and refused under Intel's.
    ///
    /// The TDX set states another quoting enclave signer than its quote has, and component versions that no platform reaches:
    /// the manifest's verdict is about signatures and chains only.
    private func sample(_ file: VectorFile) throws(ParseError) -> Check {
        let chain = try file.sibling("intel-sample-tcbSignChain.pem")
        var items: [CollateralItem] = []
        for name in ["tcbInfo", "qeIdentity"] {
            items.append(try CollateralItem(pcsResponse: try file.sibling("intel-sample-\(name).json"), chain: chain))
        }
        for name in ["rootCaCrl", "intermediateCaCrl"] {
            let body = try file.sibling("intel-sample-\(name).der")
            items.append(CollateralItem(kind: .revocationList, body: body))
        }
        for name in ["pckCert", "pckSignChain"] {
            for der in try PEM.decode(try file.sibling("intel-sample-\(name).pem")[...]) {
                items.append(CollateralItem(kind: .certificate, body: der))
            }
        }
        let root = try Certificate.chain(pem: try file.sibling("intel-sample-trustedRootCaCert.pem")[...])
        var setting = try Self.setting(file, CollateralBundle(items), try file.validAt())
        let foreign = AttestationRules.conclusion(setting, file.bytes)
        setting.anchors = TrustAnchors(roots: [.intelSGX: root])
        let result = try AttestationVerifier(setting).verify(file.bytes, expecting: .unbound)
        let stated = name == "sgx" ? [] : ["intel.qe.identity", "intel.tcb.level"]
        let failed = result.crypto.checks.filter { $0.result == .fail }.map(\.id)
        return file.check(
            "",
            failed == stated && foreign == "rejected",
            expected: "\(file.verdict): failing \(stated), rejected under Intel's root",
            actual: "failing \(failed), \(foreign) under Intel's root"
        )
    }
}
