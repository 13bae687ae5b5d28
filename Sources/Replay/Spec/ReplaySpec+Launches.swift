// Steps as they are launched: repeats counted out. The trace has one leaf per launch.
//
// Each iteration of a repeat is the same function of the inputs, the iteration's number and the carried slots: every other slot
// that the repeat writes is filled with zeros when an iteration begins.

extension ReplaySpec {
    /// Steps that are performed several times in a row.
    public struct Repeat: Sendable, Equatable {
        /// The indices of the steps.
        public var steps: Range<Int>
        /// How often they are performed.
        public var count: Int
        /// The slots, in order, whose content goes from one iteration to the next.
        public var carried: [Int]
    }

    /// One kernel launch of a run.
    public struct Launch: Sendable, Equatable {
        /// Its place in the run: the index of its leaf in the trace.
        public let index: Int
        /// The index of its step in `steps`.
        public let step: Int
        /// The iteration of its repeat, from 0; `nil` outside repeats.
        public let iteration: Int?
    }

    /// Steps that stand together: a repeat, or what is between two.
    struct Block: Sendable, Equatable {
        let steps: Range<Int>
        let firstLaunch: Int
        let count: Int
        /// Its index in `repeats`; `nil` for what is between two.
        let repeatIndex: Int?

        var end: Int { firstLaunch + steps.count * count }

        /// Every step in one block. Repeats are in order, not empty, and their launches number less than 2^31.
        static func all(stepCount: Int, repeats: [Repeat]) -> [Block] {
            var blocks: [Block] = []
            func append(_ steps: Range<Int>, _ count: Int, _ index: Int?) {
                guard !steps.isEmpty else { return }
                blocks.append(
                    Block(steps: steps, firstLaunch: blocks.last?.end ?? 0, count: count, repeatIndex: index)
                )
            }
            for (index, part) in repeats.enumerated() {
                append((blocks.last?.steps.upperBound ?? 0)..<part.steps.lowerBound, 1, nil)
                append(part.steps, part.count, index)
            }
            append((blocks.last?.steps.upperBound ?? 0)..<stepCount, 1, nil)
            return blocks
        }
    }

    /// The number of kernel launches, which is the number of leaves of a trace.
    public var launchCount: Int { end ?? blocks.last?.end ?? 0 }

    /// The launch at `index`, which is below `launchCount`.
    public func launch(_ index: Int) -> Launch {
        precondition(index >= 0 && index < launchCount, "no such launch")
        var low = 0
        var high = blocks.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if blocks[middle].firstLaunch <= index { low = middle } else { high = middle }
        }
        let block = blocks[low]
        let (iteration, position) = (index - block.firstLaunch).quotientAndRemainder(dividingBy: block.steps.count)
        return Launch(
            index: index,
            step: block.steps.lowerBound + position,
            iteration: block.repeatIndex == nil ? nil : iteration
        )
    }

    /// The launch of a step, in an iteration of its repeat if it is in one; `nil` when there is no such launch.
    public func launch(step: Int, iteration: Int? = nil) -> Launch? {
        guard let block = blocks.first(where: { $0.steps.contains(step) }),
            (block.repeatIndex == nil) == (iteration == nil), (0..<block.count).contains(iteration ?? 0)
        else { return nil }
        let index = block.firstLaunch + (iteration ?? 0) * block.steps.count + step - block.steps.lowerBound
        return index < launchCount ? Launch(index: index, step: step, iteration: iteration) : nil
    }

    /// The last launch that writes slot `index`; `nil` for an input or a scratch slot that nobody writes.
    public func lastWriter(ofSlot index: Int) -> Int? {
        for block in blocks.reversed() where block.steps.contains(where: { steps[$0].writtenSlots.contains(index) }) {
            let launches = block.firstLaunch..<max(block.firstLaunch, min(block.end, launchCount))
            if let last = launches.last(where: { steps[launch($0).step].writtenSlots.contains(index) }) { return last }
        }
        return nil
    }

    /// The arguments of a launch, with what depends on iteration and seed filled in: slots, scalars and local memory only.
    public func arguments(of launch: Launch) -> [Argument] {
        steps[launch.step].arguments.map { argument in
            switch argument {
            case .slotByIteration(let indices): .slot(indices[launch.iteration ?? 0], .read)
            // Reading the spec has shown that there is a value in every iteration.
            case .counter, .seedWord: argument.value(iteration: launch.iteration ?? 0, seed: seed) ?? argument
            default: argument
            }
        }
    }

    /// The slots that are filled with zeros just before `launch`: when an iteration begins, what its repeat writes and does
    /// not carry.
    public func slotsCleared(before launch: Launch) -> [Int] {
        guard launch.iteration != nil, let part = repeats.first(where: { $0.steps.lowerBound == launch.step }) else {
            return []
        }
        let written = Set(steps[part.steps].flatMap(\.writtenSlots))
        return written.subtracting(part.carried).sorted()
    }

    /// The kernel of launch `index`; `nil` when the run has no such launch.
    func kernel(ofLaunch index: Int) -> String? {
        (0..<launchCount).contains(index) ? steps[launch(index).step].kernel : nil
    }
}

extension ReplaySpec.Argument {
    /// The scalar that a counter or a word of the seed stands for; `nil` when it has no value of its type.
    func value(iteration: Int, seed: [UInt64]?) -> Self? {
        switch self {
        case .seedWord(let word): return (seed?.indices.contains(word) ?? false) ? seed.map { .u64($0[word]) } : nil
        case .counter(let first, let stride):
            let growth = Int128(stride) * Int128(iteration)
            switch first {
            case .i32(let value): return Int32(exactly: Int128(value) + growth).map { .i32($0) }
            case .u32(let value): return UInt32(exactly: Int128(value) + growth).map { .u32($0) }
            case .i64(let value): return Int64(exactly: Int128(value) + growth).map { .i64($0) }
            case .u64(let value): return UInt64(exactly: Int128(value) + growth).map { .u64($0) }
            default: return nil
            }
        default: return self
        }
    }
}
