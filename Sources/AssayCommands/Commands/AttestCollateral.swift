// `assay attest collateral`: bundles made from files, and what a bundle holds.
internal import ArgumentParser
internal import Attestation
internal import Codecs
internal import Verdicts

struct AttestCollateralCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collateral",
        abstract: "Put together and show collateral: certificates, revocation lists, TCB infos, reference manifests.",
        subcommands: [AttestCollateralCreate.self, AttestCollateralShow.self, AttestCollateralCheck.self]
    )
}

struct AttestCollateralCreate: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make one bundle from files. Nothing is written unless every file has its form.",
        discussion: """
            A bundle is not trusted, so it may hold too much: a verification finds what it needs by what the items say, and \
            checks the signature of each. The same item is kept once.
            """
    )

    @Option(name: .shortAndLong, help: ArgumentHelp("The bundle to write.", valueName: "file"))
    var output: String
    @Option(help: ArgumentHelp("A bundle whose items are taken over.", valueName: "file"))
    var bundle: [String] = []
    @Option(help: ArgumentHelp("Certificates, DER or PEM.", valueName: "file"))
    var certificate: [String] = []
    @Option(help: ArgumentHelp("A revocation list, DER or PEM.", valueName: "file"))
    var crl: [String] = []
    @Option(
        help: ArgumentHelp(
            "A TCB info or quoting enclave identity as Intel's service answers it; needs --issuer-chain.",
            valueName: "file"
        )
    )
    var tcb: [String] = []
    @Option(help: ArgumentHelp("The PEM issuer chain of every --tcb.", valueName: "file"))
    var issuerChain: String?
    @Option(
        help: ArgumentHelp(
            "Collateral in the JSON of quote verification libraries (QuoteCollateralV3).",
            valueName: "file"
        )
    )
    var quoteCollateral: [String] = []
    @Option(help: ArgumentHelp("An NVIDIA reference manifest.", valueName: "file"))
    var rim: [String] = []
    @Option(help: ArgumentHelp("An OCSP response, DER.", valueName: "file"))
    var ocsp: [String] = []
    @Option(help: ArgumentHelp("A TCG event log or CCEL.", valueName: "file"))
    var eventLog: [String] = []
    @Option(help: ArgumentHelp("The certificate table that a host gives beside an SEV-SNP report.", valueName: "file"))
    var snpTable: [String] = []
    @Option(help: ArgumentHelp("An SEV-SNP ID block followed by its authentication.", valueName: "file"))
    var idBlock: [String] = []
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        var items: [CollateralItem] = []
        for path in bundle { items += try AttestInput.collateral(path).items }
        for path in quoteCollateral {
            items += try AttestInput.read(path, Self.malformed, maxBytes: 4 << 20) { (bytes) throws(ParseError) in
                try CollateralBundle(quoteCollateralV3: bytes).items
            }
        }
        for path in certificate { items += try Self.read(path, .certificate, pem: "CERTIFICATE") }
        for path in crl { items += try Self.read(path, .revocationList, pem: "X509 CRL") }
        if !tcb.isEmpty {
            guard let issuerChain else {
                let error = ParseError(field: "--issuer-chain", expected: "the chain of --tcb", actual: "nothing")
                throw Failure(option: "--issuer-chain", error)
            }
            let chain = try Files.read(issuerChain, maxBytes: 1 << 16)
            for path in tcb {
                items.append(
                    try AttestInput.read(path, Self.malformed, maxBytes: 4 << 20) { (bytes) throws(ParseError) in
                        try CollateralItem(pcsResponse: bytes, chain: chain)
                    }
                )
            }
        }
        for path in rim { items += try Self.read(path, .nvidiaRIM) }
        for path in ocsp { items += try Self.read(path, .ocspResponse) }
        for path in eventLog { items += try Self.read(path, .eventLog) }
        for path in idBlock { items += try Self.read(path, .amdIDBlock) }
        for path in snpTable {
            items += try AttestInput.read(path, Self.malformed, maxBytes: 1 << 20) { (bytes) throws(ParseError) in
                try SNPCertificateTable(parsing: bytes[...]).items
            }
        }
        guard !items.isEmpty else {
            throw Failure(.usage, "usage", "no items were named", expected: "at least one file", actual: "none")
        }
        var seen: Set<CollateralItem> = []
        items = items.filter { seen.insert($0).inserted }
        guard items.count <= CollateralBundle.maxItems else {
            throw Failure(
                .dataError,
                Self.malformed,
                "\(output): expected at most \(CollateralBundle.maxItems) items, found \(items.count)",
                expected: "at most \(CollateralBundle.maxItems) items",
                actual: "\(items.count)"
            )
        }
        let bundle = CollateralBundle(items)
        let rows = try CollateralRows(bundle, in: output)
        try Files.write(bundle.json.serialized(pretty: true) + [0x0a], to: output)
        return Answer(members: ["path": .string(output), "items": rows.json], lines: ["\(output):"] + rows.lines)
    }

    private static let malformed = "collateral.malformed"

    /// The items of one file; with a label, PEM text is read too.
    private static func read(
        _ path: String,
        _ kind: CollateralKind,
        pem label: String? = nil
    ) throws(Failure) -> [CollateralItem] {
        try AttestInput.read(path, malformed, maxBytes: 16 << 20) { (bytes) throws(ParseError) in
            var bodies = [bytes]
            if let label, bytes.first == UInt8(ascii: "-") {
                bodies = try PEM.decode(bytes[...], label: label, max: 64)
            }
            var items: [CollateralItem] = []
            for body in bodies {
                let item = CollateralItem(kind: kind, body: body)
                _ = try item.summary()
                items.append(item)
            }
            return items
        }
    }
}

