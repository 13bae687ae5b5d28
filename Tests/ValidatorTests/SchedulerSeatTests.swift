// Two schedulers in one process on one database: the lease, the takeover, and the old leader who does not know yet.
import AssayTesting
import Commitments
import EngineAPI
import Foundation
import Ledger
import Market
import PostgreSQL
import Receipts
import Signatures
import Synchronization
import Testing

@testable import Validator

/// Fences of a process that stands still: nothing is asked or renewed, and the process does not notice.
private final class PausedFences: FenceStore {
    private let inner: any FenceStore
    private let paused = Mutex(false)

    init(_ inner: any FenceStore) { self.inner = inner }

    func pause() { paused.withLock { $0 = true } }

    private func wait() { while paused.withLock({ $0 }) { usleep(10_000) } }

    func resume() { paused.withLock { $0 = false } }

    func acquire(_ name: String, holder: [UInt8], leaseMilliseconds: Int64) throws(LedgerError) -> Fence? {
        wait()
        return try inner.acquire(name, holder: holder, leaseMilliseconds: leaseMilliseconds)
    }

    func renew(_ fence: Fence, leaseMilliseconds: Int64) throws(LedgerError) -> Bool {
        wait()
        return try inner.renew(fence, leaseMilliseconds: leaseMilliseconds)
    }

    func resign(_ fence: Fence) throws(LedgerError) { try inner.resign(fence) }

    func present(_ name: String) throws(LedgerError) -> Fence? { try inner.present(name) }
}

/// Fences of a database that is slow, or does not answer.
private final class TroubledFences: FenceStore {
    private let inner: any FenceStore
    private let clock: TestClock
    private let state = Mutex((delay: 0, isDown: false))

    init(_ inner: any FenceStore, _ clock: TestClock) {
        self.inner = inner
        self.clock = clock
    }

    /// So many seconds pass while the database answers.
    func delay(_ seconds: Int) { state.withLock { $0.delay = seconds } }
    func goDown(_ isDown: Bool) { state.withLock { $0.isDown = isDown } }

    private func pass() throws(LedgerError) {
        let (delay, isDown) = state.withLock { ($0.delay, $0.isDown) }
        if isDown { throw .storage(detail: "nobody answers") }
        if delay > 0 { clock.advance(Int64(delay)) }
    }

    func acquire(_ name: String, holder: [UInt8], leaseMilliseconds: Int64) throws(LedgerError) -> Fence? {
        try pass()
        return try inner.acquire(name, holder: holder, leaseMilliseconds: leaseMilliseconds)
    }

    func renew(_ fence: Fence, leaseMilliseconds: Int64) throws(LedgerError) -> Bool {
        try pass()
        return try inner.renew(fence, leaseMilliseconds: leaseMilliseconds)
    }

    func resign(_ fence: Fence) throws(LedgerError) { try inner.resign(fence) }

    func present(_ name: String) throws(LedgerError) -> Fence? { try inner.present(name) }
}

@Suite(.enabled(if: PrivatePostgres.isInstalled(for: "SchedulerSeatTests")))
struct SchedulerSeatTests {
    private let keys = Keys()
    private let clock = TestClock()
    private let url: String
    private let database: PostgresDatabase

    init() throws {
        url = try PrivatePostgres.shared.get().newDatabase()
        database = try PostgresDatabase(url: url)
    }

    private var configuration: MarketConfiguration {
        MarketConfiguration(
            engine: keys.engine.verifyingKey,
            currency: "TEST",
            validators: Set(keys.validators.map(\.verifyingKey)),
            ruleset: .default,
            nodeTimeoutSeconds: 1000
        )
    }

