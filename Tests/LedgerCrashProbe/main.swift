// A process made to be killed: settles numbered jobs for ever and says which it has started and which are durable.
//
// Usage: LedgerCrashProbe LEDGER FIRST, where LEDGER is a SQLite file or postgres://…. Output: one line `start N` before a job's batch is submitted, one line `ack N` after
// its commit was acknowledged. Exit 3 means that a job was found half done.
import Commitments
import Foundation
import Ledger

let arguments = CommandLine.arguments
guard arguments.count == 3, let first = Int(arguments[2]) else {
    say("usage: LedgerCrashProbe LEDGER FIRST")
    exit(2)
}

func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

func id(_ word: String, _ job: Int) -> TransferID {
    TransferID(deriving: Array(word.utf8), Array(String(job).utf8))
}

let issuer = Account(currency: "CREDIT", kind: .issuer, owner: [0])
let payer = Account(currency: "CREDIT", kind: .payer, owner: [1])
let provider = Account(currency: "CREDIT", kind: .provider, owner: [2])
let fee = Account(currency: "CREDIT", kind: .fee, owner: [3])
let escrow = Account(currency: "CREDIT", kind: .escrow, owner: [4])

/// Everything that one job does to the ledger, as one batch.
func settle(_ job: Int, with book: inout Book) throws -> Batch {
    let digest = SHA256.hash(Array("job \(job)".utf8))
    let verdict = SHA256.hash(Array("verdict \(job)".utf8))
    let credit = Transfer(
        id: id("credit", job),
        debit: issuer.id,
        credit: payer.id,
        amount: 1000,
        currency: "CREDIT",
        kind: .credit,
        job: digest,
        leg: "credit"
    )
    let hold = Transfer(
        id: id("hold", job),
        debit: payer.id,
        credit: escrow.id,
        amount: 800,
        currency: "CREDIT",
        kind: .hold,
        job: digest,
        leg: "escrow"
    )
    let resolution = Resolution(
        id: id("resolve", job),
        hold: hold.id,
        legs: [
            Leg(credit: provider.id, amount: 700, name: "provider"),
            Leg(credit: fee.id, amount: 50, name: "fee"),
        ],
        attempt: 1,
        verdict: verdict
    )
    let operations: [LedgerOperation] = [.transfer(credit), .hold(hold, expiresAt: .max), .resolve(resolution)]
    let effects = try operations.map { try book.apply($0, at: Int64(job)) }
    let replayed = effects.filter(\.replayed).count
    guard replayed == 0 || replayed == effects.count else { exit(3) }
    if replayed > 0 { return Batch() }
    return Batch(
        effects: effects,
        records: [Record(kind: "job", id: Array(String(job).utf8), body: Array("settled".utf8))],
        receipts: [
            ReceiptRow(
                job: digest,
                attempt: 1,
                verdict: verdict,
                outcome: "accepted",
                at: Int64(job),
                bundleBytes: Array("bundle \(job)".utf8)
            )
        ]
    )
}

func open(_ place: String) throws -> any LedgerStore {
    guard place.hasPrefix("postgres:") else { return try SQLiteLedgerStore(path: place) }
    let database = try PostgresDatabase(url: place)
    // The killed predecessor has the same name, so its fence is taken over at once.
    let fence = try PostgresWorkQueue(database: database).acquire("ledger", holder: [1], leaseMilliseconds: 60_000)
    return PostgresLedgerStore(database: database, fence: fence)
}

let store = try open(arguments[1])
var book = try store.load().book
let opened = try [issuer, payer, provider, fee, escrow].map { try book.apply(.openAccount($0), at: 0) }
try await store.commit(Batch(effects: opened))

var inFlight: [(job: Int, batch: Batch, ticket: CommitTicket)] = []
for job in first... {
    say("start \(job)")
    let batch = try settle(job, with: &book)
    inFlight.append((job, batch, store.submit(batch)))
    if inFlight.count == 8 {
        for (job, batch, ticket) in inFlight {
            try await ticket.durable()
            book.release(batch)
            say("ack \(job)")
        }
        inFlight = []
    }
}
