// A Bloom filter in front of the database: most requests are new, and for a new one the answer "never seen" must not cost
// a read.
internal import Commitments
internal import Dispatch
internal import Synchronization

/// Remembers which ids and legs a store has, with false alarms and without misses.
///
/// A Bloom filter that is overfull answers "perhaps" to everything, so a full one is left as it is and the next keys go to
/// another of twice its size. Until it has been filled from the store it says "perhaps" to everything. Hashes are keyed by
/// the process, so that a client cannot choose ids that collide.
final class SeenFilter: Sendable {
    /// Bits for each key: with four probes one false alarm in about 400.
    private static let bitsPerKey = 12
    private static let probes = 4
    private static let leastBits = 1 << 20
    /// The size of the largest layer; the last one of that size takes all further keys.
    private static let mostBits = 1 << 31

    /// One filter of fixed size.
    private struct Layer {
        var words: [UInt64]
        var keys = 0

        init(bits: Int) { words = [UInt64](repeating: 0, count: bits / 64) }

        var bits: Int { words.count * 64 }
        var isFull: Bool { keys >= bits / bitsPerKey }

        mutating func insert(_ hash: UInt64) {
            words.withUnsafeMutableBufferPointer { words in
                SeenFilter.forEachBit(hash, words.count) { words[$0] |= $1 }
            }
            keys += 1
        }

        func mayContain(_ hash: UInt64) -> Bool {
            var all = true
            SeenFilter.forEachBit(hash, words.count) { all = all && words[$0] & $1 != 0 }
            return all
        }
    }

    private struct State {
        /// The last one takes what is inserted.
        var layers: [Layer]
        var isComplete = false
        /// Rises with every reset: a filling that began before counts for nothing.
        var generation = 0

        mutating func insert(_ hash: UInt64) {
            var last = layers.count - 1
            if layers[last].isFull, layers[last].bits < mostBits {
                layers.append(Layer(bits: layers[last].bits * 2))
                last += 1
            }
            layers[last].insert(hash)
        }
    }

    private let filling = DispatchGroup()
    private let state = Mutex(State(layers: [Layer(bits: leastBits)]))

    /// Whether it answers for itself.
    var isComplete: Bool { state.withLock { $0.isComplete } }

    /// Runs a filling on a thread of its own. Until it is complete every request costs a read.
    /// - Parameter body: reads the store; asks now and then whether its generation `isWanted`.
    func fill(_ body: @escaping @Sendable () throws -> Void) {
        filling.enter()
        DispatchQueue.global(qos: .utility).async { [filling] in
            // A filling that fails leaves the filter incomplete: slower, and as right as before.
            try? body()
            filling.leave()
        }
    }

    /// Whether the filling of that number still counts.
    func isWanted(_ generation: Int) -> Bool { state.withLock { $0.generation == generation } }

    /// Ends a filling that is under way and returns when it has: before the store closes what it reads from.
    func stopFilling() {
        state.withLock { $0.generation += 1 }
        filling.wait()
    }

    /// Empties the filter and makes room for `keys` keys and as many again; returns the filling's number.
    func reset(expecting keys: Int) -> Int {
        let wanted = max(Self.leastBits, min(Self.mostBits, keys * 2 * Self.bitsPerKey))
        let bits = wanted.nextPowerOfTwo
        return state.withLock { state in
            state = State(layers: [Layer(bits: bits)], generation: state.generation + 1)
            return state.generation
        }
    }

    /// Says that everything the store had when filling `generation` began has been inserted.
    func complete(_ generation: Int) {
        state.withLock { if $0.generation == generation { $0.isComplete = true } }
    }

    func insert(_ hashes: [UInt64]) {
        state.withLock { state in
            for hash in hashes { state.insert(hash) }
        }
    }

    /// `false` only when the key was never inserted.
    func mayContain(_ hash: UInt64) -> Bool {
        state.withLock { state in
            guard state.isComplete else { return true }
            return state.layers.contains { $0.mayContain(hash) }
        }
    }

    private static func forEachBit(_ hash: UInt64, _ words: Int, _ body: (Int, UInt64) -> Void) {
        let step = hash >> 32 | 1
        var probe = hash
        for _ in 0..<probes {
            let bit = probe & UInt64(words * 64 - 1)
            body(Int(bit >> 6), 1 << (bit & 63))
            probe = probe &+ step &* 0x9E37_79B9_7F4A_7C15
        }
    }

    /// The hash of an operation's id, which is also that of a transfer.
    static func hash(_ id: TransferID) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(id)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// The hash of a leg.
    static func hash(job: Digest, attempt: UInt32, leg: String) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(job)
        hasher.combine(attempt)
        hasher.combine(leg)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// Everything that a batch makes known.
    static func hashes(_ batches: [Batch]) -> [UInt64] {
        var hashes: [UInt64] = []
        for batch in batches {
            for effects in batch.effects where !effects.replayed {
                if let id = effects.id { hashes.append(hash(id)) }
                for transfer in effects.transfers {
                    if transfer.id != effects.id { hashes.append(hash(transfer.id)) }
                    guard let job = transfer.job else { continue }
                    hashes.append(hash(job: job, attempt: transfer.attempt, leg: transfer.leg))
                }
            }
        }
        return hashes
    }
}

extension Int {
    fileprivate var nextPowerOfTwo: Int {
        self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount)
    }
}
