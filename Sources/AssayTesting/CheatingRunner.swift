// A provider's runner that lies: it computes honestly, changes its result, and commits to the change consistently, so that
// nothing but a replay can tell.
internal import Commitments
public import Replay

/// What a cheating runner changes.
public enum RunnerLie: Sendable, Equatable {
    /// Flips one bit of one byte of an output slot.
    case flippedOutputBit(slot: String, byte: Int, bit: Int)
    /// Computes with one bit of one file flipped: a wrong value somewhere inside, and everything after it consistent.
    case flippedInputBit(file: String, byte: Int, bit: Int)
}

/// Runs honestly and then lies.
public struct CheatingRunner: Runner {
    private let honest: any Runner
    private let lie: RunnerLie

    /// A runner that tells `lie` about what `honest` computes.
    public init(_ honest: any Runner, lie: RunnerLie) {
        self.honest = honest
        self.lie = lie
    }

    public func run(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> RunOutcome {
        var files = files
        if case .flippedInputBit(let file, let byte, let bit) = lie, files[file]?.indices.contains(byte) == true {
            files[file]?[byte] ^= 1 << UInt8(bit & 7)
        }
        let outcome = await honest.run(spec, files: files)
        guard case .completed(let execution) = outcome else { return outcome }
        switch lie {
        case .flippedOutputBit(let slot, let byte, let bit):
            return .completed(Self.flip(execution, spec, slot, byte, bit) ?? execution)
        case .flippedInputBit: return outcome
        }
    }

    /// The execution with one bit of an output changed, and the trace that a run with that result would have left;
    /// `nil` when the spec has no such output or byte.
    private static func flip(
        _ execution: Execution,
        _ spec: ReplaySpec,
        _ slot: String,
        _ byte: Int,
        _ bit: Int
    ) -> Execution? {
        guard (0..<8).contains(bit), let index = spec.slots.firstIndex(where: { $0.name == slot }),
            let step = spec.lastWriter(ofSlot: index), var bytes = execution.outputs[slot], bytes.indices.contains(byte)
        else { return nil }
        bytes[byte] ^= 1 << UInt8(bit)
        var changed = execution
        changed.outputs[slot] = bytes
        changed.trace = Trace(
            leaves: execution.trace.leaves.enumerated().map { position, leaf in
                guard position == step else { return leaf }
                let roots = leaf.slots.map { root in
                    root.index == index ? Trace.SlotRoot(index: index, name: slot, root: Trace.slotRoot(bytes)) : root
                }
                return Trace.Leaf(step: leaf.step, kernelDigest: leaf.kernelDigest, slots: roots)
            }
        )
        return changed
    }
}
