// Requests that are sent again: the first answer, or a conflict that names the field. From memory and from stores.
import Commitments
import Testing

@testable import Ledger

@Suite struct ReplayTests {
    let town = Town()

    private func operations() -> [LedgerOperation] {
        [
            .openAccount(town.alice),
            .transfer(town.transfer("gift", town.alice, town.bob, 300)),
            .hold(town.hold("h", 500), expiresAt: 100),
            .resolve(town.resolution("r", of: "h", provider: 400, fee: 20)),
            .hold(town.hold("h2", 100, job: 2), expiresAt: 65),
            .expire(name("h2")),
        ]
    }

    /// Sends every operation twice; with a store, the second time after the book has forgotten it.
    private func sendTwice(_ store: (any LedgerStore)?) async throws {
        var book = Book(history: store ?? EmptyHistory())
        let opened = Batch(effects: try town.open(&book, funds: 1000), receipts: [town.receipt()])
        try await store?.commit(opened)
        if store != nil { book.release(opened) }
        for (index, operation) in operations().enumerated() {
            let first = try book.apply(operation, at: 60 + Int64(index))
            let batch = Batch(effects: [first])
            try await store?.commit(batch)
            if store != nil { book.release(batch) }
            let accounts = book.accounts
            let second = try book.apply(operation, at: 77)
            var expected = first
            expected.replayed = true
            #expect(second == expected)
            #expect(book.accounts == accounts)
        }
        if store != nil { #expect(book.pendingRelease == 0) }
        try book.verify()
    }

    @Test func firstAnswerAgainFromMemory() async throws {
        try await sendTwice(nil)
    }

    @Test func firstAnswerAgainFromAStoreInMemory() async throws {
        try await sendTwice(MemoryLedgerStore())
    }

    @Test func firstAnswerAgainFromSQLite() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteLedgerStore(path: folder.ledger)
        try await sendTwice(store)
        try store.close()
    }

    @Test func anotherBodyIsAConflictThatNamesTheField() throws {
        var book = try town.book()
        _ = try book.apply(.transfer(town.transfer("t", town.alice, town.bob, 300)), at: 5)
        _ = try book.apply(.hold(town.hold("h", 500), expiresAt: 100), at: 5)
        _ = try book.apply(.resolve(town.resolution("r", of: "h", provider: 400, fee: 20)), at: 5)

        func field(_ operation: LedgerOperation) -> String? {
            var copy = book
            do throws(LedgerError) {
                _ = try copy.apply(operation, at: 9)
                return nil
            } catch {
                guard case .conflict(let field, _, _) = error else { return "\(error)" }
                return field
            }
        }
        let transfer = town.transfer("t", town.alice, town.bob, 300)
        let changes: [(String, (inout Transfer) -> Void)] = [
            ("amount", { $0.amount = 301 }), ("debit", { $0.debit = town.fee.id }),
            ("credit", { $0.credit = town.fee.id }), ("currency", { $0.currency = "EUR" }),
            ("kind", { $0.kind = .withdraw }), ("job", { $0.job = digest("job", 9) }), ("attempt", { $0.attempt = 1 }),
            ("leg", { $0.leg = "x" }), ("verdict", { $0.verdict = digest("v", 1) }),
            ("ruleset", { $0.ruleset = digest("r", 1) }), ("pendingID", { $0.pendingID = name("h") }),
        ]
        for (expected, change) in changes {
            var changed = transfer
            change(&changed)
            #expect(field(.transfer(changed)) == expected)
        }
        #expect(field(.hold(town.hold("h", 501), expiresAt: 100)) == "amount")
        #expect(field(.hold(town.hold("h", 500), expiresAt: 101)) == "expiresAt")
        #expect(field(.resolve(town.resolution("r", of: "h", provider: 401, fee: 20))) == "legs[0].amount")
        #expect(field(.resolve(town.resolution("r", of: "h", provider: 400, fee: 0))) == "legs.count")
        #expect(field(.resolve(town.resolution("r", of: "h", provider: 400, fee: 20, job: 2))) == "verdict")
        #expect(field(.resolve(town.resolution("r", of: "other", provider: 400, fee: 20))) == "hold")
        // One id, three kinds of operation.
        #expect(field(.transfer(town.transfer("h", town.alice, town.bob, 300))) == "operation")
        #expect(field(.hold(town.hold("t", 500), expiresAt: 100)) == "operation")
        #expect(field(.resolve(town.resolution("t", of: "h", provider: 400, fee: 20))) == "operation")
    }

    @Test func conflictsSayWhatWasThere() throws {
        var book = try town.book()
        _ = try book.apply(.transfer(town.transfer("t", town.alice, town.bob, 300)), at: 5)
        var other = town.transfer("t", town.alice, town.bob, 300)
        other.verdict = digest("v", 1)
        let expected = LedgerError.conflict(field: "verdict", expected: "none", actual: digest("v", 1).hex)
        #expect(throws: expected) { try book.apply(.transfer(other), at: 5) }
    }

    /// Operations arrive in any order, one to three times each, until all are taken; the books must come out as if each had
    /// been sent once, in order.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func orderAndRepetitionDoNotMatter(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var operations = town.accounts.map { LedgerOperation.openAccount($0) }
        operations.append(.transfer(town.credit(town.alice, 10_000)))
        for job in 0..<20 {
            operations.append(.hold(town.hold("h\(job)", 400, job: job), expiresAt: 1000))
            operations.append(
                .resolve(town.resolution("r\(job)", of: "h\(job)", provider: Int64(job) * 10, fee: 7, job: job))
            )
            operations.append(.transfer(town.transfer("t\(job)", town.alice, town.bob, Int64(job + 1))))
        }
        var ordered = Book()
        for operation in operations { _ = try ordered.apply(operation, at: 5) }

        var book = Book()
        var waiting = operations.flatMap { Array(repeating: $0, count: Int.random(in: 1...3, using: &random)) }
        var rounds = 0
        while !waiting.isEmpty, rounds < 1000 {
            waiting.shuffle(using: &random)
            waiting = waiting.filter { operation in (try? book.apply(operation, at: 5)) == nil }
            rounds += 1
        }
        #expect(waiting.isEmpty, "seed \(seed): \(waiting.count) operations were never taken")
        #expect(book.accounts == ordered.accounts, "seed \(seed)")
        try book.verify()
    }
}