struct AttestCollateralShow: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract:
            "List the items of a bundle with what they are about and how long they count. No signature is checked."
    )

    @Argument(help: ArgumentHelp("The bundle; - is standard input.", valueName: "bundle"))
    var file: String
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let bundle = try AttestInput.collateral(file)
        let rows = try CollateralRows(bundle, in: file)
        return Answer(members: ["path": .string(file), "items": rows.json], lines: rows.lines)
    }
}

struct AttestCollateralCheck: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check every item of a bundle on its own: form, chain to a pinned root, signature, dates.",
        discussion: """
            Exit code 0: every item holds up. 1: a signature or a chain does not. 3: nothing is wrong, but something is \
            missing or too old. A verification checks anew whatever it uses.
            """
    )

    @Argument(help: ArgumentHelp("The bundle; - is standard input.", valueName: "bundle"))
    var file: String
    @Option(help: ArgumentHelp("The pinned roots.", valueName: "file"))
    var trust: String
    @Option(help: ArgumentHelp("The time of the check: 2026-11-21T05:40:00Z, or now.", valueName: "time"))
    var time: String
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let at = try AttestInput.time(time, tool)
        let anchors = try AttestInput.anchors(trust)
        let reports = try AttestInput.collateral(file).check(anchors: anchors, time: at)
        let worst: ExitStatus =
            reports.contains { $0.findings.hasFailure }
            ? .rejected : reports.contains { $0.findings.isIncomplete } ? .incomplete : .ok
        let rows = reports.map { report -> [String] in
            let line = report.findings.checks.first {
                $0.result == .fail || ($0.result == .skip && !$0.expected.isEmpty)
            }
            let word = report.findings.isClean ? "good" : report.findings.hasFailure ? "bad" : "open"
            let why = line.map { "\($0.id): expected \($0.expected), found \($0.actual)" } ?? ""
            return [word, report.kind.rawValue, report.summary?.subject ?? "-", why]
        }
        var answer = Answer(
            worst,
            members: [
                "path": .string(file), "time": .string(at.text),
                "items": .array(
                    reports.map { report in
                        .object([
                            "kind": .string(report.kind.rawValue), "about": .string(report.summary?.subject ?? ""),
                            "ok": .bool(report.findings.isClean),
                            "checks": .array(report.findings.checks.map(\.json)),
                        ])
                    }
                ),
            ],
            lines: Table.lines(["", "KIND", "ABOUT", "WHY"], rows)
        )
        if let bad = reports.first(where: { !$0.findings.isClean }) {
            answer.failure = Failure(
                worst,
                worst == .rejected ? "collateral.rejected" : "collateral.incomplete",
                "\(file): item \(bad.index) (\(bad.kind.rawValue)) does not hold up",
                field: "items[\(bad.index)]"
            )
        }
        return answer
    }
}

/// The items of a bundle as rows of a table.
struct CollateralRows {
    private let rows: [(kind: CollateralKind, summary: CollateralSummary)]

    /// - Throws: a failure that names the item that does not have its form.
    init(_ bundle: CollateralBundle, in path: String) throws(Failure) {
        var rows: [(CollateralKind, CollateralSummary)] = []
        for (index, item) in bundle.items.enumerated() {
            do throws(ParseError) {
                rows.append((item.kind, try item.summary(field: "items[\(index)]")))
            } catch {
                throw Failure(error, id: "collateral.malformed", in: path)
            }
        }
        self.rows = rows
    }

    var lines: [String] {
        Table.lines(
            ["KIND", "FROM", "UNTIL", "ABOUT"],
            rows.map {
                [$0.kind.rawValue, $0.summary.from?.text ?? "-", $0.summary.until?.text ?? "-", $0.summary.subject]
            }
        )
    }

    var json: JSONValue {
        .array(
            rows.map { row in
                .object([
                    "kind": .string(row.kind.rawValue), "about": .string(row.summary.subject),
                    "from": row.summary.from.map { .string($0.text) } ?? .null,
                    "until": row.summary.until.map { .string($0.text) } ?? .null,
                ])
            }
        )
    }
}
