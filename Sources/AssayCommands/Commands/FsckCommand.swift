// `assay fsck`: everything that an engine's data folder says, computed again.
internal import Appraisal
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import Ledger
internal import Receipts
internal import Signatures
internal import Validator
internal import Verdicts

struct FsckCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck",
        abstract: "Check an engine's ledger: every balance from transfers, every receipt from its bundle.",
        discussion: """
            The artefacts of the data folder or the database too. Reads only, unless --repair sets damaged artefacts aside; a \
            running engine is not disturbed. Exit code 1 when something does not hold.
            """
    )

    @Flag(help: "Set damaged artefacts aside, so that an engine asks for them again.")
    var repair = false
    @OptionGroup var ledger: LedgerOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        guard let data = ledger.data, ledger.store == nil else {
            let (store, name) = try ledger.open()
            var checks = try await checks(of: store, name, tool)
            if case .postgres(let url) = try ledger.location() { checks.append(try artefacts(inDatabase: url, name)) }
            return Self.answer(checks, name, tool)
        }
        let folder = DataFolder(path: data)
        guard Files.isFolder(data), (try? Files.names(in: data).contains("ledger.sqlite")) == true else {
            throw Failure(
                .noInput,
                "fsck.missing",
                "\(data): expected a data folder with a ledger, found none",
                field: "data",
                expected: "ledger.sqlite",
                actual: "none"
            )
        }
        let store: SQLiteLedgerStore
        do throws(LedgerError) {
            store = try SQLiteLedgerStore(path: folder.ledger, access: .read)
        } catch {
            throw Failure(error, in: folder.ledger)
        }
        var checks = try await checks(of: store, folder.ledger, tool)
        checks.append(try artefacts(folder, tool))
        return Self.answer(checks, data, tool)
    }

    /// Every check of a ledger, wherever it is kept.
    private func checks(of store: any LedgerStore, _ name: String, _ tool: Tool) async throws(Failure) -> [FsckLine] {
        do throws(LedgerError) {
            var checks = try Fsck.run(store).checks.map(FsckLine.init)
            checks.append(try await audits(store, tool))
            try store.close()
            return checks
        } catch {
            throw Failure(error, in: name)
        }
    }

    /// Every bundle audited against itself: whom it names as engine and validators is believed for once, so that only what
    /// contradicts itself fails.
    private func audits(_ store: any LedgerStore, _ tool: Tool) async throws(LedgerError) -> FsckLine {
        var line = FsckLine(id: "audits")
        let count = try store.receiptCount()
        let progress = Progress(tool, "audit")
        defer { progress.finish() }
        var page = try store.latestReceipts(before: nil, limit: 100)
        while let oldest = page.last {
            for row in page.map(\.row) {
                line.examined += 1
                progress.show(UInt64(line.examined), of: UInt64(count), "receipts")
                guard let bytes = try store.receipt(job: row.job)?.bundleBytes else {
                    line.fail("job \(row.job): expected a receipt, found none")
                    continue
                }
                if let fault = await Self.fault(of: bytes, job: row.job) { line.fail("job \(row.job): \(fault)") }
            }
            page = try store.latestReceipts(before: oldest.position, limit: 100)
        }
        return line
    }

    /// What is wrong with a bundle taken by itself; `nil` when nothing is.
    private static func fault(of bytes: [UInt8], job: Digest) async -> String? {
        do {
            let bundle = try Bundle(parsing: bytes)
            guard bundle.jobID.digest == job else { return "expected its own receipt, found that of \(bundle.jobID)" }
            let receipt = try UnverifiedDocument<Receipt>(parsing: try bundle.member(BundleMember.receipt)).predicate
            var validators: [VerifyingKey] = []
            for index in receipt.verdictDigests.indices {
                let bytes = try bundle.member(BundleMember.verdict(index))
                let key = try UnverifiedDocument<VerdictStatement>(parsing: bytes).predicate.validator
                if !validators.contains(key) { validators.append(key) }
            }
            // Without verdicts the list stands for "nobody", and must not be empty.
            let trust = try TrustFile(
                engines: [receipt.engine],
                validators: validators.isEmpty ? [receipt.engine] : validators,
                quorum: max(1, validators.count)
            )
            let report = try await Audit.run(bundle: bytes, trust: trust)
            guard let failed = report.verdict.firstFailure else { return nil }
            return "\(failed.id): expected \(failed.expected), found \(failed.actual)"
        } catch {
            return "\(error)"
        }
    }

    /// Every stored file against its name.
    private func artefacts(_ folder: DataFolder, _ tool: Tool) throws(Failure) -> FsckLine {
        var line = FsckLine(id: "artefacts")
        guard Files.isFolder(folder.artefacts) else { return line }
        for name in try Files.names(in: folder.artefacts) where !name.hasPrefix(".") {
            line.examined += 1
            do throws(FileError) {
                let names = try ArtefactScan.file(
                    folder.artefacts + "/" + name,
                    options: ScanOptions(flatSHA256: false)
                )
                guard names.cid.text != name else { continue }
                line.fail("\(name): expected a file of that name, found \(names.cid)")
            } catch {
                line.fail(error.description)
            }
            guard repair, let cid = try? CID(text: name) else { continue }
            do throws(StorageError) {
                try ArtefactStore(folder: folder.artefacts).setAside(cid)
            } catch {
                throw Failure(.ioError, "fsck.repair", error.description, field: name)
            }
        }
        return line
    }

    /// Every file in a fleet's database against its name.
    private func artefacts(inDatabase url: String, _ name: String) throws(Failure) -> FsckLine {
        var line = FsckLine(id: "artefacts")
        do throws(LedgerError) {
            let files = PostgresArtefacts(database: try PostgresDatabase(url: url, access: repair ? .write : .read))
            var last = ""
            while true {
                let names = try files.names(after: last, limit: 1000)
                guard let end = names.last else { return line }
                for name in names where !name.hasPrefix(PostgresArtefacts.damagedPrefix) {
                    line.examined += 1
                    let found = try files.get(name)
                    // A retention may have deleted it since it was listed.
                    if found == nil, try !files.contains(name) { continue }
                    let actual = found.map { ArtefactIdentity(of: $0).cid.text } ?? "none"
                    guard actual != name else { continue }
                    line.fail("\(name): expected a file of that name, found \(actual)")
                    if repair { try files.setAside(name) }
                }
                last = end
            }
        } catch {
            throw Failure(error, in: name)
        }
    }

    private static func answer(_ checks: [FsckLine], _ data: String, _ tool: Tool) -> Answer {
        let failed = checks.first { $0.faultCount > 0 }
        let rows = checks.flatMap { check -> [String] in
            let word = check.faultCount == 0 ? tool.style.good("pass") : tool.style.bad("FAIL")
            let name = check.id + String(repeating: " ", count: max(0, 14 - check.id.count))
            let more =
                check.faultCount > check.faults.count
                ? ["        and \(check.faultCount - check.faults.count) more"] : []
            return ["  \(word)  \(name) \(check.examined) examined, \(check.faultCount) faults"]
                + check.faults.map { "        \($0)" } + more
        }
        let word = failed == nil ? tool.style.good("CLEAN") : tool.style.bad("DAMAGED")
        var answer = Answer(
            failed == nil ? .ok : .rejected,
            members: [
                "data": .string(data), "clean": .bool(failed == nil), "checks": .array(checks.map(\.json)),
            ],
            lines: ["\(data): \(word)"] + rows
        )
        if let failed {
            answer.failure = Failure(
                .rejected,
                "fsck.\(failed.id)",
                "\(data): \(failed.id): \(failed.faults.first ?? "a fault")",
                field: failed.id,
                expected: "no faults",
                actual: "\(failed.faultCount) faults"
            )
        }
        return answer
    }
}

/// One question of the audit and its answer.
struct FsckLine: Sendable {
    let id: String
    var examined = 0
    var faultCount = 0
    var faults: [String] = []

    init(id: String) {
        self.id = id
    }

    init(_ check: FsckReport.Check) {
        id = check.id
        examined = check.examined
        faultCount = check.faultCount
        faults = check.faults
    }

    mutating func fail(_ fault: String) {
        faultCount += 1
        if faults.count < Fsck.faultsTold { faults.append(fault) }
    }

    var json: JSONValue {
        .object([
            "id": .string(id),
            "result": .string(faultCount == 0 ? "pass" : "fail"),
            "examined": .integer(examined),
            "faultCount": .integer(faultCount),
            "faults": .array(faults.map { .string($0) }),
        ])
    }
}
