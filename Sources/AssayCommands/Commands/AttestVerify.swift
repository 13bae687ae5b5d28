// `assay attest verify`: one piece of evidence against trust, collateral, policy and time.
internal import ArgumentParser
internal import Attestation
internal import Codecs
internal import Commitments
internal import Verdicts

struct AttestVerify: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verify evidence: SGX, TDX, SEV-SNP, Nitro, CCA, PSA, TPM, Azure vTPM, NVIDIA. No network.",
        discussion: """
            The kind is told from the bytes. Exit code 0: genuine and acceptable. 1: the cryptography or the vendor says no. \
            2: genuine, and only the policy refuses. 3: something is missing or too old to decide. 65: malformed.
            """
    )

    @Argument(help: ArgumentHelp("The evidence; - is standard input.", valueName: "evidence"))
    var file: String
    @Option(
        name: .customLong("collateral"),
        help: ArgumentHelp("A collateral bundle; may be given several times.", valueName: "file")
    )
    var bundles: [String] = []
    @Option(help: ArgumentHelp("The pinned roots and keys.", valueName: "file"))
    var trust: String
    @Option(help: ArgumentHelp("What is acceptable, in JSON or TOML.", valueName: "file"))
    var policy: String
    @Option(help: ArgumentHelp("The time of the verification: 2026-11-21T05:40:00Z, or now.", valueName: "time"))
    var time: String
    @Option(
        help: ArgumentHelp(
            "The report data or challenge that the evidence must carry, in hexadecimal.",
            valueName: "hex"
        )
    )
    var expectReportData: String?
    @Option(help: ArgumentHelp("The nonce that the evidence must carry, in hexadecimal.", valueName: "hex"))
    var expectNonce: String?
    @Option(help: ArgumentHelp("The public key that the evidence must carry, in hexadecimal.", valueName: "hex"))
    var expectPublicKey: String?
    @Flag(help: "Say for every check what was expected and by which document.")
    var explain = false
    @Flag(help: "Print an EAT Attestation Result (unsigned claims) in place of everything else.")
    var ear = false
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let at = try AttestInput.time(time, tool)
        let expectations = Expectations(
            reportData: try Self.expected("--expect-report-data", expectReportData),
            nonce: try Self.expected("--expect-nonce", expectNonce),
            publicKey: try Self.expected("--expect-public-key", expectPublicKey)
        )
        // Trust first: without it nothing in the evidence means anything.
        let anchors = try AttestInput.anchors(trust)
        let rules = try AttestInput.policy(policy)
        var collateral = CollateralBundle()
        for path in bundles { collateral.items += try AttestInput.collateral(path).items }
        let setting = AppraisalSetting(anchors: anchors, collateral: collateral, policy: rules, time: at)
        let bytes = try AttestInput.evidence(file)
        let result: AttestationResult
        do throws(ParseError) {
            result = try AttestationVerifier(setting).verify(bytes, expecting: expectations)
        } catch {
            throw Failure(error, id: "evidence.malformed", in: file)
        }
        let words = AttestationWords(result: result, path: file, style: tool.style, explain: explain)
        var answer = words.answer
        if expectations == .unbound {
            tool.note("note: no --expect-… was given, so this evidence may have been made for anybody at any time")
        }
        if ear { answer.verbatim = result.ear.text(pretty: true) + "\n" }
        return answer
    }

    private static func expected(_ option: String, _ text: String?) throws(Failure) -> Expected {
        guard let text else { return .any }
        return .exactly(
            try Failure.parsing(option) { () throws(ParseError) in
                try Hex.decode(text, allowsUpperCase: true, field: option)
            }
        )
    }
}

/// A result in words.
struct AttestationWords {
    let result: AttestationResult
    let path: String
    let style: Style
    let explain: Bool

    private var checks: [Check] { result.crypto.checks + result.policy.checks }

    private var status: ExitStatus {
        switch result.conclusion {
        case .verified: .ok
        case .rejected: .rejected
        case .refusedByPolicy: .policy
        case .incomplete: .incomplete
        }
    }

