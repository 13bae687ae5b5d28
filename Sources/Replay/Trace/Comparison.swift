// Compares what was claimed with what was computed again, and names the first place where they part.

/// The first place where a claim and its replay differ.
public struct Divergence: Sendable, Equatable, CustomStringConvertible {
    /// In what they differ there.
    public enum Kind: String, Sendable, CaseIterable {
        /// The claim has more or fewer steps.
        case stepCount
        /// Another kernel: other source, prelude, options or name.
        case kernel
        /// Other slots were written.
        case slotList
        /// Other content of a slot.
        case content
        /// An output is missing, unknown or of another length.
        case outputList
        /// An output is beyond the bound that the spec states for it.
        case bound
    }

    /// In what they differ.
    public var kind: Kind
    /// The step's index in the spec; one after the last for a launch that the spec does not have.
    public var step: Int
    /// The iteration of the step's repeat, from 0; `nil` outside repeats.
    public var iteration: Int?
    /// The step's kernel; `nil` for a step that the spec does not have.
    public var kernel: String?
    /// The slot's name, when a slot is concerned.
    public var slot: String?
    /// The first differing tile of `Trace.tileBytes` bytes; `nil` when only roots are known.
    public var tile: Int?
    /// The first differing element's index in the slot; `nil` when only roots are known.
    public var element: Int?
    /// The bytes of the claimed element.
    public var claimed: [UInt8]?
    /// The bytes of the computed element.
    public var replayed: [UInt8]?

    /// Describes a difference.
    public init(
        kind: Kind,
        step: Int,
        iteration: Int? = nil,
        kernel: String? = nil,
        slot: String? = nil,
        tile: Int? = nil,
        element: Int? = nil,
        claimed: [UInt8]? = nil,
        replayed: [UInt8]? = nil
    ) {
        self.kind = kind
        self.step = step
        self.iteration = iteration
        self.kernel = kernel
        self.slot = slot
        self.tile = tile
        self.element = element
        self.claimed = claimed
        self.replayed = replayed
    }

    public var description: String {
        var text = iteration.map { "iteration \($0), " } ?? ""
        text += "step \(step)"
        if let kernel { text += " (\(kernel))" }
        if let slot { text += ", slot \(slot)" }
        if let tile { text += ", tile \(tile)" }
        if let element { text += ", element \(element)" }
        text += ": " + kind.rawValue
        if let claimed, let replayed {
            text += ", claimed 0x\(Self.bits(claimed)), replayed 0x\(Self.bits(replayed))"
        }
        return text
    }

    /// Little-endian bytes as the digits of one number.
    private static func bits(_ bytes: [UInt8]) -> String {
        bytes.reversed().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}

/// Whether a claim is what the replay computed.
public enum Comparison: Sendable, Equatable {
    /// Every step and every output is the same, bit for bit; in a class with bounds, every output is within its own.
    case match
    /// They differ, first here.
    case mismatch(Divergence)

    /// Compares a claimed trace and claimed outputs with a replay of the same spec.
    ///
    /// The first differing step decides. Inside it the first differing slot is named; tile and element are named when the
    /// claimed bytes of that slot are at hand, which they are for outputs that no later step overwrites. For other slots
    /// `Divergence.located` names them when the claimed content has been opened. In a class that is not bit-exact outputs
    /// alone are compared, by the spec's rules.
    public static func compare(
        claimedTrace: Trace,
        claimedOutputs: [String: [UInt8]],
        replayed: Execution,
        spec: ReplaySpec
    ) -> Comparison {
        guard spec.replayClass.isBitExact else { return compareWithin(claimedOutputs, replayed, spec) }
        if let divergence = firstDifferingStep(claimedTrace, claimedOutputs, replayed, spec) {
            return .mismatch(divergence)
        }
        for index in spec.outputSlots {
            let slot = spec.slots[index]
            let step = spec.lastWriter(ofSlot: index) ?? 0
            guard let claimed = claimedOutputs[slot.name], let computed = replayed.outputs[slot.name],
                claimed.count == computed.count
            else {
                return .mismatch(place(.outputList, step, spec, slot: slot.name))
            }
            if let difference = firstDifference(claimed, computed, slot: slot, step: step, spec: spec) {
                return .mismatch(difference)
            }
        }
        let known = Set(spec.outputSlots.map { spec.slots[$0].name })
        if let unknown = claimedOutputs.keys.filter({ !known.contains($0) }).min() {
            return .mismatch(place(.outputList, spec.launchCount - 1, spec, slot: unknown))
        }
        return .match
    }

    private static func compareWithin(
        _ claimed: [String: [UInt8]],
        _ replayed: Execution,
        _ spec: ReplaySpec
    ) -> Comparison {
        let results = OutputAgreement.all(claimedOutputs: claimed, replayed: replayed, spec: spec)
        guard let first = results.first(where: { !$0.isWithin }) else { return .match }
        let slot = spec.slots[first.slot]
        var divergence = place(.bound, spec.lastWriter(ofSlot: first.slot) ?? 0, spec, slot: slot.name)
        guard let element = first.firstOutlier, let theirs = claimed[slot.name], let mine = replayed.outputs[slot.name]
        else {
            divergence.kind = .outputList
            return .mismatch(divergence)
        }
        divergence.name(element: element, of: slot, claimed: theirs, replayed: mine)
        return .mismatch(divergence)
    }

