// What has happened, for answers to requests that come again. A book asks here for what it no longer keeps itself.
public import Commitments

/// An operation as it was done.
public enum LedgerEntry: Sendable, Equatable {
    /// A transfer of kind `credit`, `withdraw` or `direct` (or one leg of a resolution, asked for by its own id).
    case transfer(Transfer)
    /// A hold as it was made, whether open or not.
    case hold(Hold)
    /// The end of a hold, with its transfers in the order in which they were made.
    case resolution(HoldResolution, transfers: [Transfer])
}

/// The durable memory of a ledger. Reads see every commit that has been acknowledged.
public protocol LedgerHistory: Sendable {
    /// The operation of that id, if there was one.
    func entry(_ id: TransferID) throws(LedgerError) -> LedgerEntry?
    /// The operation that ended a hold; `nil` when the hold is open or unknown.
    func resolution(ofHold id: TransferID) throws(LedgerError) -> TransferID?
    /// Which of `legs` exist for this job and attempt.
    func legsTaken(job: Digest, attempt: UInt32, among legs: [String]) throws(LedgerError) -> Set<String>
}

/// The history of a ledger that has none: for a book that keeps everything itself.
public struct EmptyHistory: LedgerHistory {
    /// Makes one.
    public init() {}

    public func entry(_ id: TransferID) throws(LedgerError) -> LedgerEntry? { nil }
    public func resolution(ofHold id: TransferID) throws(LedgerError) -> TransferID? { nil }
    public func legsTaken(job: Digest, attempt: UInt32, among legs: [String]) throws(LedgerError) -> Set<String> { [] }
}

/// What a book has done that may not be durable yet.
struct RecentHistory: Sendable {
    struct LegKey: Hashable, Sendable {
        let job: Digest
        let attempt: UInt32
        let leg: String
    }

    private var entries: [TransferID: LedgerEntry] = [:]
    private var resolutions: [TransferID: TransferID] = [:]
    private var legs: Set<LegKey> = []

    /// How many operations it keeps.
    var count: Int { entries.count }

    func entry(_ id: TransferID) -> LedgerEntry? { entries[id] }
    func resolution(ofHold id: TransferID) -> TransferID? { resolutions[id] }
    func isTaken(_ key: LegKey) -> Bool { legs.contains(key) }

    mutating func remember(_ effects: LedgerEffects) {
        guard let id = effects.id else { return }
        if let resolution = effects.resolution {
            entries[id] = .resolution(resolution, transfers: effects.transfers)
            resolutions[resolution.hold.id] = id
        } else if let hold = effects.hold {
            entries[id] = .hold(hold)
        } else if let transfer = effects.transfers.first {
            entries[id] = .transfer(transfer)
        }
        for key in Self.keys(effects) { legs.insert(key) }
    }

    mutating func forget(_ effects: LedgerEffects) {
        guard let id = effects.id, !effects.replayed else { return }
        entries[id] = nil
        if let resolution = effects.resolution { resolutions[resolution.hold.id] = nil }
        for key in Self.keys(effects) { legs.remove(key) }
    }

    private static func keys(_ effects: LedgerEffects) -> [LegKey] {
        effects.transfers.compactMap { transfer in
            transfer.job.map { LegKey(job: $0, attempt: transfer.attempt, leg: transfer.leg) }
        }
    }
}
