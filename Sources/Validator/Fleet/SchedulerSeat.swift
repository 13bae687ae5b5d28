// One engine, several schedulers: the one with the ledger's lease works, the others stand by and take over.
public import EngineAPI
internal import Foundation
public import Ledger
public import Logging
public import Signatures
internal import Synchronization

/// Why a process cannot be one of an engine's schedulers.
public enum FleetError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The store belongs to an engine with another key.
    case foreignStore(expected: String, actual: String)
    /// Another process took the lease under this process's name.
    case nameTaken(String)

    public var description: String {
        switch self {
        case .foreignStore(let expected, let actual):
            "the store belongs to the engine \(actual), and this process has the key of \(expected): "
                + "every scheduler of an engine needs the same keys/engine.pem and keys/operator.pem"
        case .nameTaken(let name): "another scheduler runs under the name \(name): each needs one of its own"
        }
    }
}

/// A scheduler's place in a fleet: it holds the lease or waits for it.
///
/// The lease is a fence in the store. While it is held, the process has a `Scheduler`, made anew from the store when the lease was
/// granted, exactly as after a restart, whose every commit names the fence's epoch: once another process has the lease, the
/// store refuses what this one still writes. By its own monotonic clock, counted from before each renewal, the process also
/// knows when its lease may have ended, and from then on answers as a standby does.
public final class SchedulerSeat: Sendable {
    /// What tells a process from the others.
    public struct Member: Sendable {
        /// The process's own name, 1 to 128 bytes. A process that restarts under its name gets its own lease back at once.
        public var name: String
        /// How long a lease lasts that is not renewed.
        public var leaseMilliseconds: Int64

        /// A member of a fleet.
        public init(name: String, leaseMilliseconds: Int64) {
            self.name = name
            self.leaseMilliseconds = leaseMilliseconds
        }
    }

    /// The fence's name in the store.
    public static let fenceName = "ledger"

    private struct State {
        var scheduler: Scheduler?
        var fence: Fence?
        /// When the lease may end, on the monotonic clock.
        var leaseEnd: UInt64 = 0
        var leader: String?
        /// Where clients reach this process.
        var url = ""
        var takeovers = 0
        /// Why this process does not lead although nobody else does.
        var trouble: String?
    }

    private let member: Member
    private let fences: any FenceStore
    private let reader: StandbyReader
    private let clock: any EngineClock
    private let open: @Sendable (Fence) async throws -> Scheduler
    private let onChange: @Sendable (EngineStanding) -> Void
    private let log: Logger
    private let state = Mutex(State())

    /// A place in the fleet that shares `fences`. Nothing is asked of the store yet.
    /// - Parameters:
    ///   - reader: the store, for reading.
    ///   - clock: whose monotonic time the lease is counted on.
    ///   - open: makes the scheduler on what the store holds, writing under the fence.
    ///   - onChange: told whenever this process begins or ceases to lead.
    public init(
        member: Member,
        fences: any FenceStore,
        reader: StandbyReader,
        clock: any EngineClock,
        open: @escaping @Sendable (Fence) async throws -> Scheduler,
        onChange: @escaping @Sendable (EngineStanding) -> Void = { _ in },
        log: Logger
    ) {
        self.member = member
        self.fences = fences
        self.reader = reader
        self.clock = clock
        self.open = open
        self.onChange = onChange
        self.log = log
    }

    /// Refuses a store that another engine has used: its leases and receipts are signed with another key.
    public static func checkEngine(_ key: VerifyingKey, of store: any LedgerStore) throws {
        guard let known = try store.record(kind: FleetRecord.engine, id: FleetRecord.id)?.body,
            known != Array(key.text.utf8)
        else { return }
        throw FleetError.foreignStore(expected: key.text, actual: String(decoding: known, as: UTF8.self))
    }