    /// The check that decided, when the evidence is not verified.
    private var decisive: Check? {
        let lines = result.crypto.isClean ? result.policy : result.crypto
        if lines.hasFailure || result.conclusion != .incomplete { return lines.checks.first { $0.result == .fail } }
        // What is missing is a skipped line that expects something; what is stale is a failed one.
        return lines.checks.first { $0.result == .fail || ($0.result == .skip && !$0.expected.isEmpty) }
    }

    var answer: Answer {
        var answer = Answer(
            status,
            members: [
                "path": .string(path), "kind": .string(result.kind.rawValue),
                "conclusion": .string(result.conclusion.rawValue), "offline": .bool(true), "result": result.json,
            ],
            lines: lines
        )
        guard result.conclusion != .verified else { return answer }
        let check = decisive
        let what =
            switch result.conclusion {
            case .rejected: "is not genuine, or its vendor does not vouch for it"
            case .refusedByPolicy: "is genuine, and the policy refuses it"
            default: "cannot be decided"
            }
        answer.failure = Failure(
            status,
            "attest.\(result.conclusion.rawValue)",
            "\(path): the \(result.kind.rawValue) evidence \(what)" + (check.map { ": \($0.id)" } ?? ""),
            field: check?.id ?? "",
            expected: check?.expected ?? "",
            actual: check?.actual ?? "",
            hint: hint
        )
        return answer
    }

    private var hint: String {
        guard result.conclusion == .incomplete else { return "" }
        switch result.kind {
        case .sgx, .tdx, .sevSNP, .nvidiaGPU, .nvidiaSwitch, .azureVTPM:
            return "assay attest fetch asks the vendors' services for what is missing (needs --online)"
        case .nitro, .tpm, .cca, .psa: return "what is missing belongs into the trust file or the collateral"
        }
    }

    private var lines: [String] {
        let time = result.time.text
        let word: String
        switch result.conclusion {
        case .verified: word = style.good("VERIFIED")
        case .rejected: word = style.bad("REJECTED")
        case .refusedByPolicy: word = style.bad("REFUSED BY POLICY")
        case .incomplete: word = style.unsure("INCOMPLETE")
        }
        let place = decisive.map { "  [\($0.id)]" } ?? ""
        let title =
            result.conclusion == .verified
            ? "\(path): \(word)   (\(result.kind.rawValue), \(checks.count) checks, offline, as of \(time))"
            : "\(path): \(word)\(place)   (\(result.kind.rawValue), as of \(time))"
        var facts: [(String, String)] = []
        if let status = result.tcbStatus { facts.append(("status", status)) }
        if !result.advisories.isEmpty { facts.append(("advisories", result.advisories.joined(separator: ", "))) }
        facts.append(("identity", result.identity.digest.text))
        if let change = result.changes.first { facts.append(("may change", "\(change.at): \(change.what)")) }
        var lines = [title] + Table.facts(facts, indent: 2)
        if explain {
            lines.append("  the cryptography:")
            lines += result.crypto.checks.map(line)
            lines.append("  the policy:")
            lines += result.policy.checks.map(line)
            if !result.assumptions.isEmpty { lines.append("  it rests on:") }
            lines += result.assumptions.map { "    \($0.id): \($0.text)" }
            lines += result.changes.map { "    after \($0.at): \($0.what)" }
        } else {
            let open = checks.filter { $0.result == .fail || ($0.result == .skip && !$0.expected.isEmpty) }
            lines += open.map(line)
            let passed = checks.count { $0.result == .pass }
            let skipped = checks.count { $0.result == .skip && $0.expected.isEmpty }
            lines.append("  \(passed) checks passed, \(skipped) do not apply; --explain lists them")
        }
        return lines
    }

    private func line(_ check: Check) -> String {
        let source = explain && !check.source.isEmpty ? "  (\(check.source))" : ""
        switch check.result {
        case .pass: return "    \(style.good("pass"))  \(check.id): \(check.actual)\(source)"
        case .fail:
            return "    \(style.bad("fail"))  \(check.id): expected \(check.expected), found \(check.actual)\(source)"
        case .skip:
            let expected = check.expected.isEmpty ? "" : "expected \(check.expected), "
            return "    \(style.unsure("skip"))  \(check.id): \(expected)\(check.actual)\(source)"
        }
    }
}
