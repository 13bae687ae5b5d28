// How a job is paid for beside its price: all at once or as it goes, whether it may be cut short, what the requester puts up,
// and which other jobs it must run beside.
public import Codecs
public import Commitments
internal import Replay

extension JobSpec {
    /// The terms on which a job runs and is paid for. A spec that does not name them has the defaults.
    public struct Terms: Sendable, Equatable {
        /// When the money has to be there.
        public enum Mode: String, Sendable, CaseIterable {
            /// The whole price is held before the job is offered.
            case prepaid
            /// A deposit is held; the node reports what it has done, and top-ups let it go on.
            case metered
        }

        /// When the money has to be there.
        public var mode = Mode.prepaid
        /// With `metered`: the work units that the first hold covers; `nil` for all of them.
        public var depositUnits: UInt64?
        /// Whether the node may hand over the work of the first steps only, and the engine may ask for that: a spot job.
        public var isPreemptible = false
        /// Minor units that the requester puts up beside the hold, lost in part when the job turns out to be at fault.
        public var bond: UInt64 = 0
        /// The jobs that start together with this one, or not at all.
        public var gang: Gang?

        /// The default terms: prepaid, run to the end, no bond, alone.
        public init() {}

        /// Whether the work of the first steps alone can be paid for.
        public var allowsPrefix: Bool { mode == .metered || isPreemptible }
    }

    /// Jobs of one requester of which either all get a node at the same moment, or none does.
    public struct Gang: Sendable, Hashable {
        /// The most jobs of a gang.
        public static let maxSize: Int64 = 64

        /// The requester's 32-byte name for the gang.
        public var group: Digest
        /// How many jobs it has, from 2.
        public var size: Int64
        /// Which of them this is, from 0.
        public var index: Int64
        /// How they are settled once they have started.
        public var settles: Settles

        /// How the jobs of a gang that has started are settled.
        public enum Settles: String, Sendable, CaseIterable {
            /// Each by its own verdict.
            case each
            /// All in one transaction when every one of them is accepted; none of them otherwise.
            case together
        }

        /// Names a place in a gang.
        public init(group: Digest, size: Int64, index: Int64, settles: Settles = .each) {
            self.group = group
            self.size = size
            self.index = index
            self.settles = settles
        }
    }
}

extension JobSpec.Terms {
    /// Reads terms.
    /// - Parameter workUnits: the work of the whole job, which a deposit cannot exceed.
    public init(_ value: JSONValue, _ field: String, workUnits: UInt64) throws(ParseError) {
        var reader = try JSONReader(value, field)
        if reader.has("mode") { mode = try reader.choice("mode") }
        if reader.has("depositUnits") {
            guard mode == .metered else {
                throw ParseError(field: reader.path("depositUnits"), expected: "none in mode prepaid", actual: "one")
            }
            depositUnits = try reader.decimal("depositUnits", in: 1...max(1, workUnits))
        }
        if reader.has("preemptible") { isPreemptible = try reader.bool("preemptible") }
        if reader.has("bond") { bond = try reader.amount("bond") }
        if var part = try reader.optionalObject("gang") {
            let size = try part.integer("size", in: 2...JobSpec.Gang.maxSize)
            gang = JobSpec.Gang(
                group: try part.digest("group"),
                size: size,
                index: try part.integer("index", in: 0...size - 1),
                settles: part.has("settles") ? try part.choice("settles") : .each
            )
            try part.finish()
            // A deposit that is topped up would let one job outlast what is held for the others.
            guard gang?.settles != .together || mode == .prepaid else {
                throw ParseError(
                    field: reader.path("mode"),
                    expected: "prepaid in a gang that settles together",
                    actual: mode.rawValue
                )
            }
        }
        try reader.finish()
    }

    /// The terms as a JSON object, defaults left out.
    public var json: JSONValue {
        var object: JSONObject = ["mode": .string(mode.rawValue)]
        if let depositUnits { object["depositUnits"] = .string(String(depositUnits)) }
        if isPreemptible { object["preemptible"] = .bool(true) }
        if bond > 0 { object["bond"] = .string(String(bond)) }
        if let gang {
            var part: JSONObject = [
                "group": .string(gang.group.hex),
                "size": .integer(gang.size),
                "index": .integer(gang.index),
            ]
            if gang.settles != .each { part["settles"] = .string(gang.settles.rawValue) }
            object["gang"] = .object(part)
        }
        return .object(object)
    }
}

extension JobSpec {
    /// The same job at a place in a gang.
    /// - Throws: `ParseError` when its terms do not allow that.
    public func joining(_ gang: Gang) throws(ParseError) -> JobSpec {
        guard case .object(var object) = json else { return self }
        var terms = terms
        terms.gang = gang
        object["terms"] = terms.json
        return try JobSpec(.object(object))
    }

    /// The same job cut off after its first `steps` steps: what a node that stopped there has done.
    /// - Throws: `ParseError` when there are not as many steps, or the terms demand all of them.
    public func prefix(steps: Int64) throws(ParseError) -> JobSpec {
        let all = Int64(replay.launchCount)
        guard steps != all else { return self }
        guard terms.allowsPrefix, steps >= 1, steps < all else {
            let expected = terms.allowsPrefix ? "1 to \(all) steps" : "all \(all) steps"
            throw ParseError(field: "steps", expected: expected, actual: "\(steps)")
        }
        return replacing(replay.prefix(steps: Int(steps)))
    }
}

extension SealedJob {
    /// The same job cut off after its first `steps` steps; bytes and inputs stay those of the whole job.
    /// - Throws: `ParseError` when there are not as many steps, or the terms demand all of them.
    public func prefix(steps: Int64) throws(ParseError) -> SealedJob {
        let isCut = isPart || steps != Int64(spec.replay.launchCount)
        return SealedJob(
            spec: try spec.prefix(steps: steps),
            bytes: bytes,
            inputs: inputs,
            files: files,
            isPart: isCut
        )
    }
}