    /// - Parameter flaw: what keeps its scheduler from beginning.
    private func seat(
        _ name: String,
        _ fences: any FenceStore,
        lease: Int64 = 60_000,
        flaw: LedgerError? = nil
    ) throws -> SchedulerSeat {
        let (database, keys, configuration, clock) = (database, keys, configuration, clock)
        let artefacts = DatabaseArtefacts(PostgresArtefacts(database: database))
        return SchedulerSeat(
            member: SchedulerSeat.Member(name: name, leaseMilliseconds: lease),
            fences: fences,
            reader: StandbyReader(
                store: PostgresLedgerStore(database: database, fence: nil),
                artefacts: artefacts,
                description: try EngineDescription(
                    operatorKey: keys.operator.verifyingKey,
                    configuration: configuration,
                    version: "test"
                )
            ),
            clock: clock,
            open: { fence in
                if let flaw { throw flaw }
                return try await Scheduler(
                    key: keys.engine,
                    operatorKey: keys.operator.verifyingKey,
                    configuration: configuration,
                    store: PostgresLedgerStore(database: database, fence: fence),
                    artefacts: artefacts,
                    clock: clock,
                    version: "test",
                    log: Harness.log
                )
            },
            log: Harness.log
        )
    }

    private func until(_ what: String, _ condition: () async -> Bool) async throws {
        for _ in 0..<1500 {
            if await condition() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("\(what) did not come")
    }

    private func request(_ action: EngineRequest.Action, _ key: SigningKey) throws -> [UInt8] {
        try EngineRequest.sign(action, engine: keys.engine.verifyingKey, at: clock.now, with: key).envelope
    }

    @Test func aLeaderThatDoesNotKnowYetWritesNothing() async throws {
        let queue = PostgresWorkQueue(database: database)
        let fences = PausedFences(queue)
        let (old, new) = (try seat("old", fences, lease: 2000), try seat("new", queue))
        let running = [Task { try await old.run(url: "http://old") }]
        try await until("the first leader") { old.standing.role == .leader }
        let customer = try SigningKey.generate()
        _ = try await old.account(request: try request(.open, customer))
        let account = AccountName(currency: "TEST", purpose: .payer, owner: customer.verifyingKey)
        let credit = try request(.credit(account: account, amount: 500), keys.operator)
        #expect(try await old.account(request: credit).balance == 500)

        // Its renewals stop, and its own clock with them: as far as it knows, it leads.
        fences.pause()
        let waiting = Task { try await new.run(url: "http://new") }
        try await until("the second leader") { new.standing.role == .leader }
        #expect(new.standing.epoch ?? 0 > old.standing.epoch ?? 0)
        #expect(old.standing.role == .leader)
        let late = try request(.credit(account: account, amount: 7), keys.operator)
        await #expect { _ = try await old.account(request: late) } throws: { error in
            (error as? EngineError)?.message.contains("epoch") == true
        }
        #expect(try await new.account(id: account.text).balance == 500)
        // The same request counts once, at whoever may write.
        #expect(try await new.account(request: late).balance == 507)
        #expect(try await new.account(request: late).balance == 507)

        // When it finds out, it stands by, shows what is stored, and names the leader.
        fences.resume()
        try await until("the standby") {
            old.standing == .init(role: .standby, name: "old", leader: "http://new", epoch: nil)
        }
        #expect(try await old.account(id: account.text).balance == 507)
        await #expect { _ = try await old.account(request: late) } throws: { error in
            let refusal = error as? EngineError
            return refusal?.id == "engine.standby" && refusal?.expected == "http://new"
        }
        let store = PostgresLedgerStore(database: database, fence: nil)
        #expect(try Fsck.run(store).isClean)
        for task in running + [waiting] { task.cancel() }
        for task in running + [waiting] { _ = try? await task.value }
        await new.resign()
    }

    @Test func aLeaseThatMayHaveEndedIsNotAnsweredOn() async throws {
        let queue = PostgresWorkQueue(database: database)
        let only = try seat("only", queue)
        let running = Task { try await only.run(url: "http://only") }
        try await until("the leader") { only.standing.role == .leader }
        let customer = try SigningKey.generate()
        // Its own clock says that a minute has passed since the last renewal.
        clock.advance(61)
        #expect(only.standing.role == .standby)
        await #expect { _ = try await only.account(request: try request(.open, customer)) } throws: { error in
            (error as? EngineError)?.id == "engine.standby"
        }
        running.cancel()
        _ = try? await running.value
        await only.resign()
        // Given back, the lease is the next one's at once.
        #expect(try queue.acquire(SchedulerSeat.fenceName, holder: [9], leaseMilliseconds: 1000)?.epoch == 2)
    }

    /// A lease is counted from before it was asked for: what the database takes to answer is part of it.
    @Test func aSlowAnswerShortensTheLease() async throws {
        let fences = TroubledFences(PostgresWorkQueue(database: database), clock)
        fences.delay(40)
        let only = try seat("only", fences)
        let running = Task { try await only.run(url: "http://only") }
        try await until("the leader") { only.standing.role == .leader }
        clock.advance(21)
        #expect(only.standing.role == .standby)
        #expect(only.scheduler == nil)
        running.cancel()
        _ = try? await running.value
        await only.resign()
    }

    /// The same holds for each renewal: one whose answer takes longer than the lease renews nothing.
    @Test func aSlowRenewalShortensTheLease() async throws {
        let fences = TroubledFences(PostgresWorkQueue(database: database), clock)
        let only = try seat("only", fences, lease: 3000)
        let running = Task { try await only.run(url: "http://only") }
        try await until("the leader") { only.standing.role == .leader }
        fences.delay(4)
        try await until("the standby") { only.standing.role == .standby }
        // Not for the moment of the renewal alone.
        for _ in 0..<30 {
            #expect(only.standing.role == .standby)
            try await Task.sleep(for: .milliseconds(50))
        }
        running.cancel()
        _ = try? await running.value
        await only.resign()
    }

    /// Two processes under one name would take the lease from each other for ever: the one that finds out ends.
    @Test func aNameThatIsTakenEndsTheProcess() async throws {
        let queue = PostgresWorkQueue(database: database)
        let only = try seat("only", queue, lease: 3000)
        let running = Task { try await only.run(url: "http://only") }
        try await until("the leader") { only.standing.role == .leader }
        let other = try queue.acquire(SchedulerSeat.fenceName, holder: Array("only".utf8), leaseMilliseconds: 60_000)
        #expect(other?.epoch == 2)
        try await until("the end") { only.standing.role == .standby }
        let late = Task {
            try await Task.sleep(for: .seconds(20))
            running.cancel()
        }
        await #expect(throws: FleetError.nameTaken("only")) { try await running.value }
        late.cancel()
    }

    /// Somebody may have been told otherwise by a successor while this process was answering.
    @Test func anAnswerThatTookLongerThanTheLeaseIsNotGiven() async throws {
        let only = try seat("only", PostgresWorkQueue(database: database))
        let running = Task { try await only.run(url: "http://only") }
        try await until("the leader") { only.standing.role == .leader }
        let clock = clock
        await #expect { try await only.ask { _ in clock.advance(61) } } throws: { error in
            (error as? EngineError)?.id == "engine.standby"
        }
        running.cancel()
        _ = try? await running.value
        await only.resign()
    }

    @Test func whatWasReadTooLongAgoIsReadAgain() async throws {
        let only = try seat("only", PostgresWorkQueue(database: database))
        let running = Task { try await only.run(url: "http://only") }
        try await until("the leader") { only.standing.role == .leader }
        let clock = clock
        let fresh = try await only.look({ _ in "memory" }, else: { _ in "database" })
        #expect(fresh == "memory")
        let late = try await only.look(
            { _ in
                clock.advance(61)
                return "memory"
            },
            else: { _ in "database" }
        )
        #expect(late == "database")
        running.cancel()
        _ = try? await running.value
        await only.resign()
    }

    /// A leader with nothing to write finds out by its next renewal.
    @Test func anIdleLeaderFindsOutThatItWasReplaced() async throws {
        let queue = PostgresWorkQueue(database: database)
        let only = try seat("only", queue, lease: 3000)
        let running = Task { try await only.run(url: "http://only") }
        try await until("the leader") { only.standing.role == .leader }
        try queue.resign(try #require(try queue.present(SchedulerSeat.fenceName)))
        let other = try queue.acquire(SchedulerSeat.fenceName, holder: [9], leaseMilliseconds: 60_000)
        #expect(other?.epoch == 2)
        try await until("the standby") { only.standing.role == .standby }
        running.cancel()
        _ = try? await running.value
        await only.resign()
        // What was not its own it has not given back.
        #expect(try queue.acquire(SchedulerSeat.fenceName, holder: [8], leaseMilliseconds: 1000) == nil)
    }

    /// A leader that cannot renew until its lease may have ended begins anew: with a new epoch and what is in the database.
    @Test func aLeaderThatCannotRenewBeginsAnew() async throws {
        let fences = TroubledFences(PostgresWorkQueue(database: database), clock)
        let only = try seat("only", fences, lease: 1500)
        let running = Task { try await only.run(url: "http://only") }
        try await until("the leader") { only.standing.role == .leader }
        fences.goDown(true)
        clock.advance(2)
        try await until("the end") { only.trouble?.contains("nobody answers") == true }
        fences.goDown(false)
        try await until("the second beginning") { only.takeovers == 2 && only.standing.epoch == 2 }
        running.cancel()
        _ = try? await running.value
        await only.resign()
    }

    /// After a write that failed the next in line, which may be the same process, begins from what the database holds. Money
    /// that does not add up is begun on by nobody: the seat stays taken.
    @Test(arguments: [false, true])
    func aFailureIsGivenAwayAndAViolationIsKept(isViolation: Bool) async throws {
        let queue = PostgresWorkQueue(database: database)
        // A failure is found before the first renewal.
        let only = try seat("only", queue, lease: isViolation ? 3000 : 600_000)
        let running = Task { try await only.run(url: "http://only") }
        try await until("the leader") { only.standing.role == .leader }
        let error = isViolation ? "ERRCODE = '23514', CONSTRAINT = 'i2_overdraft'" : "ERRCODE = '58030'"
        try PostgresConnection(url: url).run(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no' USING \(error); END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON account FOR EACH STATEMENT EXECUTE FUNCTION refuse();
            """
        )
        await #expect(throws: EngineError.self) {
            _ = try await only.account(request: try request(.open, try SigningKey.generate()))
        }
        if isViolation {
            // Long enough for several renewals.
            try await Task.sleep(for: .milliseconds(4000))
            #expect(only.takeovers == 1)
            #expect(only.standing.role == .leader)
            #expect(try queue.acquire(SchedulerSeat.fenceName, holder: [9], leaseMilliseconds: 1000) == nil)
        } else {
            try await until("the second beginning") { only.takeovers == 2 && only.standing.epoch == 2 }
        }
        running.cancel()
        _ = try? await running.value
        await only.resign()
    }

    /// Who cannot begin does not sit on the lease: the next one need not wait for its end.
    @Test func whoCannotBeginLetsTheNextOneTry() async throws {
        let queue = PostgresWorkQueue(database: database)
        let broken = try seat("broken", queue, lease: 600_000, flaw: .storage(detail: "a row that cannot be read"))
        let sound = try seat("sound", queue, lease: 600_000)
        let first = Task { try await broken.run(url: "http://broken") }
        try await until("the failure") { broken.trouble?.contains("cannot be read") == true }
        let second = Task { try await sound.run(url: "http://sound") }
        try await until("the leader") { sound.standing.role == .leader }
        #expect(broken.takeovers == 0 && broken.standing.role == .standby)
        for task in [first, second] {
            task.cancel()
            _ = try? await task.value
        }
        await sound.resign()
    }

    @Test func aStoreOfAnotherEngineIsRefused() async throws {
        let store = PostgresLedgerStore(database: database, fence: nil)
        try SchedulerSeat.checkEngine(keys.engine.verifyingKey, of: store)
        let only = try seat("only", PostgresWorkQueue(database: database))
        let running = Task { try await only.run(url: "http://only") }
        try await until("the leader") { only.standing.role == .leader }
        try SchedulerSeat.checkEngine(keys.engine.verifyingKey, of: store)
        #expect(throws: FleetError.self) { try SchedulerSeat.checkEngine(keys.operator.verifyingKey, of: store) }
        running.cancel()
        _ = try? await running.value
        await only.resign()
    }
}
