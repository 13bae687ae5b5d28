// Executes replay specs of the library's kernels in this process, in C compiled from the kernels' own text: no device, no
// driver, no sandbox. It is what every device is compared with.
internal import CExactOps
internal import Codecs
public import Replay

/// The oracle: a runner for specs that use nothing but this library.
///
/// Every step is computed in the form of its definition, whatever its schedule. A spec whose sources are not this library's
/// text, byte for byte, that repeats steps, or whose slots are too short for a step, is a failure.
public struct ExactOracle: Runner {
    /// The device that its executions name.
    public static let device = DeviceDescription(
        kind: .cpu,
        name: "exact operations in C",
        vendor: "Assay",
        version: "",
        driver: "",
        platform: "",
        memoryBytes: 0,
        largestBufferBytes: 0,
        computeUnits: 1,
        capabilities: [.denormals, .fusedMultiplyAdd, .roundToNearest, .correctlyRoundedDivideAndSquareRoot]
    )

    /// The oracle.
    public init() {}

    public func run(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> RunOutcome {
        do throws(RunFailure) {
            return .completed(try execute(spec, files: files))
        } catch {
            return .failed(error)
        }
    }

    /// Executes `spec` on the calling thread.
    /// - Parameter files: the content of every file that `spec.artefacts` names, by path.
    public func execute(_ spec: ReplaySpec, files: [String: [UInt8]]) throws(RunFailure) -> Execution {
        let start = ContinuousClock.now
        var sources: [[UInt8]] = []
        for source in spec.sources {
            guard let text = files[source.file] else { throw RunFailure(.input, "\(source.file) is missing") }
            guard KernelText.isProgram(text) else {
                throw RunFailure(.input, "\(source.file) is not a program of the exact operations")
            }
            sources.append(text)
        }
        var contents: [[UInt8]] = []
        for (index, slot) in spec.slots.enumerated() {
            guard let file = slot.file else {
                contents.append([UInt8](repeating: 0, count: slot.byteCount))
                continue
            }
            do throws(ParseError) {
                guard let bytes = files[file.path] else {
                    throw ParseError(field: file.path, expected: "a file", actual: "none")
                }
                contents.append(Array(try slot.content(of: bytes, format: file.format)))
            } catch {
                throw RunFailure(.input, "slots[\(index)]: \(error)")
            }
        }
        guard spec.launchCount == spec.steps.count else {
            throw RunFailure(.input, "the oracle does not compute repeated steps")
        }
        var leaves: [Trace.Leaf] = []
        for (index, step) in spec.steps.enumerated() {
            try Self.perform(step, &contents, slots: spec.slots, at: index)
            var roots: [Trace.SlotRoot] = []
            for slot in step.writtenSlots {
                let type = spec.slots[slot].type
                roots.append(
                    Trace.SlotRoot(
                        index: slot,
                        name: spec.slots[slot].name,
                        root: Trace.slotRoot(type.canonical(contents[slot]))
                    )
                )
            }
            let kernel = Prelude.kernelDigest(source: sources[step.source], kernel: step.kernel)
            leaves.append(Trace.Leaf(step: UInt32(index), kernelDigest: kernel, slots: roots))
        }
        var outputs: [String: [UInt8]] = [:]
        for index in spec.outputSlots {
            outputs[spec.slots[index].name] = spec.slots[index].type.canonical(contents[index])
        }
        let wall = (ContinuousClock.now - start).components
        return Execution(
            outputs: outputs,
            trace: Trace(leaves: leaves),
            device: Self.device,
            sandbox: SandboxReport(measures: []),
            wallMicroseconds: UInt64(wall.seconds) * 1_000_000 + UInt64(wall.attoseconds / 1_000_000_000_000),
            workUnits: spec.workUnits
        )
    }

    private static func perform(
        _ step: ReplaySpec.Step,
        _ contents: inout [[UInt8]],
        slots: [ReplaySpec.Slot],
        at index: Int
    ) throws(RunFailure) {
        guard let kernel = ExactKernel(function: step.kernel), step.arguments.count == kernel.parameters.count else {
            throw RunFailure(.input, "step \(index): \(step.kernel) is not one of the exact operations")
        }
        var arguments = [assay_exact_argument](repeating: assay_exact_argument(), count: step.arguments.count)
        var bound: [(argument: Int, slot: Int)] = []
        for (position, (argument, parameter)) in zip(step.arguments, kernel.parameters).enumerated() {
            switch (argument, parameter) {
            case (.slot(let slot, .read), .input(let type)) where slots[slot].type == type:
                bound.append((position, slot))
            case (.slot(let slot, .write), .output(let type)) where slots[slot].type == type:
                bound.append((position, slot))
            case (.u32(let value), .u32), (.f32(let value), .f32): arguments[position].bits = UInt64(value)
            case (.i32(let value), .i32): arguments[position].bits = UInt64(UInt32(bitPattern: value))
            case (.u64(let value), .u64): arguments[position].bits = value
            default: throw RunFailure(.input, "step \(index), argument \(position): not what \(step.kernel) takes")
            }
        }
        guard let extent = kernel.extent(scalars: arguments.dropFirst(bound.count).map(\.bits)) else {
            throw RunFailure(.input, "step \(index): \(step.kernel) is not defined for its scalars")
        }
        for ((_, slot), needed) in zip(bound, extent.elements) where UInt64(slots[slot].elementCount) < needed {
            throw RunFailure(.input, "step \(index): \(slots[slot].name) has fewer than \(needed) elements")
        }
        let status = withPointers(to: &contents, bound.map(\.slot)) { pointers in
            for ((position, _), pointer) in zip(bound, pointers) { arguments[position].pointer = pointer }
            return assay_exact_launch(
                kernel.rawValue,
                arguments,
                UInt32(arguments.count),
                extent.columns,
                extent.rows
            )
        }
        guard status == 0 else { throw RunFailure(.device, "step \(index): the oracle does not know \(step.kernel)") }
    }

    /// Calls `body` with the address of each slot's bytes. A written slot is never bound twice, as the spec ensures.
    private static func withPointers(
        to contents: inout [[UInt8]],
        _ slots: [Int],
        _ body: ([UnsafeMutableRawPointer]) -> Int32
    ) -> Int32 {
        var buffers: [Int: UnsafeMutableRawBufferPointer] = [:]
        for slot in Set(slots) {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: contents[slot].count, alignment: 64)
            buffer.copyBytes(from: contents[slot])
            buffers[slot] = buffer
        }
        defer { for buffer in buffers.values { buffer.deallocate() } }
        let result = body(slots.compactMap { buffers[$0]?.baseAddress })
        for (slot, buffer) in buffers { contents[slot] = Array(buffer) }
        return result
    }
}

extension ElementType {
    fileprivate func canonical(_ bytes: [UInt8]) -> [UInt8] {
        var copy = bytes
        canonicaliseNaN(&copy)
        return copy
    }
}
