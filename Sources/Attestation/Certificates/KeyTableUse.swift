// How much a key has been used, which decides whether a table of its multiples is worth its making.

internal import Synchronization

/// The use of one key. Authorities are met again and again in the chains of evidence and collateral, each time as a new
/// object; they share their count and their table by the bytes of the key. Nothing is remembered about signatures.
final class KeyTableUse: Sendable {
    private enum State {
        case counted(Int)
        /// One thread makes the table; the others go on without.
        case making
        case table(KeyTable)
        /// OpenSSL makes no table for this key.
        case plain
    }

    private let state = Mutex(State.counted(0))

    /// The keys of authorities. Chains of hostile evidence may name any key, so there is room for few; when it is full,
    /// everything begins anew.
    private static let shared: Mutex<[[UInt8]: KeyTableUse]> = Mutex([:])
    private static let maxShared = 64

    /// The use of the authority's key with these bytes, in this process.
    static func shared(for key: [UInt8]) -> KeyTableUse {
        shared.withLock { known in
            if let usage = known[key] { return usage }
            if known.count >= maxShared { known = [:] }
            let usage = KeyTableUse()
            known[key] = usage
            return usage
        }
    }

    /// Counts one more use; the key's table, once the key has been used so often that making one pays.
    func table(for key: OpaquePointer) -> KeyTable? {
        var isMaker = false
        let known = state.withLock { state -> KeyTable? in
            switch state {
            case .table(let table): return table
            case .making, .plain: return nil
            case .counted(let count):
                isMaker = count >= KeyTable.worthwhileCount
                state = isMaker ? .making : .counted(count + 1)
                return nil
            }
        }
        guard isMaker else { return known }
        let table = KeyTable(key)
        state.withLock { $0 = table.map { .table($0) } ?? .plain }
        return table
    }
}
