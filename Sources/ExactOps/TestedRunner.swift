// A runner that gives a device no job of class `exact` before the device has passed the self-test.
public import Replay
internal import Synchronization

/// Runs jobs only on devices that compute what the oracle computes.
///
/// The first job for a kind of device pays for the test; its result holds for this process. An execution's device carries the
/// record of the test. Jobs whose class promises no bits of floating point run on any device.
public final class TestedRunner<Base: Runner>: Runner {
    /// The runner whose devices are tested.
    public let base: Base
    private let tester: any Runner
    private let tests = Mutex<[ReplaySpec.DeviceRequirement.Kind: Task<SelfTestOutcome, Never>]>([:])

    /// A runner that tests the devices of `base`.
    /// - Parameter tester: what runs the self-test, on the same devices; `base` itself for `nil`.
    public init(_ base: Base, tester: (any Runner)? = nil) {
        self.base = base
        self.tester = tester ?? base
    }

    public func run(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> RunOutcome {
        guard spec.replayClass == .exact else { return await base.run(spec, files: files) }
        switch await outcome(for: spec.device.kind) {
        case .failed(let failure): return .failed(failure)
        case .refused(let finding, let device):
            return .failed(RunFailure(.noDevice, "\(device.name) does not pass the self-test: \(finding)"))
        case .passed(let device):
            let outcome = await base.run(spec, files: files)
            guard case .completed(var execution) = outcome else { return outcome }
            guard execution.device.isSameDevice(as: device) else {
                tests.withLock { $0[spec.device.kind] = nil }
                let name = execution.device.name
                return .failed(RunFailure(.noDevice, "\(name) computed, which is not the device that was tested"))
            }
            execution.device.selfTest = device.selfTest
            return .completed(execution)
        }
    }

    /// The result of the test for jobs that ask for `kind`; tests when there is none yet.
    public func outcome(for kind: ReplaySpec.DeviceRequirement.Kind) async -> SelfTestOutcome {
        let task = tests.withLock { tests in
            if let known = tests[kind] { return known }
            let task = Task { [tester] in await SelfTest().run(tester, device: kind) }
            tests[kind] = task
            return task
        }
        let outcome = await task.value
        // A failure says nothing about the device: the next job tries again.
        if case .failed = outcome { tests.withLock { $0[kind] = nil } }
        return outcome
    }
}
