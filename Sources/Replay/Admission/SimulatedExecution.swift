// What a simulator computes for a whole job. It is nobody's result: a second opinion on the bits, for small jobs.

/// A job as a simulator computed it.
public struct SimulatedExecution: Sendable, Equatable {
    /// The commitments to every step, made as those of a run are.
    public var trace: Trace
    /// What the simulator found wrong with the kernels: accesses out of bounds, races, memory that nothing was written to.
    public var faults: [AdmissionFault]
    /// The simulator.
    public var simulator: String
}

extension SandboxedRunner {
    /// Whether this machine has the simulator, Oclgrind.
    public static var hasSimulator: Bool { SandboxLauncher.simulator() != nil }

    /// Computes a job in the simulator, in the sandbox.
    ///
    /// A simulator interprets kernels and is about a thousand times slower than a device. It does not declare the flags that
    /// class `exact` asks of a device, and nothing it computes is paid for; that its arithmetic is right is shown by the
    /// self-test's questions (`ExactOps.SelfTest`).
    /// - Parameter files: the content of every file that `spec.artefacts` names, by path.
    /// - Throws: `RunFailure` when there is no simulator, a file is missing, or there is no result.
    public func simulate(_ spec: ReplaySpec, files: [String: [UInt8]]) async throws(RunFailure) -> SimulatedExecution {
        guard let simulator = SandboxLauncher.simulator() else {
            throw RunFailure(.noDevice, "Oclgrind is missing")
        }
        let job = try ReplayJob(spec: spec, files: files)
        let faults = Admission.faults(in: spec, sources: job.sources)
        if let fault = faults.first { throw RunFailure(.input, "refused: \(fault)") }
        let outcome: Result<Simulation, RunFailure> = await result { [self] control throws(RunFailure) in
            try simulate(job, simulator: simulator, control)
        }
        let simulation = try outcome.get()
        return SimulatedExecution(
            trace: Trace(leaves: simulation.leaves),
            faults: SimulatorLog.faults(in: simulation.log, sources: spec.sourceOfKernels),
            simulator: simulation.device
        )
    }
}

extension ReplaySpec {
    /// The name of the source of each kernel that a step launches.
    var sourceOfKernels: [String: String] {
        Dictionary(steps.map { ($0.kernel, sources[$0.source].name) }, uniquingKeysWith: { first, _ in first })
    }
}