    /// Waits for the lease, works under it, waits again, until the task is cancelled; `resign` then gives the lease back.
    /// - Parameter url: where clients reach this process.
    /// - Throws: `FleetError`; everything else is tried again.
    public func run(url: String) async throws {
        state.withLock { $0.url = url }
        var told = ""
        // Whom this process was last said to stand by for; an empty text for nobody.
        var standsByFor: String?
        while !Task.isCancelled {
            var pause = min(max(20, member.leaseMilliseconds / 4), 1000)
            do {
                let asked = clock.monotonicMicroseconds
                let fence = try await blocking { [fences, member] in
                    try fences.acquire(
                        Self.fenceName,
                        holder: Array(member.name.utf8),
                        leaseMilliseconds: member.leaseMilliseconds
                    )
                }
                if let fence {
                    standsByFor = nil
                    // Who waits for the lease tries it before a process that has just failed under it.
                    if try await lead(under: fence, since: asked) == .gaveUp { pause *= 2 }
                } else {
                    let url = try await blocking { [reader] in try reader.leaderURL() }
                    state.withLock { state in
                        state.leader = url
                        state.trouble = nil
                    }
                    if standsByFor != url ?? "" {
                        log.notice(
                            "fleet: \(member.name) stands by; \(url.map { "the leader is at \($0)" } ?? "another leads")"
                        )
                        standsByFor = url ?? ""
                    }
                }
                told = ""
            } catch let error as FleetError {
                throw error
            } catch {
                let text = "\(error)"
                state.withLock { $0.trouble = text }
                if !Task.isCancelled, text != told { log.error("fleet: \(text)") }
                told = text
            }
            try? await Task.sleep(for: .milliseconds(pause))
        }
    }

    /// Lets the next in line take over at once. To be called when nothing is answered any more.
    public func resign() async {
        let (scheduler, fence) = state.withLock { state in
            defer {
                state.scheduler = nil
                state.fence = nil
            }
            return (state.scheduler, state.fence)
        }
        guard let fence else { return }
        do {
            try await blocking { [fences] in
                try scheduler?.store.close()
                try fences.resign(fence)
            }
        } catch {
            log.warning("fleet: the lease was not given back, and ends by itself: \(error)")
        }
    }

    /// What this process is now.
    public var standing: EngineStanding {
        state.withLock { state in
            if let fence = state.fence, state.scheduler != nil, clock.monotonicMicroseconds < state.leaseEnd {
                return EngineStanding(role: .leader, name: member.name, leader: state.url, epoch: fence.epoch)
            }
            return EngineStanding(role: .standby, name: member.name, leader: state.leader, epoch: nil)
        }
    }

    /// How often this process has begun to lead.
    public var takeovers: Int { state.withLock { $0.takeovers } }

    /// Why nobody leads here although somebody should; `nil` when all is as it should be.
    public var trouble: String? { state.withLock { $0.trouble } }

    /// The scheduler at work; `nil` in a standby.
    public var scheduler: Scheduler? {
        state.withLock { clock.monotonicMicroseconds < $0.leaseEnd ? $0.scheduler : nil }
    }

    // MARK: Leading

    private enum End: Sendable {
        case cancelled
        /// The lease is another's, or may be.
        case lost(String)
        /// The scheduler cannot go on and a new one can.
        case failed(String)
    }

    private enum Conclusion { case lostOrCancelled, gaveUp }

    private func lead(under fence: Fence, since asked: UInt64) async throws -> Conclusion {
        prolong(since: asked)
        state.withLock { $0.fence = fence }
        let end = await withTaskGroup(of: End.self) { group in
            group.addTask { await self.keepLease(fence) }
            group.addTask { await self.work(under: fence) }
            let first = await group.next() ?? .cancelled
            group.cancelAll()
            while await group.next() != nil {}
            return first
        }
        if case .cancelled = end { return .lostOrCancelled }
        let scheduler = state.withLock { state in
            defer {
                state.scheduler = nil
                state.fence = nil
                state.leader = nil
            }
            return state.scheduler
        }
        if let scheduler {
            // What is queued is refused or written, by the store's decision; nobody waits for it here.
            Thread.detachNewThread { try? scheduler.store.close() }
            onChange(standing)
        }
        switch end {
        case .cancelled: return .lostOrCancelled
        case .lost(let reason):
            log.warning("fleet: \(member.name) leads no more: \(reason)")
            let holder = try await blocking { [fences] in try fences.present(Self.fenceName) }
            if let holder, holder.holder == fence.holder, holder.epoch > fence.epoch {
                throw FleetError.nameTaken(member.name)
            }
            return .lostOrCancelled
        case .failed(let reason):
            log.error("fleet: \(member.name) leads no more: \(reason)")
            state.withLock { $0.trouble = reason }
            // At once: nobody else may begin before the lease is over.
            try await blocking { [fences] in try fences.resign(fence) }
            return .gaveUp
        }
    }

