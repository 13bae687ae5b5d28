// What a job asks a device to compute: sources, slots, steps and limits. A value of `ReplaySpec` has passed every bound, so
// that the runner never meets an overflow, an alias or an index out of range.
public import Codecs
public import Commitments

/// The computation of a job: an ordered list of kernel launches over typed slots.
///
/// The only ways to get one are `init(_:)`, which checks everything, and `sealing(with:)`, which fills in lengths and
/// identifiers of files.
public struct ReplaySpec: Sendable, Equatable {
    /// The version of the document that this code reads and writes.
    public static let version: Int64 = 1

    /// What kind of agreement is asked for.
    public enum Class: String, Sendable, CaseIterable {
        /// Floating-point kernels by the class-A rules: the same bits on every conforming device.
        case exact
        /// Integers only: the same bits in every order of evaluation.
        case integer
        /// Every output within bounds that the spec states, which its author calibrated.
        case tolerance
        /// Outputs with the same largest values in the same places, within bounds that the spec states.
        case lsh

        /// Whether agreement means the same bits in every slot of every step.
        public var isBitExact: Bool { self == .exact || self == .integer }
    }

    /// The device that the job needs.
    public struct DeviceRequirement: Sendable, Equatable {
        /// Which kind of device may run the job.
        public enum Kind: String, Sendable, CaseIterable {
            /// A GPU when there is one, else a CPU.
            case any
            case cpu
            case gpu
        }

        /// Which kind of device may run the job.
        public var kind: Kind
        /// The global memory in bytes that the device must have.
        public var memoryBytes: UInt64

        /// States a requirement.
        public init(kind: Kind, memoryBytes: UInt64) {
            self.kind = kind
            self.memoryBytes = memoryBytes
        }
    }

    /// A file of OpenCL C source.
    public struct Source: Sendable, Equatable {
        /// The name by which steps refer to it.
        public var name: String
        /// The path in the job folder.
        public var file: String
        /// Length in bytes; `nil` before sealing.
        public var byteCount: UInt64?
        /// Identifier of the content; `nil` before sealing.
        public var cid: CID?
    }

    /// A buffer of elements of one type.
    public struct Slot: Sendable, Equatable {
        /// Who fills the slot and who reads it.
        public enum Role: String, Sendable, CaseIterable {
            /// Filled from a file; never written.
            case input = "in"
            /// Filled from a file that is the same in every job of its kind, such as weights; never written.
            case constant = "const"
            /// Zero-filled; lives as long as the run.
            case scratch
            /// Zero-filled; its last content is a result of the job.
            case output = "out"
        }

        /// How an input's file holds the elements.
        public enum Format: String, Sendable, CaseIterable {
            /// numpy's format, whose type and shape must be the slot's.
            case npy
            /// The elements and nothing else, little-endian.
            case raw
        }

        /// The file of an input or a constant.
        public struct File: Sendable, Equatable {
            /// The path in the job folder.
            public var path: String
            /// How the file holds the elements.
            public var format: Format
            /// Length in bytes; `nil` before sealing.
            public var byteCount: UInt64?
            /// Identifier of the content; `nil` before sealing.
            public var cid: CID?
        }

        /// The name by which steps refer to it.
        public var name: String
        /// Who fills and who reads it.
        public var role: Role
        /// The type of its elements.
        public var type: ElementType
        /// The length of each dimension, slowest first.
        public var shape: [UInt64]
        /// The file of an input or a constant; `nil` for every other role.
        public var file: File?
        /// The number of elements: the product of `shape`.
        public var elementCount: Int
        /// The size of the slot's content in bytes.
        public var byteCount: Int { elementCount * type.byteCount }
    }

    /// One argument of a kernel launch.
    public enum Argument: Sendable, Equatable {
        /// What a kernel does with a slot.
        public enum Access: String, Sendable, CaseIterable {
            case read
            case write
            case readwrite
        }

        /// A pointer to global memory: the slot of this index.
        case slot(Int, Access)
        /// A pointer to global memory that is read: in iteration n of a repeat, the slot of the n-th index.
        case slotByIteration([Int])
        /// Local memory of a work-group, in bytes.
        case local(byteCount: UInt64)
        /// A word of the spec's seed, as a `ulong`.
        case seedWord(Int)
        /// An integer that is the first value in iteration 0 of a repeat, and grows by `stride` with each iteration.
        indirect case counter(Argument, stride: Int64)
        case i32(Int32)
        case u32(UInt32)
        case i64(Int64)
        case u64(UInt64)
        /// A float by its bits.
        case f32(bits: UInt32)
        /// A double by its bits.
        case f64(bits: UInt64)
    }

    /// One kernel launch.
    public struct Step: Sendable, Equatable {
        /// The kernel function's name.
        public var kernel: String
        /// The index of its source in `sources`.
        public var source: Int
        /// Work-items in each of one to three dimensions.
        public var global: [UInt64]
        /// Work-items of a group in each dimension; divides `global`.
        public var local: [UInt64]
        /// The arguments in order.
        public var arguments: [Argument]
        /// What the author says one work-item costs, in work units.
        public var unitsPerItem: UInt64
        /// Another work-group shape with which, so the author says, the step gives the same bits; admission tries it.
        public var alternativeLocal: [UInt64]?

        /// The indices of the slots that this step writes, in slot order.
        public var writtenSlots: [Int] {
            arguments.compactMap { argument in
                if case .slot(let index, let access) = argument, access != .read { index } else { nil }
            }.sorted()
        }
    }

