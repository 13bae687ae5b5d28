// A part of a run: some launches, begun from given contents of the slots. Sampled replay and bisection are made of these.

/// Which launches to perform, and from what state.
public struct ReplayRange: Sendable, Equatable {
    /// The launches; within those of the spec, and not empty.
    public var launches: Range<Int>
    /// The content of scratch and output slots before the first launch, by slot index. Slots that are not here hold zeros.
    public var states: [Int: [UInt8]]

    /// Chooses launches.
    public init(launches: Range<Int>, states: [Int: [UInt8]] = [:]) {
        self.launches = launches
        self.states = states
    }
}

/// What came out of some launches.
public struct RangeExecution: Sendable, Equatable {
    /// The launches that were performed, and the state before them.
    public var range: ReplayRange
    /// One leaf of the trace per launch.
    public var leaves: [Trace.Leaf]
    /// The canonical content, after the last launch, of every slot that a launch wrote, by slot index.
    public var slots: [Int: [UInt8]]
    /// The device that computed.
    public var device: DeviceDescription
    /// What shut the run in.
    public var sandbox: SandboxReport
    /// Time from the start of the run stage to its last byte, in microseconds.
    public var wallMicroseconds: UInt64
    /// What the worker took.
    public var usage: ResourceUsage?
    /// What compiler and driver wrote to the worker's standard error.
    public var diagnostics: [UInt8] = []

    /// The state after the last launch: what a run that goes on from here begins with.
    public var states: [Int: [UInt8]] { range.states.merging(slots) { $1 } }
}

/// How a part of a run ended; the cases are those of `RunOutcome`.
public enum RangeOutcome: Sendable, Equatable {
    case completed(RangeExecution)
    case refused([AdmissionFault])
    case failed(RunFailure)
}

/// Something that performs parts of runs.
public protocol RangeRunner: Runner {
    /// Performs some launches of `spec`.
    /// - Parameters:
    ///   - files: the content of every file that `spec.artefacts` names, by path.
    ///   - range: the launches and the state before them. A range outside the spec, or a state of another length than its
    ///     slot, is a failure with reason `input`.
    func run(_ spec: ReplaySpec, files: [String: [UInt8]], range: ReplayRange) async -> RangeOutcome
}

extension ReplayRange {
    /// Why the range does not fit `spec`; `nil` when it does.
    func misfit(_ spec: ReplaySpec) -> String? {
        guard !launches.isEmpty, launches.lowerBound >= 0, launches.upperBound <= spec.launchCount else {
            return "launches \(launches) of \(spec.launchCount)"
        }
        for (index, content) in states {
            guard spec.slots.indices.contains(index), spec.slots[index].file == nil else {
                return "a state for slot \(index), which is no scratch or output slot"
            }
            guard content.count == spec.slots[index].byteCount else {
                let slot = spec.slots[index]
                return "\(content.count) bytes for slot \(slot.name), which has \(slot.byteCount)"
            }
        }
        return nil
    }
}
