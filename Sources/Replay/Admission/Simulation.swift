// The dry run, seen from the parent: sources in; the simulator's findings and the content of every written slot out. A slot that
// a step declares to write only is written three times: over two patterns, and over zeros or what it held.
internal import Codecs
internal import Commitments

/// What a simulated run left behind.
struct Simulation {
    /// One leaf per launch.
    var leaves: [Trace.Leaf]
    /// What the simulator wrote about the run.
    var log: String
    /// The simulator.
    var device: String
    /// The first written slot whose new content depends on its old one, though the step declares to write it only.
    var readsUnwritten: (launch: Int, slot: Int)?
}

extension ReplaySpec.Step {
    /// The slots that the step declares to write and not to read.
    package var overwrittenSlots: [Int] {
        arguments.compactMap { argument in
            if case .slot(let index, .write) = argument { index } else { nil }
        }.sorted()
    }
}

/// The stage in which a simulator runs a job.
struct SimulateStage {
    let job: ReplayJob
    let simulator: String
    let launcher: SandboxLauncher
    let options: SandboxedRunner.Options
    let workDirectory: String

    func execute(control: ChildControl) throws(RunFailure) -> Simulation {
        let spec = job.spec
        let units = ProgramUnit.needed(by: spec)
        let texts = units.map { Prelude.program(job.sources[$0.source], isSmallGrid: $0.isSmallGrid)[...] }
        let worker = try StagedWorker(
            .simulate,
            job: job,
            range: ReplayRange(launches: 0..<spec.launchCount),
            blobs: texts,
            inputs: spec.slots.indices.compactMap { job.inputs[$0] },
            walls: StageWalls(addressSpaceBytes: 8 << 30, seconds: UInt64(options.simulateSeconds)),
            simulator: simulator,
            launcher: launcher,
            options: options,
            workDirectory: workDirectory,
            deadline: .now + .seconds(options.simulateSeconds),
            control: control
        )
        let longest = spec.slots.map(\.byteCount).max() ?? 0
        let reply = WorkerReply(
            worker.child,
            bounds: [
                .device: 65_536, .slot: longest + 8, .patterned: longest + 8, .log: SimulatorLog.bytesMax, .done: 0,
                .failure: 65_536,
            ]
        )
        let device = try worker.device(reply)
        var simulation = Simulation(leaves: [], log: "", device: "\(device.platform) \(device.driver)")
        var held: [Int: [UInt8]] = [:]
        for index in 0..<spec.launchCount {
            let launch = spec.launch(index)
            let step = spec.steps[launch.step]
            for slot in spec.slotsCleared(before: launch) { held[slot] = nil }
            var patterned: [Int: [[UInt8]]] = [:]
            for _ in 0..<2 {
                for slot in step.overwrittenSlots {
                    let content = try content(of: try reply.expect(.patterned), launch: index, slot: slot)
                    patterned[slot, default: []].append(content)
                }
            }
            var roots: [Trace.SlotRoot] = []
            for slot in step.writtenSlots {
                let raw = try content(of: try reply.expect(.slot), launch: index, slot: slot)
                let patterns = WorkerRequest.patterns(for: spec.slots[slot].type)
                let agrees = zip(patterned[slot] ?? [], patterns).allSatisfy { other, pattern in
                    Self.agree(raw, other, before: held[slot], pattern)
                }
                if !agrees, simulation.readsUnwritten == nil { simulation.readsUnwritten = (index, slot) }
                held[slot] = raw
                var canonical = raw
                spec.slots[slot].type.canonicaliseNaN(&canonical)
                let root = Trace.slotRoot(canonical)
                roots.append(Trace.SlotRoot(index: slot, name: spec.slots[slot].name, root: root))
            }
            let kernel = Prelude.kernelDigest(source: job.sources[step.source], kernel: step.kernel)
            simulation.leaves.append(Trace.Leaf(step: UInt32(index), kernelDigest: kernel, slots: roots))
        }
        simulation.log = String(decoding: try reply.expect(.log), as: UTF8.self)
        _ = try reply.expect(.done)
        return simulation
    }

    /// Whether every byte is the same over the pattern, or was not written at all.
    private static func agree(_ plain: [UInt8], _ patterned: [UInt8], before: [UInt8]?, _ pattern: UInt8) -> Bool {
        guard plain != patterned else { return true }
        return plain.indices.allSatisfy { index in
            plain[index] == patterned[index]
                || (patterned[index] == pattern && plain[index] == before?[index] ?? 0)
        }
    }

    private func content(of frame: [UInt8], launch: Int, slot index: Int) throws(RunFailure) -> [UInt8] {
        let slot = job.spec.slots[index]
        guard frame.count == slot.byteCount + 8, WorkerFrame.place(of: frame) == [UInt32(launch), UInt32(index)] else {
            throw RunFailure(.protocolViolation, "expected launch \(launch), slot \(slot.name), of the simulator")
        }
        return Array(frame[8...])
    }
}
