// What an execution says about every step: which kernel ran and what it left in the slots that it wrote.
//
// leaf  = SHA-256(0x00 ‖ u64be(step) ‖ kernel digest ‖ state digest)
// state = SHA-256("assay-state-1\0" ‖ for each written slot in slot order: u32be(slot index) ‖ slot root)
// slot  = assay-tree-1 over the slot's canonical bytes in tiles of 4096 bytes
public import Codecs
public import Commitments

/// The per-step commitments of one execution and the RFC 9162 root over them.
public struct Trace: Sendable, Equatable {
    /// The size of a tile in bytes: the unit in which a difference inside a slot is named.
    public static let tileBytes = 4096

    /// The root of one slot after a step.
    public struct SlotRoot: Sendable, Equatable {
        /// The slot's index in the spec.
        public var index: Int
        /// The slot's name in the spec.
        public var name: String
        /// The commitment to its content.
        public var root: Digest

        /// Names a slot's content.
        public init(index: Int, name: String, root: Digest) {
            self.index = index
            self.name = name
            self.root = root
        }
    }

    /// One launch of a step.
    public struct Leaf: Sendable, Equatable {
        /// The launch's index: the step's, with repeats counted out.
        public let step: UInt32
        /// What identifies prelude, source, options and kernel name.
        public let kernelDigest: Digest
        /// The slots that the step wrote, in slot order.
        public let slots: [SlotRoot]
        /// The digest over `slots`.
        public let stateDigest: Digest

        /// Makes a leaf; `slots` are put in slot order.
        public init(step: UInt32, kernelDigest: Digest, slots: [SlotRoot]) {
            self.step = step
            self.kernelDigest = kernelDigest
            self.slots = slots.sorted { $0.index < $1.index }
            var hash = SHA256()
            hash.update("assay-state-1\0")
            for slot in self.slots {
                hash.update(bigEndian: UInt32(truncatingIfNeeded: slot.index))
                hash.update(slot.root)
            }
            stateDigest = hash.finalized()
        }

        /// The leaf's hash in the trace tree.
        public var hash: Digest {
            var entry: [UInt8] = []
            entry.appendBigEndian(UInt64(step))
            entry += kernelDigest.bytes
            entry += stateDigest.bytes
            return MerkleTree.leafHash(entry)
        }
    }

    /// One leaf per launch, in order.
    public let leaves: [Leaf]
    /// The root over the leaves.
    public let root: Digest

    /// Makes a trace of `leaves` in step order.
    public init(leaves: [Leaf]) {
        self.leaves = leaves
        root = MerkleTree.root(ofLeafHashes: leaves.map(\.hash))
    }

    /// The commitment to a slot's canonical bytes.
    public static func slotRoot(_ bytes: [UInt8]) -> Digest {
        ArtefactTree.commit(bytes, chunkSize: UInt64(tileBytes)).commitment
    }

    /// The trace as a JSON object.
    public var json: JSONValue {
        .object([
            "version": .integer(1),
            "root": .string(root.hex),
            "steps": .array(leaves.map(\.json)),
        ])
    }

    /// Reads a trace and computes its digests again.
    /// - Throws: `ParseError` when a member is missing, unknown or of another type, when steps are out of order, or when
    ///   the root is not that of the steps.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        _ = try reader.integer("version", in: 1...1)
        let claimed = try Digest(try reader.hex("root", count: Digest.count), field: reader.path("root"))
        var expected: UInt32 = 0
        let leaves = try reader.array("steps", max: ReplaySpec.Bounds.launches) {
            (value, path) throws(ParseError) -> Leaf in
            let leaf = try Leaf(value, path, step: expected)
            expected += 1
            return leaf
        }
        try reader.finish()
        self.init(leaves: leaves)
        guard root == claimed else {
            throw ParseError(field: reader.path("root"), expected: root.hex, actual: claimed.hex)
        }
    }
}

extension Trace.Leaf {
    fileprivate var json: JSONValue {
        .object([
            "step": .integer(step),
            "kernel": .string(kernelDigest.hex),
            "slots": .array(
                slots.map { slot in
                    .object([
                        "index": .integer(slot.index),
                        "name": .string(slot.name),
                        "root": .string(slot.root.hex),
                    ])
                }
            ),
        ])
    }

    fileprivate init(_ value: JSONValue, _ path: String, step: UInt32) throws(ParseError) {
        var reader = try JSONReader(value, path)
        _ = try reader.integer("step", in: Int64(step)...Int64(step))
        let kernel = try Digest(try reader.hex("kernel", count: Digest.count), field: reader.path("kernel"))
        var previous: Int64 = -1
        let slots = try reader.array("slots", max: ReplaySpec.Bounds.arguments) {
            (value, path) throws(ParseError) -> Trace.SlotRoot in
            var slot = try JSONReader(value, path)
            guard previous < Int64(ReplaySpec.Bounds.slots - 1) else {
                throw ParseError(field: path, expected: "slots in ascending order", actual: "one after the last")
            }
            let index = try slot.integer("index", in: previous + 1...Int64(ReplaySpec.Bounds.slots - 1))
            previous = index
            let root = Trace.SlotRoot(
                index: Int(index),
                name: try slot.name("name"),
                root: try Digest(try slot.hex("root", count: Digest.count), field: slot.path("root"))
            )
            try slot.finish()
            return root
        }
        try reader.finish()
        self.init(step: step, kernelDigest: kernel, slots: slots)
    }
}
