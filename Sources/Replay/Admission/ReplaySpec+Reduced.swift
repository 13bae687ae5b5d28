// A spec made small for admission: the same kernels, arguments and buffers over a few work-groups and iterations, so that a
// simulator a thousand times slower than a device comes to an end.
internal import Codecs
internal import Commitments

extension ReplaySpec {
    /// How much of a job is tried.
    enum Reduction {
        /// Work-groups in each dimension, so that groups meet groups in each.
        static let groups: UInt64 = 2
        /// Iterations of each repeat, so that one follows another; also launches of one kernel in one shape with the same
        /// scalars, which the layers of a model repeat without saying so.
        static let iterations = 2
        /// Work-items of a launch above which dimensions shrink to one group.
        static let items: UInt64 = 2048
        /// Bytes of all slots above which nothing is simulated.
        static let memoryBytes: UInt64 = 1 << 30
    }

    /// What identifies an admission: everything in the spec that kernels see, but no content of inputs.
    func admissionKey(sources texts: [[UInt8]]) -> Digest {
        var hash = SHA256()
        hash.update("assay-admission-1\0")
        hash.update(Prelude.digest)
        hash.update(SHA256.hash(Array(Prelude.options.utf8)))
        for text in texts { hash.update(SHA256.hash(text)) }
        var bare = self
        for index in bare.sources.indices {
            bare.sources[index].file = "source"
            bare.sources[index].byteCount = nil
            bare.sources[index].cid = nil
        }
        for index in bare.slots.indices where bare.slots[index].file != nil {
            bare.slots[index].file = Slot.File(path: "input", format: .raw)
        }
        hash.update(SHA256.hash(bare.canonicalBytes))
        return hash.finalized()
    }

    /// The same computation over a few work-groups and iterations. Outputs are what the small range leaves in them.
    /// - Returns: the small spec, and for each of its steps the index of the one that it stands for.
    func reduced() -> (spec: ReplaySpec, origins: [Int]) {
        var counts: [Int: Int] = [:]
        let repeats = repeats.map { part in
            let count = min(part.count, Reduction.iterations)
            for step in part.steps { counts[step] = count }
            return Repeat(steps: part.steps, count: count, carried: part.carried)
        }
        let steps = steps.enumerated().map { index, step in
            var copy = step.shortened(to: counts[index] ?? 1)
            copy.global = step.reducedGlobal
            return copy
        }
        let origins = repeats.isEmpty ? firstOfTheirKind : Array(steps.indices)
        return (replacing(steps: origins.map { steps[$0] }, repeats: repeats), origins)
    }

    /// The steps without those that launch a kernel as two before them do, whatever slots of the same size they name.
    private var firstOfTheirKind: [Int] {
        var seen: [String: Int] = [:]
        return steps.indices.filter { index in
            let step = steps[index]
            let arguments = step.arguments.map { argument in
                guard case .slot(let slot, let access) = argument else { return "\(argument)" }
                return "\(access) \(slots[slot].type) \(slots[slot].byteCount)"
            }
            let kind = "\(step.source) \(step.kernel) \(step.global) \(step.local) \(arguments)"
            seen[kind, default: 0] += 1
            return seen[kind, default: 0] <= Reduction.iterations
        }
    }

    /// The same computation with other work-group shapes.
    /// - Parameter shapes: the shape by index of the step; a divisor of the step's range.
    func withLocal(_ shapes: [Int: [UInt64]]) -> ReplaySpec {
        var steps = steps
        for (index, shape) in shapes { steps[index].local = shape }
        return replacing(steps: steps, repeats: repeats)
    }

    private func replacing(steps: [Step], repeats: [Repeat]) -> ReplaySpec {
        ReplaySpec(
            replayClass: replayClass,
            device: device,
            sources: sources,
            slots: slots,
            steps: steps,
            repeats: repeats,
            seed: seed,
            agreements: agreements,
            calibration: calibration,
            limits: limits,
            workUnits: workUnits
        )
    }
}

extension ReplaySpec.Step {
    /// A few groups in each dimension, for both work-group shapes of the step.
    fileprivate var reducedGlobal: [UInt64] {
        var result = global
        let units = local.indices.map { dimension in
            alternativeLocal.map { Self.leastMultiple(local[dimension], $0[dimension]) } ?? local[dimension]
        }
        for dimension in global.indices {
            result[dimension] = min(global[dimension], units[dimension] * ReplaySpec.Reduction.groups)
        }
        for dimension in global.indices.reversed() where result.reduce(1, *) > ReplaySpec.Reduction.items {
            result[dimension] = units[dimension]
        }
        return result
    }

    private static func leastMultiple(_ a: UInt64, _ b: UInt64) -> UInt64 {
        var (x, y) = (a, b)
        while y != 0 { (x, y) = (y, x % y) }
        return a / x * b
    }
}