    /// Renews the lease until it is lost.
    private func keepLease(_ fence: Fence) async -> End {
        while true {
            do { try await Task.sleep(for: .milliseconds(max(10, member.leaseMilliseconds / 3))) } catch {
                return .cancelled
            }
            let asked = clock.monotonicMicroseconds
            do {
                let isMine = try await blocking { [fences, member] in
                    try fences.renew(fence, leaseMilliseconds: member.leaseMilliseconds)
                }
                guard isMine else { return .lost("another process has the lease") }
                prolong(since: asked)
            } catch {
                log.warning("fleet: the lease could not be renewed: \(error)")
                let end = state.withLock { $0.leaseEnd }
                if clock.monotonicMicroseconds >= end { return .lost("the lease may have ended") }
            }
        }
    }

    private func work(under fence: Fence) async -> End {
        do {
            let scheduler = try await open(fence)
            let url = state.withLock { $0.url }
            try await scheduler.keep(
                Record(kind: FleetRecord.engine, id: FleetRecord.id, body: Array(scheduler.key.verifyingKey.text.utf8)),
                Record(kind: FleetRecord.leader, id: FleetRecord.id, body: Array(url.utf8))
            )
            state.withLock { state in
                state.scheduler = scheduler
                state.leader = url
                state.trouble = nil
                state.takeovers += 1
            }
            log.notice("fleet: \(member.name) leads, epoch \(fence.epoch)")
            onChange(standing)
            // What does not add up must not be settled on by the next one either: then the seat stays taken, and stopped.
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await scheduler.run() }
                group.addTask { await scheduler.mustBeReplaced() }
                await group.next()
                group.cancelAll()
            }
            return Task.isCancelled ? .cancelled : .failed("the store failed under it")
        } catch {
            return Task.isCancelled ? .cancelled : .failed("\(error)")
        }
    }

    /// The lease lasts from before it was asked for.
    private func prolong(since asked: UInt64) {
        state.withLock { $0.leaseEnd = asked + UInt64(member.leaseMilliseconds) * 1000 }
    }

    /// Runs what waits for the database on a thread of its own: a server that does not answer must not stop the tasks that
    /// watch the lease.
    private func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }

    // MARK: Answering

    /// The leader's answer. A process that was paused while it answered may have been replaced, so it looks again afterwards.
    func ask<Value: Sendable>(
        _ body: (Scheduler) async throws(EngineError) -> Value
    ) async throws(EngineError) -> Value {
        guard let scheduler else { throw standingBy }
        let value = try await body(scheduler)
        guard self.scheduler === scheduler else { throw standingBy }
        return value
    }

    /// The leader's answer, or in a standby what the store holds.
    func look<Value: Sendable>(
        _ body: (Scheduler) async throws(EngineError) -> Value,
        else stored: (StandbyReader) throws(EngineError) -> Value
    ) async throws(EngineError) -> Value {
        if let scheduler {
            let value = try await body(scheduler)
            if self.scheduler === scheduler { return value }
        }
        return try stored(reader)
    }

    /// Who this engine is, and what this process is in it.
    var described: EngineDescription {
        var description = reader.description
        description.standing = standing
        return description
    }

    private var standingBy: EngineError {
        let leader = state.withLock { $0.leader }
        let lease = max(1, member.leaseMilliseconds / 1000)
        return EngineError(
            .unavailable,
            "engine.standby",
            "this scheduler stands by; "
                + (leader.map { "the leader is at \($0), and is replaced when it renews no lease for \(lease) s" }
                    ?? "nobody leads at the moment"),
            field: "engine",
            expected: leader ?? "a leader",
            actual: "a standby"
        )
    }
}
