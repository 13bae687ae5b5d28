// The first steps of a computation as a computation of its own: what is left behind when a run is cut short.
internal import Codecs

extension ReplaySpec {
    /// The computation that ends after the first `steps` steps.
    ///
    /// Its outputs are all slots that those steps write, scratch included: everything from which the rest could be computed.
    /// Its trace is the beginning of the whole computation's trace.
    /// - Precondition: `steps` is from 1 to the number of steps.
    public func prefix(steps count: Int) -> ReplaySpec {
        guard count < steps.count else { return self }
        let kept = Array(steps.prefix(count))
        let written = Set(kept.flatMap(\.writtenSlots))
        var slots = slots
        var outputBytes: UInt64 = 0
        for index in slots.indices where slots[index].role != .input {
            slots[index].role = written.contains(index) ? .output : .scratch
            if written.contains(index) { outputBytes += UInt64(slots[index].byteCount) }
        }
        var limits = limits
        limits.outputBytes = max(limits.outputBytes, outputBytes)
        return ReplaySpec(
            replayClass: replayClass,
            device: device,
            sources: sources,
            slots: slots,
            steps: kept,
            limits: limits,
            workUnits: workUnits(ofFirst: count)
        )
    }

    /// The work units of the first `count` steps.
    public func workUnits(ofFirst count: Int) -> UInt64 {
        // The whole fits into 64 bits, so each part does.
        steps.prefix(count).reduce(0) { $0 + $1.global.reduce(1, *) * $1.unitsPerItem }
    }

    /// The most steps from the beginning whose work is at most `units`; 0 when not even the first one is.
    public func steps(within units: UInt64) -> Int {
        var sum: UInt64 = 0
        for (index, step) in steps.enumerated() {
            sum += step.global.reduce(1, *) * step.unitsPerItem
            if sum > units { return index }
        }
        return steps.count
    }
}
