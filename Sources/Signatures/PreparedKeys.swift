// Which keys of this process have a table: those that are met again and again, and never more than a few.

internal import Synchronization

/// The tables of the keys that this process has met most lately.
///
/// Keys come from documents of strangers, so the room is bounded: names are kept in two generations of `maxKeys`, and when
/// the younger is full the older is forgotten. A key in steady use is in the younger again before that. Nothing is
/// remembered about signatures.
enum PreparedKeys {
    /// From how many checks on a key has a table, whose making costs about as much as a table saves in one.
    static let worthwhileCount = 3
    /// The most keys of one generation; 4 MiB of tables in both.
    static let maxKeys = 64

    private enum Use {
        case counted(Int)
        /// One thread makes the table; the others go on without.
        case making
        case table(PreparedVerifyingKey)
        /// No table can be made for this key.
        case plain
    }

    private struct Generations {
        var younger: [[UInt8]: Use] = [:]
        var older: [[UInt8]: Use] = [:]

        mutating func set(_ use: Use, for key: [UInt8]) {
            if younger.count >= PreparedKeys.maxKeys, younger[key] == nil {
                older = younger
                younger = [:]
            }
            younger[key] = use
        }
    }

    private static let known = Mutex(Generations())

    /// Counts one more check by `key`; its table, once it has been used so often that making one pays.
    static func table(for key: VerifyingKey) -> PreparedVerifyingKey? {
        var isMaker = false
        let table = known.withLock { known -> PreparedVerifyingKey? in
            if case .table(let table)? = known.younger[key.bytes] { return table }
            let use = known.younger[key.bytes] ?? known.older[key.bytes] ?? .counted(0)
            switch use {
            case .counted(let count):
                isMaker = count >= worthwhileCount
                known.set(isMaker ? .making : .counted(count + 1), for: key.bytes)
            case .table(let table):
                known.set(use, for: key.bytes)
                return table
            case .making, .plain: known.set(use, for: key.bytes)
            }
            return nil
        }
        guard isMaker else { return table }
        let made = PreparedVerifyingKey(key)
        known.withLock { $0.set(made.map { .table($0) } ?? .plain, for: key.bytes) }
        return made
    }
}