    private static func firstDifferingStep(
        _ claimed: Trace,
        _ outputs: [String: [UInt8]],
        _ replayed: Execution,
        _ spec: ReplaySpec
    ) -> Divergence? {
        for (step, (mine, theirs)) in zip(replayed.trace.leaves, claimed.leaves).enumerated() where mine != theirs {
            guard mine.kernelDigest == theirs.kernelDigest else { return place(.kernel, step, spec) }
            guard mine.slots.map(\.index) == theirs.slots.map(\.index),
                mine.slots.map(\.name) == theirs.slots.map(\.name)
            else {
                return place(.slotList, step, spec)
            }
            guard let (root, _) = zip(mine.slots, theirs.slots).first(where: { $0 != $1 }) else {
                return place(.content, step, spec)
            }
            let isFinal = spec.slots.indices.contains(root.index) && spec.lastWriter(ofSlot: root.index) == step
            if isFinal, let claimedBytes = outputs[root.name], let computed = replayed.outputs[root.name],
                let difference = firstDifference(
                    claimedBytes,
                    computed,
                    slot: spec.slots[root.index],
                    step: step,
                    spec: spec
                )
            {
                return difference
            }
            return place(.content, step, spec, slot: root.name)
        }
        guard replayed.trace.leaves.count == claimed.leaves.count else {
            return place(.stepCount, min(replayed.trace.leaves.count, claimed.leaves.count), spec)
        }
        return nil
    }

    private static func firstDifference(
        _ claimed: [UInt8],
        _ computed: [UInt8],
        slot: ReplaySpec.Slot,
        step: Int,
        spec: ReplaySpec
    ) -> Divergence? {
        guard claimed != computed else { return nil }
        guard claimed.count == computed.count,
            let offset = claimed.indices.first(where: { claimed[$0] != computed[$0] })
        else {
            return place(.outputList, step, spec, slot: slot.name)
        }
        var divergence = place(.content, step, spec, slot: slot.name)
        divergence.name(element: offset / slot.type.byteCount, of: slot, claimed: claimed, replayed: computed)
        return divergence
    }

    /// A difference at launch `index`.
    private static func place(
        _ kind: Divergence.Kind,
        _ index: Int,
        _ spec: ReplaySpec,
        slot: String? = nil
    ) -> Divergence {
        guard (0..<spec.launchCount).contains(index) else {
            return Divergence(kind: kind, step: spec.steps.count, slot: slot)
        }
        let launch = spec.launch(index)
        return Divergence(
            kind: kind,
            step: launch.step,
            iteration: launch.iteration,
            kernel: spec.steps[launch.step].kernel,
            slot: slot
        )
    }
}

extension Divergence {
    /// The launch at which the difference is; `nil` when the spec has no such launch.
    public func launch(in spec: ReplaySpec) -> ReplaySpec.Launch? {
        spec.steps.indices.contains(step) ? spec.launch(step: step, iteration: iteration) : nil
    }

    /// The difference with tile and element, when both sides have opened the content of its slot.
    /// - Parameters:
    ///   - claimed: the content that the claimant shows for the slot after the step.
    ///   - replayed: the content that the appraiser computed.
    ///   - claimedTrace: the claim's trace, which binds the claimant.
    /// - Returns: `nil` when the claimed content is not the one that the trace commits to, or the two do not differ.
    public func located(
        claimed: [UInt8],
        replayed: [UInt8],
        claimedTrace: Trace,
        spec: ReplaySpec
    ) -> Divergence? {
        guard let launch = launch(in: spec), claimedTrace.leaves.indices.contains(launch.index),
            let root = claimedTrace.leaves[launch.index].slots.first(where: { $0.name == self.slot }),
            spec.slots.indices.contains(root.index), root.root == Trace.slotRoot(claimed)
        else { return nil }
        let description = spec.slots[root.index]
        guard claimed.count == description.byteCount, replayed.count == description.byteCount,
            let offset = claimed.indices.first(where: { claimed[$0] != replayed[$0] })
        else { return nil }
        var copy = self
        copy.name(element: offset / description.type.byteCount, of: description, claimed: claimed, replayed: replayed)
        return copy
    }

    /// Names an element, its tile and both its values.
    mutating func name(element: Int, of slot: ReplaySpec.Slot, claimed: [UInt8], replayed: [UInt8]) {
        let size = slot.type.byteCount
        let range = element * size..<(element + 1) * size
        self.element = element
        tile = range.lowerBound / Trace.tileBytes
        guard range.upperBound <= min(claimed.count, replayed.count) else { return }
        self.claimed = Array(claimed[range])
        self.replayed = Array(replayed[range])
    }
}
