// A runner that admits before it runs, so that every verdict says by how much of admission its kernels went.

/// Runs jobs whose kernels pass every stage of admission that this machine has.
public struct AdmittingRunner: RangeRunner {
    private let runner: SandboxedRunner
    private let admitter: Admitter

    /// A runner over `runner`.
    /// - Parameter cache: where reports are kept.
    public init(_ runner: SandboxedRunner, cache: (any AdmissionCache)?) {
        self.runner = runner
        admitter = Admitter(runner: runner, cache: cache)
    }

    public func run(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> RunOutcome {
        let report: AdmissionReport
        switch await admitter.admit(spec, files: files) {
        case .failed(let failure): return .failed(failure)
        case .reported(let found): report = found
        }
        // That something took too long is nobody's breach: the run decides.
        let faults = report.faults.filter { $0.rule != .endlessRun && $0.rule != .compileResources }
        guard faults.isEmpty else { return .refused(faults) }
        let outcome = await runner.run(spec, files: files)
        guard case .completed(var execution) = outcome else { return outcome }
        execution.admission = KernelAdmission(summary: report.summary, isComplete: report.isComplete)
        return .completed(execution)
    }

    public func run(_ spec: ReplaySpec, files: [String: [UInt8]], range: ReplayRange) async -> RangeOutcome {
        switch await admitter.admit(spec, files: files) {
        case .failed(let failure): return .failed(failure)
        case .reported(let report):
            let faults = report.faults.filter { $0.rule != .endlessRun && $0.rule != .compileResources }
            guard faults.isEmpty else { return .refused(faults) }
            return await runner.run(spec, files: files, range: range)
        }
    }

    /// The devices of the runner.
    public func devices() async throws(RunFailure) -> [DeviceDescription] { try await runner.devices() }
}
