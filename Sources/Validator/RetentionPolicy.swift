// For how long which kind of file is kept, and what goes by that at one moment.

/// For how long each kind of file is kept after the end of the last job that it belongs to.
public struct RetentionPolicy: Sendable, Equatable {
    /// A kind of file.
    public enum Kind: String, Sendable, CaseIterable {
        /// Sources and inputs of jobs.
        case inputs
        /// Results. Those above what a bundle takes are kept nowhere else.
        case outputs
        /// Proofs, quotes and collateral beside a result.
        case evidence
        /// The output of programs.
        case logs
        /// Results that came after their lease was over: rows of the ledger, paid to nobody.
        case late
        /// Files that no job names: uploads of orders that were never taken. Counted from their last change.
        case strays
        /// Files whose bytes were not those of their names, set aside. Counted from their last change.
        case damaged
        /// Results in the work queues of a database whose items are gone. Counted from their arrival.
        case queue
    }

    /// Seconds; a kind that is missing is kept for ever.
    public var seconds: [Kind: Int64]

    /// A policy.
    public init(seconds: [Kind: Int64]) {
        self.seconds = seconds
    }

    /// A day for what nobody named, a month for inputs and logs, three months for what a dispute may be about.
    public static let standard = RetentionPolicy(
        seconds: [
            .inputs: 30 * day, .outputs: 90 * day, .evidence: 90 * day, .logs: 30 * day, .late: 90 * day, .strays: day,
            .damaged: 90 * day, .queue: 90 * day,
        ]
    )

    /// Seconds of a day.
    public static let day: Int64 = 86_400
}

/// What a policy lets go at one moment.
public struct RetentionPlan: Sendable, Equatable {
    /// One thing that goes.
    public struct Item: Sendable, Equatable {
        public let kind: RetentionPolicy.Kind
        /// The file's name, or the row's id in hexadecimal.
        public let name: String
        public let byteCount: UInt64
        /// Since when it may go, in engine seconds.
        public let until: Int64
    }

    /// How much of one kind there is.
    public struct Count: Sendable, Equatable {
        public var kept = 0
        public var keptBytes: UInt64 = 0
        public var going = 0
        public var goingBytes: UInt64 = 0

        /// Nothing.
        public init() {}
    }

    /// What goes, in order of kind and name. Results of queues are counted alone.
    public internal(set) var items: [Item] = []
    /// Everything that was looked at.
    public internal(set) var counts: [RetentionPolicy.Kind: Count] = [:]
    /// Files that an open job or an unexpired dispute needs; they are among those kept.
    public internal(set) var needed = 0
    /// What it was decided by.
    var uses: FileUses
    /// Results of queues that arrived before this go, in milliseconds since 1970; `nil` for none.
    var queueEnd: Int64?

    init(uses: FileUses) {
        self.uses = uses
    }

    mutating func note(_ kind: RetentionPolicy.Kind, _ name: String, _ bytes: UInt64, until: Int64?, now: Int64) {
        if let until, until <= now {
            items.append(Item(kind: kind, name: name, byteCount: bytes, until: until))
            counts[kind, default: Count()].going += 1
            counts[kind, default: Count()].goingBytes += bytes
        } else {
            counts[kind, default: Count()].kept += 1
            counts[kind, default: Count()].keptBytes += bytes
        }
    }

    /// Counts as kept what was not deleted after all.
    mutating func keep(where isKept: (Item) -> Bool) {
        for item in items where isKept(item) {
            counts[item.kind, default: Count()].going -= 1
            counts[item.kind, default: Count()].goingBytes -= item.byteCount
            counts[item.kind, default: Count()].kept += 1
            counts[item.kind, default: Count()].keptBytes += item.byteCount
        }
        items.removeAll(where: isKept)
    }
}
