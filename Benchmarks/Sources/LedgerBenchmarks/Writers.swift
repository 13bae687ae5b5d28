// Several writers on one PostgreSQL ledger at once, each with a connection, a fence and a book of its own. Payers belong to one
// writer each; providers, validators, the operator's fees and the escrow account are everybody's.
import Foundation
import Ledger

enum Writers {
    /// Settles `jobs` jobs in all and prints how many in a second.
    static func run(_ place: String, writers: Int, jobs: Int) async throws {
        let economy = Economy()
        let bundle = [UInt8](repeating: 0x5A, count: 4096)
        print(try PostgresProbe.run(url: place).summary)
        let first = try store(place, 0, of: writers)
        var book = try first.load(recordKinds: []).book
        if book.accounts.isEmpty { try await economy.open(first, &book) }
        let done = try first.receiptCount()
        try first.close()
        let start = ContinuousClock.now
        let times = try await withThrowingTaskGroup(of: Double.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    let store = try store(place, writer, of: writers)
                    var book = try store.load(recordKinds: []).book
                    var pipeline = Pipeline(depth: 1024)
                    // A payer's number is a job's times 7919, modulo an even number: whoever has every nth job has every nth payer.
                    let mine = stride(from: done + writer, to: done + jobs, by: writers)
                    for job in mine { try await pipeline.push(economy.begin(job, &book), store, &book) }
                    try await pipeline.drain(&book)
                    let start = ContinuousClock.now
                    for job in mine {
                        try await pipeline.push(economy.settle(job, &book, bundle: bundle), store, &book)
                    }
                    try await pipeline.drain(&book)
                    try store.close()
                    return Double(mine.underestimatedCount) / seconds(ContinuousClock.now - start)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let whole = Double(jobs) / seconds(ContinuousClock.now - start)
        print("\(writers) writers: \(Int(times.reduce(0, +))) settlements/s together, \(Int(whole)) whole jobs/s")
    }

    private static func store(_ place: String, _ writer: Int, of writers: Int) throws -> PostgresLedgerStore {
        let database = try PostgresDatabase(url: place)
        let name = writers == 1 ? "ledger" : "ledger \(writer)"
        let fence = try PostgresWorkQueue(database: database).acquire(name, holder: [1], leaseMilliseconds: 600_000)
        return PostgresLedgerStore(database: database, fence: fence, writers: writers == 1 ? .one : .several)
    }
}
