// `assay retention`: what a data folder or a fleet's database may forget, told first and then deleted.
internal import ArgumentParser
internal import Codecs
internal import Ledger
internal import Validator

struct RetentionCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "Delete files of ended jobs from a data folder or a fleet's database, each kind after its own time.",
        discussion: """
            Money, receipts and their bundles stay for ever; traces are in the bundles. Nothing goes that an open job needs, or \
            one whose receipt can still be disputed. A time is a number of days after the job's settlement, or forever. Outputs \
            above 64 MiB in all are not in their bundle: with them goes the only copy. The engine of a data folder must not \
            run, except with --dry-run. The engines of a fleet go on: a file that a new job names meanwhile stays, or is asked \
            for again. Broken off and begun again it goes on; done again it changes nothing more.
            """
    )

    @OptionGroup var ledger: LedgerOptions
    @Option(help: ArgumentHelp("Sources and inputs.", valueName: "days"))
    var inputs: String?
    @Option(help: ArgumentHelp("Results.", valueName: "days"))
    var outputs: String?
    @Option(help: ArgumentHelp("Proofs, quotes and collateral.", valueName: "days"))
    var evidence: String?
    @Option(help: ArgumentHelp("The output of programs.", valueName: "days"))
    var logs: String?
    @Option(help: ArgumentHelp("Results that came after their lease was over.", valueName: "days"))
    var late: String?
    @Option(help: ArgumentHelp("Files that no job names, from their last change.", valueName: "days"))
    var strays: String?
    @Option(help: ArgumentHelp("Damaged files that were set aside, from their last change.", valueName: "days"))
    var damaged: String?
    @Option(
        help: ArgumentHelp("Results of finished work in the queues of a fleet, from their arrival.", valueName: "days")
    )
    var queue: String?
    @Flag(help: "Only say what would go.")
    var dryRun = false
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let policy = try policy()
        let location = try ledger.location()
        switch location {
        case .file:
            guard let data = ledger.data else {
                throw Failure(
                    option: "--store",
                    ParseError(
                        field: "store",
                        expected: "postgres://…; a data folder is named with --data",
                        actual: location.publicText
                    )
                )
            }
            let (store, place) = try folder(data)
            return try await answer(store, place, policy, tool.now(), tool)
        case .postgres(let url):
            let store: PostgresLedgerStore
            let place: DatabaseRetention
            let now: Int64
            do throws(LedgerError) {
                // Nothing is forgotten in a database that is no ledger, and no ledger is made of it.
                try PostgresDatabase(url: url, access: .read).close()
                let database = try PostgresDatabase(url: url, access: dryRun ? .read : .write)
                store = PostgresLedgerStore(database: database, fence: nil)
                place = DatabaseRetention(database: database, name: location.publicText)
                // The clock of all of the fleet's schedulers, within a minute; that of this machine may be any.
                now = try database.clockMilliseconds() / 1000
            } catch {
                throw Failure(error, in: location.publicText)
            }
            return try await answer(store, place, policy, now, tool)
        }
    }

    private func folder(_ data: String) throws(Failure) -> (SQLiteLedgerStore, FolderRetention) {
        let folder = DataFolder(path: data)
        guard Files.isFolder(data), try Files.names(in: data).contains("ledger.sqlite") else {
            throw Failure(
                .noInput,
                "retention.missing",
                "\(data): expected a data folder with a ledger, found none",
                field: "data",
                expected: "ledger.sqlite",
                actual: "none"
            )
        }
        do throws(LedgerError) {
            // As the one writer: an engine that takes orders meanwhile would need what is being deleted.
            let store = try SQLiteLedgerStore(path: folder.ledger, access: dryRun ? .read : .write)
            return (store, FolderRetention(store: store, data: folder))
        } catch {
            throw Failure(error, in: folder.ledger)
        }
    }

    private func answer(
        _ store: any LedgerStore,
        _ place: any RetentionPlace,
        _ policy: RetentionPolicy,
        _ now: Int64,
        _ tool: Tool
    ) async throws(Failure) -> Answer {
        let (reading, again, deleting) = (
            Progress(tool, "read"), Progress(tool, "read again"), Progress(tool, "delete")
        )
        let retention = Retention(store: store, place: place) { stage, done, total in
            switch stage {
            case .reading: reading.show(UInt64(done), of: UInt64(total), "receipts")
            case .readingAgain: again.show(UInt64(done), of: UInt64(total), "receipts")
            case .deleting: deleting.show(UInt64(done), of: UInt64(total), "files")
            }
        }
        defer {
            for progress in [reading, again, deleting] { progress.finish() }
            try? store.close()
        }
        do throws(StorageError) {
            let plan = try retention.plan(policy, now: now)
            return answer(dryRun ? plan : try await retention.apply(plan), policy, place.name)
        } catch {
            throw Failure(.ioError, "retention.storage", error.description, field: "data")
        }
    }

    private func answer(_ plan: RetentionPlan, _ policy: RetentionPolicy, _ place: String) -> Answer {
        let word = dryRun ? "would go" : "gone"
        var kinds: [JSONValue] = []
        var rows: [[String]] = []
        for kind in RetentionPolicy.Kind.allCases {
            let count = plan.counts[kind] ?? RetentionPlan.Count()
            let days = policy.seconds[kind].map { "\($0 / RetentionPolicy.day)" } ?? Self.forever
            rows.append([
                kind.rawValue, days, "\(count.kept)", "\(count.keptBytes)", "\(count.going)", "\(count.goingBytes)",
            ])
            kinds.append(
                .object([
                    "kind": .string(kind.rawValue), "days": .string(days), "kept": .integer(count.kept),
                    "keptBytes": .string(String(count.keptBytes)), "gone": .integer(count.going),
                    "goneBytes": .string(String(count.goingBytes)),
                ])
            )
        }
        let items = plan.items.map { item -> JSONValue in
            .object([
                "kind": .string(item.kind.rawValue), "name": .string(item.name),
                "bytes": .string(String(item.byteCount)), "until": .string(Timestamp.text(item.until)),
            ])
        }
        return Answer(
            members: [
                "data": .string(ledger.data ?? place), "dryRun": .bool(dryRun), "kinds": .array(kinds),
                "gone": .array(items),
                "needed": .integer(plan.needed),
            ],
            lines: Table.lines(["KIND", "DAYS", "KEPT", "BYTES", word.uppercased(), "BYTES"], rows)
                + ["bundles and money: for ever; \(plan.needed) files belong to open jobs or open disputes"]
        )
    }

    private static let forever = "forever"

    private func policy() throws(Failure) -> RetentionPolicy {
        var policy = RetentionPolicy.standard
        let given: [(RetentionPolicy.Kind, String?)] = [
            (.inputs, inputs), (.outputs, outputs), (.evidence, evidence), (.logs, logs), (.late, late),
            (.strays, strays), (.damaged, damaged), (.queue, queue),
        ]
        for (kind, text) in given {
            guard let text else { continue }
            guard text != Self.forever else {
                policy.seconds[kind] = nil
                continue
            }
            guard let days = Int64(text), (0...36_500).contains(days) else {
                throw Failure(
                    option: "--\(kind.rawValue)",
                    ParseError(field: kind.rawValue, expected: "0 to 36500 days, or forever", actual: text)
                )
            }
            policy.seconds[kind] = days * RetentionPolicy.day
        }
        return policy
    }
}
