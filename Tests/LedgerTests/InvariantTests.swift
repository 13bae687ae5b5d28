// The production assertions must see each fault that they are there for.
import AssayTesting
import Commitments
import Testing

@testable import Ledger

@Suite struct InvariantTests {
    let town = Town()

    /// A book with one open hold of 800 that a fault is put into, and the invariant that a resolution then violates.
    private static let faults: [(String, LedgerInvariant, @Sendable (inout Book, Town) -> Void)] = [
        ("forgotten pending", .balancesAreFold, { $0.accounts[$1.alice.id]?.debitsPending = 0 }),
        ("forgotten credit", .noOverdraft, { $0.accounts[$1.alice.id]?.creditsPosted = 0 }),
        (
            "swollen hold", .balancesAreFold,
            { book, town in
                var transfer = town.hold("h", 800)
                transfer.amount = 900
                book.holds[name("h")] = Hold(transfer: transfer, expiresAt: 100)
            }
        ),
    ]

    @Test(arguments: 0..<3)
    func aDamagedBookStopsSettlingAndGoesOnReading(fault: Int) throws {
        let (_, invariant, damage) = Self.faults[fault]
        var book = try town.book(funds: 1000)
        _ = try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5)
        damage(&book, town)
        let before = book.accounts
        do throws(LedgerError) {
            _ = try book.apply(.resolve(town.resolution("r", of: "h", provider: 500, fee: 25)), at: 6)
            Issue.record("nothing was thrown")
        } catch {
            guard case .invariant(invariant, _) = error else {
                Issue.record("expected \(invariant), found \(error)")
                return
            }
        }
        #expect(book.stopped != nil)
        #expect(book.accounts == before)
        #expect(throws: LedgerError.self) { try book.apply(.transfer(town.credit(town.bob, 1, id: "more")), at: 7) }
        #expect(book.accounts == before)
    }

    /// Effects as a wrong book would make them; each mutant must be refused by the assertion and by both stores.
    private static let mutants: [(String, LedgerInvariant, @Sendable (inout LedgerEffects) -> Void)] = [
        ("skips the void", .holdResolvedOnce, { $0.transfers.removeAll { $0.kind == .void } }),
        ("rounds a leg up", .holdResolvedOnce, { $0.transfers[0].amount += 1 }),
        ("pays without a verdict", .verdictBeforePay, { $0.transfers[0].verdict = nil }),
        ("pays nothing as a leg", .splitsAreExact, { $0.transfers[0].amount = 0 }),
        ("takes from someone else", .holdResolvedOnce, { $0.transfers[0].debit = Town().bob.id }),
        ("resolves another hold", .holdResolvedOnce, { $0.transfers[0].pendingID = name("other") }),
    ]

    @Test(arguments: 0..<6)
    func mutantsAreRefused(mutant: Int) async throws {
        let (what, invariant, mutate) = Self.mutants[mutant]
        let folder = try TemporaryFolder()
        let database = try SQLiteLedgerStore(path: folder.ledger)
        let stores: [any LedgerStore] = [database, MemoryLedgerStore()]
        for store in stores {
            var book = Book(history: store)
            var good = Batch(effects: try town.open(&book, funds: 1000))
            good.effects.append(try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5))
            try await store.commit(good)
            var effects = try book.apply(.resolve(town.resolution("r", of: "h", provider: 500, fee: 25)), at: 6)
            mutate(&effects)
            do throws(LedgerError) {
                try await store.commit(Batch(effects: [effects], receipts: [town.receipt()]))
                Issue.record("\(what): \(type(of: store)) took it")
            } catch {
                guard case .invariant(invariant, _) = error else {
                    Issue.record("\(what): expected \(invariant) of \(type(of: store)), found \(error)")
                    continue
                }
            }
            #expect(try store.receiptCount() == 0, "the receipt stayed although its batch was refused")
            #expect(try store.account(town.alice.id)?.available == 200)
        }
        // Settlement has stopped; reads go on.
        #expect(database.stopped != nil)
        await #expect(throws: LedgerError.self) { try await database.commit(Batch(records: [])) }
        #expect(try database.load().book.holds.count == 1)
        try database.close()
    }

    @Test func aLegIsNotPaidWithoutAReceiptOfItsVerdict() async throws {
        let folder = try TemporaryFolder()
        var stores: [any LedgerStore] = [try SQLiteLedgerStore(path: folder.ledger), MemoryLedgerStore()]
        // The suite is not skipped without a server: PostgresStoreTests says that one is missing.
        if PrivatePostgres.programs != nil { stores.append(try PostgresLedgerStore.fresh()) }
        for store in stores {
            var book = Book(history: store)
            var batch = Batch(effects: try town.open(&book, funds: 1000))
            batch.effects.append(try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5))
            batch.effects.append(
                try book.apply(.resolve(town.resolution("r", of: "h", provider: 500, fee: 25)), at: 6)
            )
            // The right verdict under another job does not pay this one.
            var foreign = town.receipt()
            foreign.job = digest("job", 2)
            batch.receipts = [foreign]
            do throws(LedgerError) {
                try await store.commit(batch)
                Issue.record("\(type(of: store)) paid without a receipt")
            } catch {
                guard case .invariant(.verdictBeforePay, _) = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
    }
}