    /// What a run may use.
    public struct Limits: Sendable, Equatable {
        /// Seconds from start to the last output byte.
        public var wallSeconds: Int64
        /// All slots together, in bytes.
        public var memoryBytes: UInt64
        /// All outputs together, in bytes.
        public var outputBytes: UInt64
    }

    /// What kind of agreement is asked for.
    public let replayClass: Class
    /// The device that the job needs.
    public let device: DeviceRequirement
    /// The source files.
    public internal(set) var sources: [Source]
    /// The buffers.
    public internal(set) var slots: [Slot]
    /// The steps in order. Those of a repeat stand here once.
    public let steps: [Step]
    /// Which of the steps are performed several times, in order.
    public let repeats: [Repeat]
    /// The seed of the job's random numbers, as four words; `nil` when it has none.
    public let seed: [UInt64]?
    /// How outputs are compared in a class that is not bit-exact; empty in one that is.
    public let agreements: [Agreement]
    /// On what the bounds of `agreements` rest; `nil` in a bit-exact class.
    public let calibration: Calibration?
    /// What a run may use.
    public let limits: Limits
    /// Σ over the launches of work-items × `unitsPerItem`.
    public let workUnits: UInt64
    /// Where each run of steps stands among the launches.
    let blocks: [Block]
    /// Where a run that was cut short ends; `nil` for the whole.
    let end: Int?

    init(
        replayClass: Class,
        device: DeviceRequirement,
        sources: [Source],
        slots: [Slot],
        steps: [Step],
        repeats: [Repeat],
        seed: [UInt64]?,
        agreements: [Agreement],
        calibration: Calibration?,
        limits: Limits,
        workUnits: UInt64,
        end: Int? = nil
    ) {
        self.replayClass = replayClass
        self.device = device
        self.sources = sources
        self.slots = slots
        self.steps = steps
        self.repeats = repeats
        self.seed = seed
        self.agreements = agreements
        self.calibration = calibration
        self.limits = limits
        self.workUnits = workUnits
        self.end = end
        blocks = Block.all(stepCount: steps.count, repeats: repeats)
    }

    /// The indices of the output slots, in slot order.
    public var outputSlots: [Int] { slots.indices.filter { slots[$0].role == .output } }

}

/// A file that a replay spec needs.
public struct ArtefactReference: Sendable, Equatable {
    /// What the file is for.
    public enum Role: String, Sendable {
        case source
        case input
    }

    /// What the file is for.
    public var role: Role
    /// The name of the source or slot.
    public var name: String
    /// The path in the job folder.
    public var file: String
    /// Length in bytes; `nil` before sealing.
    public var byteCount: UInt64?
    /// Identifier of the content; `nil` before sealing.
    public var cid: CID?
}

extension ReplaySpec {
    /// Every file that the spec names: sources first, then inputs, each in its own order.
    public var artefacts: [ArtefactReference] {
        let fromSources = sources.map { source in
            ArtefactReference(
                role: .source,
                name: source.name,
                file: source.file,
                byteCount: source.byteCount,
                cid: source.cid
            )
        }
        let fromSlots = slots.compactMap { slot in
            slot.file.map { file in
                ArtefactReference(
                    role: .input,
                    name: slot.name,
                    file: file.path,
                    byteCount: file.byteCount,
                    cid: file.cid
                )
            }
        }
        return fromSources + fromSlots
    }

    /// Whether every file has its length and identifier.
    public var isSealed: Bool {
        artefacts.allSatisfy { $0.byteCount != nil && $0.cid != nil }
    }

    /// The same spec with length and identifier of every file filled in.
    /// - Parameter files: length and identifier by path, for every path that `artefacts` names.
    /// - Throws: `ParseError` when a file is missing, has a length that its slot cannot have, or differs from what the spec
    ///   already says about it.
    public func sealing(with files: [String: (byteCount: UInt64, cid: CID)]) throws(ParseError) -> ReplaySpec {
        var copy = self
        for index in sources.indices {
            let source = sources[index]
            let path = "sources[\(index)]"
            let sealed = try Self.seal(source.file, source.byteCount, source.cid, files, path)
            guard sealed.byteCount <= Bounds.sourceBytes else {
                let expected = "at most \(Bounds.sourceBytes) bytes"
                throw ParseError(field: path + ".bytes", expected: expected, actual: "\(sealed.byteCount)")
            }
            copy.sources[index].byteCount = sealed.byteCount
            copy.sources[index].cid = sealed.cid
        }
        for index in slots.indices {
            guard let file = slots[index].file else { continue }
            let path = "slots[\(index)]"
            let sealed = try Self.seal(file.path, file.byteCount, file.cid, files, path)
            try slots[index].checkFileLength(sealed.byteCount, format: file.format, path + ".bytes")
            copy.slots[index].file?.byteCount = sealed.byteCount
            copy.slots[index].file?.cid = sealed.cid
        }
        return copy
    }

    private static func seal(
        _ file: String,
        _ byteCount: UInt64?,
        _ cid: CID?,
        _ files: [String: (byteCount: UInt64, cid: CID)],
        _ path: String
    ) throws(ParseError) -> (byteCount: UInt64, cid: CID) {
        guard let found = files[file] else {
            throw ParseError(field: path + ".file", expected: "file \(file)", actual: "no such file")
        }
        if let byteCount, byteCount != found.byteCount {
            throw ParseError(field: path + ".bytes", expected: "\(byteCount)", actual: "\(found.byteCount)")
        }
        if let cid, cid != found.cid {
            throw ParseError(field: path + ".cid", expected: cid.text, actual: found.cid.text)
        }
        return found
    }
}
