// `assay attest fetch`: what evidence needs, asked from the vendors' services into one bundle.
internal import ArgumentParser
internal import Attestation
internal import Codecs
internal import CollateralClient
internal import Foundation

struct AttestFetch: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Fetch the collateral that evidence needs into a bundle. The only command of attest with a network.",
        discussion: """
            Nothing is written unless it parsed and is what was asked for. What the bundle has already and is current is not \
            asked for again, so the same command may be repeated: after a failure it goes on where it stopped. Exit code 0: \
            everything is there. 4: some did not come. 69: none did. Without --online the needs are only listed (3).
            """
    )

    @Argument(help: ArgumentHelp("The evidence.", valueName: "evidence"))
    var files: [String]
    @Option(name: .shortAndLong, help: ArgumentHelp("The bundle to write or to complete.", valueName: "file"))
    var output: String
    @Flag(help: "Really use the network.")
    var online = false
    @Option(help: ArgumentHelp("Intel's service or a caching one (PCCS).", valueName: "url"))
    var pcs: String?
    @Option(
        help: ArgumentHelp(
            "Where the list of Intel's root is; with --pcs that service is asked for it.",
            valueName: "url"
        )
    )
    var intelRootCrl: String?
    @Option(help: ArgumentHelp("AMD's key distribution service.", valueName: "url"))
    var kds: String?
    @Option(help: ArgumentHelp("NVIDIA's service of reference manifests.", valueName: "url"))
    var rim: String?
    @Option(help: ArgumentHelp("NVIDIA's OCSP responder.", valueName: "url"))
    var ocsp: String?
    @Flag(name: .customLong("no-ocsp"), help: "Do not ask for revocation of NVIDIA's certificates.")
    var noOCSP = false
    @Option(
        help: ArgumentHelp("The product of reports that do not name theirs: milan, genoa, turin.", valueName: "name")
    )
    var product: String?
    @Option(help: ArgumentHelp("The longest that one exchange may take.", valueName: "seconds"))
    var timeout = 30
    @Option(help: "How often one thing is asked for when the service says not now.")
    var attempts = 4
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let endpoints = try endpoints()
        var known: AMDProduct?
        if let product {
            known = AMDProduct.allCases.first { $0.rawValue.lowercased() == product.lowercased() }
            guard known != nil else {
                let error = ParseError(field: "product", expected: "milan, genoa or turin", actual: product)
                throw Failure(option: "--product", error)
            }
        }
        guard (1...3600).contains(timeout), (1...100).contains(attempts) else {
            throw Failure(.usage, "usage", "--timeout is 1 to 3600 seconds, --attempts 1 to 100")
        }
        var plan = CollateralPlan()
        for file in files {
            let bytes = try AttestInput.evidence(file)
            do throws(ParseError) {
                try plan.add(bytes, product: known, hasOCSP: !noOCSP)
            } catch {
                throw Failure(error, id: "evidence.malformed", in: file)
            }
        }
        for note in plan.notes { tool.note("note: \(note)") }
        var bundle = CollateralBundle()
        if FileManager.default.fileExists(atPath: output) { bundle = try AttestInput.collateral(output) }
        guard online else { return listed(plan, bundle, tool) }

        var patience = CollateralClient.Patience()
        patience.timeoutMilliseconds = timeout * 1000
        patience.attempts = attempts
        let progress = Progress(tool, "fetching")
        let client = CollateralClient(endpoints, patience: patience, pause: tool.pause)
        let fetch = await client.fetch(plan, into: bundle, at: Timestamp(seconds: tool.now())) { done, total, _ in
            progress.show(UInt64(done), of: UInt64(total), "items")
        }
        progress.finish()
        if fetch.bundle.items != bundle.items {
            try Files.write(fetch.bundle.json.serialized(pretty: true) + [0x0a], to: output)
        }
        return summary(fetch)
    }

    private func endpoints() throws(Failure) -> CollateralEndpoints {
        var endpoints = CollateralEndpoints()
        func checked(_ option: String, _ url: String) throws(Failure) -> String {
            try Failure.parsing(option) { () throws(ParseError) in try CollateralEndpoints.checked(url, field: option) }
        }
        if let pcs {
            endpoints.pcs = try checked("--pcs", pcs)
            endpoints.intelRootList = nil
        }
        if let intelRootCrl { endpoints.intelRootList = try checked("--intel-root-crl", intelRootCrl) }
        if let kds { endpoints.kds = try checked("--kds", kds) }
        if let rim { endpoints.rim = try checked("--rim", rim) }
        if let ocsp { endpoints.ocsp = try checked("--ocsp", ocsp) }
        return endpoints
    }

    /// What would be asked for.
    private func listed(_ plan: CollateralPlan, _ bundle: CollateralBundle, _ tool: Tool) -> Answer {
        let now = Timestamp(seconds: tool.now())
        let rows = plan.needs.map { [$0.isMet(by: bundle, at: now) ? "there" : "missing", $0.text] }
        let missing = rows.count { $0[0] == "missing" }
        var answer = Answer(
            missing == 0 ? .ok : .incomplete,
            members: ["path": .string(output), "needs": Self.json(rows)],
            lines: rows.isEmpty ? ["no service has anything for this evidence"] : Table.lines(["STATE", "NEED"], rows)
        )
        if missing > 0 {
            answer.failure = Failure(
                .incomplete,
                "fetch.offline",
                "\(missing) of \(rows.count) items are missing and the network was not used",
                hint: "add --online to fetch them"
            )
        }
        return answer
    }

    private func summary(_ fetch: CollateralFetch) -> Answer {
        var rows = fetch.kept.map { ["kept", $0.text] } + fetch.fetched.map { ["fetched", $0.text] }
        rows += fetch.failures.map { ["failed", "\($0.need.text): \($0.error)"] }
        let hasSome = !(fetch.kept.isEmpty && fetch.fetched.isEmpty)
        let isCancelled = fetch.failures.contains { $0.error == .cancelled }
        let status: ExitStatus =
            fetch.failures.isEmpty ? .ok : isCancelled ? .interrupted : hasSome ? .partial : .unavailable
        var answer = Answer(
            status,
            members: [
                "path": .string(output), "needs": Self.json(rows), "items": .integer(fetch.bundle.items.count),
            ],
            lines: Table.lines(["STATE", "NEED"], rows)
        )
        if let first = fetch.failures.first {
            answer.failure = Failure(
                status,
                "fetch.\(status.name)",
                "\(fetch.failures.count) of \(rows.count) items did not come: \(first.need.text): \(first.error)",
                field: first.need.text,
                hint: first.error.isTemporary ? "the same command goes on where this one stopped" : ""
            )
        }
        return answer
    }

    private static func json(_ rows: [[String]]) -> JSONValue {
        .array(rows.map { .object(["state": .string($0[0]), "need": .string($0[1])]) })
    }
}
