// Files that leave the database: condemned, spared, revived, deleted in small transactions, by one run or by two.
import AssayTesting
import PostgreSQL
import Testing

@testable import Ledger

@Suite(.enabled(if: PrivatePostgres.isInstalled(for: "PostgresForgettingTests")))
struct PostgresForgettingTests {
    private let database: PostgresDatabase
    private let files: PostgresArtefacts
    private let mine: [UInt8] = [1]
    private let other: [UInt8] = [2]

    init() throws {
        database = try PostgresDatabase(url: try PrivatePostgres.shared.get().newDatabase())
        files = PostgresArtefacts(database: database)
    }

    private func deleteAll(_ run: [UInt8]) throws -> [String] {
        var gone: [String] = []
        while let some = try files.deleteSome(run: run) { gone += some }
        return gone
    }

    @Test func aCondemnedFileIsReadableAndCountsAsMissing() throws {
        for name in ["a", "b", "c"] { try files.put([1, 2], cid: name) }
        try files.condemn(["a", "b", "nothing"], run: mine)
        #expect(try files.lengths(of: ["a", "b", "c", "nothing"]) == ["c": 2])
        #expect(try files.contains("a", byteCount: 2) && files.get("a") == [1, 2])
        #expect(try files.names(after: "", limit: 10) == ["c"])
        #expect(try files.list(after: "", limit: 10).map(\.cid) == ["a", "b", "c"])
        try files.spare(["a"], run: mine)
        #expect(try files.lengths(of: ["a"]) == ["a": 2])
        #expect(try deleteAll(mine) == ["b"])
        #expect(try !files.contains("b") && files.get("b") == nil)
        try files.condemn(["a", "c"], run: mine)
        try files.spare(nil, run: mine)
        #expect(try deleteAll(mine).isEmpty && files.lengths(of: ["a", "c"]).count == 2)
    }

    @Test func aFileThatIsWrittenAgainStays() throws {
        try files.put([1], cid: "a")
        try files.condemn(["a"], run: mine)
        try files.put([1], cid: "a")
        #expect(try files.lengths(of: ["a"]) == ["a": 1])
        #expect(try deleteAll(mine).isEmpty && files.get("a") == [1])
    }

    /// What one run condemned and another took over is decided by the other's reading alone.
    @Test func oneRunDoesNotDeleteWhatAnotherLooksAt() throws {
        for name in ["a", "b", "c"] { try files.put([1], cid: name) }
        try files.condemn(["a", "b"], run: mine)
        try files.condemn(["b", "c"], run: other)
        #expect(try deleteAll(mine).isEmpty)
        // The second run has no reason to let the first file go, and gives it back.
        #expect(try files.lengths(of: ["a", "b", "c"]) == ["a": 1])
        try files.spare(["b"], run: other)
        #expect(try deleteAll(other) == ["c"])
        #expect(try files.list(after: "", limit: 10).map(\.cid) == ["a", "b"])
    }

    @Test func aLargeFileGoesInSeveralTransactionsAndTheNextRunFinishesIt() throws {
        let part = PostgresArtefacts.partBytes
        let (large, parts) = ([UInt8](repeating: 7, count: part + 1), PostgresArtefacts.partsPerDeletion)
        try files.put(large, cid: "large")
        // As many rows as two transactions take, without their bytes.
        try database.transaction { connection in
            _ = try connection.execute(
                "INSERT INTO artefact (cid, part, bytes) SELECT 'large', n, '' FROM generate_series(2, \(2 * parts - 1)) AS n"
            )
        }
        try files.put([1], cid: "small")
        try files.condemn(["large"], run: mine)
        #expect(try files.deleteSome(run: mine) == [])
        // Killed here. What is left of it is no file any more, for nobody.
        #expect(try !files.contains("large") && files.get("large") == nil)
        #expect(try files.list(after: "", limit: 10).map(\.cid) == ["small"])
        try files.condemn([], run: other)
        try files.spare(nil, run: other)
        #expect(try deleteAll(other) == ["large"])
        let left = try database.transaction { try $0.execute("SELECT count(*) FROM artefact").integer(0, 0) }
        #expect(left == 1)
        // Written again while it is deleted, it is there as a whole.
        try files.put(large, cid: "large")
        try database.transaction { connection in
            _ = try connection.execute(
                "INSERT INTO artefact (cid, part, bytes) SELECT 'large', n, '' FROM generate_series(2, \(2 * parts - 1)) AS n"
            )
        }
        try files.condemn(["large"], run: mine)
        #expect(try files.deleteSome(run: mine) == [])
        try files.put(large, cid: "large")
        #expect(try deleteAll(mine).isEmpty && files.get("large") == large)
    }

    @Test func aDamagedFileLeavesAndHasATime() throws {
        try files.put([1], cid: "a")
        try files.condemn(["a"], run: mine)
        try files.setAside("a")
        #expect(try deleteAll(mine).isEmpty)
        let listed = try files.list(after: "", limit: 10)
        #expect(listed.map(\.cid) == [".damaged-a"])
        let now = try database.clockMilliseconds()
        #expect(listed.allSatisfy { (now - 60_000...now).contains($0.atMilliseconds) })
        try files.condemn([".damaged-a"], run: mine)
        #expect(try deleteAll(mine) == [".damaged-a"])
    }
}
