// The first launches of a computation as a computation of its own: what is left behind when a run is cut short.

extension ReplaySpec {
    /// The computation that ends after the first `count` launches.
    ///
    /// Its outputs are all slots that those launches write, scratch included: everything from which the rest could be
    /// computed. Its trace is the beginning of the whole computation's trace. Where it ends inside an iteration of a repeat,
    /// its `json` is that of the whole computation with these outputs: the end is not part of it.
    /// - Precondition: `count` is from 1 to the number of launches, and the class is bit-exact.
    public func prefix(steps count: Int) -> ReplaySpec {
        guard count < launchCount else { return self }
        let written = Set((0..<count).flatMap { steps[launch($0).step].writtenSlots })
        var slots = slots
        var outputBytes: UInt64 = 0
        for index in slots.indices where slots[index].file == nil {
            slots[index].role = written.contains(index) ? .output : .scratch
            if written.contains(index) { outputBytes += UInt64(slots[index].byteCount) }
        }
        var limits = limits
        limits.outputBytes = max(limits.outputBytes, outputBytes)
        let kept = whole(count)
        return ReplaySpec(
            replayClass: replayClass,
            device: device,
            sources: sources,
            slots: slots,
            steps: kept?.steps ?? steps,
            repeats: kept?.repeats ?? repeats,
            seed: seed,
            agreements: agreements,
            calibration: calibration,
            limits: limits,
            workUnits: workUnits(ofFirst: count),
            end: kept == nil ? count : nil
        )
    }

    /// The steps and repeats of the first `count` launches; `nil` when they end inside an iteration.
    private func whole(_ count: Int) -> (steps: [Step], repeats: [Repeat])? {
        var kept: (steps: [Step], repeats: [Repeat]) = ([], [])
        for block in blocks where block.firstLaunch < count {
            let launches = min(count, block.end) - block.firstLaunch
            guard let index = block.repeatIndex else {
                kept.steps += steps[block.steps].prefix(launches)
                continue
            }
            guard launches.isMultiple(of: block.steps.count) else { return nil }
            let iterations = launches / block.steps.count
            kept.steps += steps[block.steps].map { $0.shortened(to: iterations) }
            let part = repeats[index]
            kept.repeats.append(Repeat(steps: part.steps, count: iterations, carried: part.carried))
        }
        return kept
    }

    /// The work units of the first `count` launches.
    public func workUnits(ofFirst count: Int) -> UInt64 {
        // The whole fits into 64 bits, so each part does.
        (0..<min(count, launchCount)).reduce(0) { $0 + units(ofLaunch: $1) }
    }

    /// The most launches from the beginning whose work is at most `units`; 0 when not even the first one is.
    public func steps(within units: UInt64) -> Int {
        var sum: UInt64 = 0
        for index in 0..<launchCount {
            sum += self.units(ofLaunch: index)
            if sum > units { return index }
        }
        return launchCount
    }

    private func units(ofLaunch index: Int) -> UInt64 {
        let step = steps[launch(index).step]
        return step.global.reduce(1, *) * step.unitsPerItem
    }
}

extension ReplaySpec.Step {
    /// The step in a repeat of so many iterations, which are at most those that it has.
    func shortened(to iterations: Int) -> ReplaySpec.Step {
        var copy = self
        copy.arguments = arguments.map { argument in
            guard case .slotByIteration(let slots) = argument else { return argument }
            return .slotByIteration(Array(slots.prefix(iterations)))
        }
        return copy
    }
}
