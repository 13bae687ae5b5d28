// The whole of admission: rules, compile, dry run, differential run. Each stage runs in the sandbox and is bounded in time; the
// first that finds something ends it.
internal import Codecs
internal import Commitments

/// Admits kernels as class A.
///
/// The dry run needs Oclgrind, whose simulated device executes no native code of the kernel and sees every access to memory.
/// Where it is missing, the report says so: what was admitted then was admitted by fewer stages.
public struct Admitter: Sendable {
    private let runner: SandboxedRunner
    private let cache: (any AdmissionCache)?

    /// An admitter.
    /// - Parameters:
    ///   - runner: where kernels are compiled and run.
    ///   - cache: where reports are kept.
    public init(runner: SandboxedRunner, cache: (any AdmissionCache)? = nil) {
        self.runner = runner
        self.cache = cache
    }

    /// Admits the kernels of `spec`.
    /// - Parameter files: the content of every file that `spec.artefacts` names, by path.
    public func admit(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> AdmissionOutcome {
        let job: ReplayJob
        do throws(RunFailure) {
            job = try ReplayJob(spec: spec, files: files)
        } catch {
            return .failed(error)
        }
        var report = AdmissionReport(
            key: spec.admissionKey(sources: job.sources),
            stages: [],
            faults: Admission.faults(in: spec, sources: job.sources),
            device: nil,
            simulator: nil
        )
        guard report.faults.isEmpty else {
            report.refuse(.rules, report.faults)
            return .reported(report)
        }
        report.pass(.rules, "\(job.sources.count) sources, \(spec.steps.count) steps")
        if let known = cache?.report(for: report.key) { return .reported(known) }
        let outcome: Result<AdmissionReport, RunFailure> = await runner.result { [report] control throws(RunFailure) in
            var trial = AdmissionTrial(runner: runner, control: control, job: job, report: report)
            try trial.perform()
            return trial.report
        }
        switch outcome {
        case .success(let report):
            cache?.insert(report)
            return .reported(report)
        case .failure(let failure): return .failed(failure)
        }
    }
}

/// One admission on its way through the stages that need a device.
private struct AdmissionTrial {
    let runner: SandboxedRunner
    let control: ChildControl
    let job: ReplayJob
    private(set) var report: AdmissionReport
    /// For each step of the small spec the index of the one that it stands for.
    private var origins: [Int] = []

    init(runner: SandboxedRunner, control: ChildControl, job: ReplayJob, report: AdmissionReport) {
        self.runner = runner
        self.control = control
        self.job = job
        self.report = report
    }

    mutating func perform() throws(RunFailure) {
        guard try compile() else { return }
        let reduced = job.spec.reduced()
        origins = reduced.origins
        let small = ReplayJob(spec: reduced.spec, sources: job.sources, inputs: job.inputs)
        switch try dryRun(small) {
        case .refused: return
        case .skipped: try differential(small, nil)
        case .done(let simulation): try differential(small, simulation)
        }
    }

    // MARK: Compile

    private mutating func compile() throws(RunFailure) -> Bool {
        do throws(RunFailure) {
            let programs = try runner.compiled(job, control)
            report.device = programs.device.name
            report.pass(.compile, "\(programs.binaries.count) programs for \(programs.device.name)")
            return true
        } catch {
            switch error.reason {
            case .compile: report.refuse(.compile, [compileFault(.doesNotCompile, error)])
            case .timeout, .outOfMemory, .crashed: report.refuse(.compile, [compileFault(.compileResources, error)])
            default: throw error
            }
            return false
        }
    }

    /// The first `file:line:column: …` of a compiler's log.
    private func compileFault(_ rule: AdmissionFault.Rule, _ failure: RunFailure) -> AdmissionFault {
        for line in failure.detail.split(separator: "\n") {
            let parts = line.split(separator: ":", omittingEmptySubsequences: false)
            for position in parts.indices.dropLast(2) {
                guard let row = Int(parts[position]), let column = Int(parts[position + 1]), row > 0 else { continue }
                let text = parts[(position + 2)...].joined(separator: ":")
                return AdmissionFault(
                    rule: rule,
                    source: job.spec.sources[0].name,
                    line: row,
                    column: column,
                    detail: String(text.drop { $0 == " " })
                )
            }
        }
        return AdmissionFault(rule: rule, source: job.spec.sources[0].name, line: 0, detail: failure.detail)
    }

    // MARK: Dry run

    private enum DryRun {
        case refused
        case skipped
        case done(Simulation)
    }

    private mutating func dryRun(_ small: ReplayJob) throws(RunFailure) -> DryRun {
        guard let simulator = SandboxLauncher.simulator() else {
            report.skip(.dryRun, "Oclgrind is missing")
            return .skipped
        }
        let bytes = small.spec.slots.reduce(UInt64(0)) { $0 + UInt64($1.byteCount) }
        guard bytes <= ReplaySpec.Reduction.memoryBytes else {
            report.skip(.dryRun, "\(bytes) bytes of slots are too many for the simulator")
            return .skipped
        }
        let simulation: Simulation
        do throws(RunFailure) {
            simulation = try runner.simulate(small, simulator: simulator, control)
        } catch {
            switch error.reason {
            case .timeout:
                let detail = "a small range of the job came to no end in the simulator"
                report.refuse(.dryRun, [fault(.endlessRun, step: nil, detail)])
                return .refused
            case .crashed, .device, .outOfMemory, .compile, .noDevice:
                report.skip(.dryRun, "the simulator failed: \(error)")
                return .skipped
            default: throw error
            }
        }
        report.simulator = simulation.device
        let faults = SimulatorLog.faults(in: simulation.log, sources: job.spec.sourceOfKernels)
        guard faults.isEmpty else {
            report.refuse(.dryRun, faults)
            return .refused
        }
        report.pass(.dryRun, "\(small.spec.launchCount) small launches in \(simulation.device)")
        return .done(simulation)
    }

    // MARK: Differential run

    private mutating func differential(_ small: ReplayJob, _ simulation: Simulation?) throws(RunFailure) {
        var done: [String] = []
        if let place = simulation?.readsUnwritten {
            let name = job.spec.slots[place.slot].name
            let detail = "the result depends on what slot \(name) held, which the step declares to write only"
            report.refuse(.differential, [fault(.readsUnwritten, step: small.spec.launch(place.launch).step, detail)])
            return
        }
        guard job.spec.replayClass.isBitExact else {
            report.skip(.differential, "class \(job.spec.replayClass.rawValue) is held to bounds, not to bits")
            return
        }
        let own = try runner.perform(small, control)
        if let simulation {
            if let found = difference(small.spec, own.leaves, simulation.leaves) {
                let detail = "\(found.text) differs between \(own.device.name) and \(simulation.device)"
                report.refuse(.differential, [fault(.deviceDependence, step: found.step, detail)])
                return
            }
            done += ["the device against the simulator", "slots filled with zeros and two patterns"]
        }
        let again = try runner.perform(small, control)
        if let found = difference(small.spec, own.leaves, again.leaves) {
            let detail = "\(found.text) differs between two runs on \(own.device.name)"
            report.refuse(.differential, [fault(.deviceDependence, step: found.step, detail)])
            return
        }
        let shapes = WorkGroupShapes(small.spec, sources: job.sources)
        if !shapes.shapes.isEmpty {
            let other = ReplayJob(
                spec: small.spec.withLocal(shapes.shapes),
                sources: shapes.sources,
                inputs: small.inputs
            )
            let second = try runner.perform(other, control)
            if let found = difference(small.spec, own.leaves, second.leaves) {
                let shape = shapes.shapes[found.step].map { " of \($0)" } ?? ""
                let detail = "\(found.text) differs with work-groups\(shape)"
                report.refuse(.differential, [fault(.workGroupDependence, step: found.step, detail)])
                return
            }
            done.append("a second work-group shape for \(shapes.shapes.count) of \(small.spec.steps.count) steps")
        }
        if simulation == nil {
            report.skip(.differential, "no simulator to compare with")
        } else {
            report.pass(.differential, done.joined(separator: ", "))
        }
    }

    /// The first launch and slot whose content differs. Kernel digests may differ: a rewritten source has its own.
    private func difference(
        _ spec: ReplaySpec,
        _ left: [Trace.Leaf],
        _ right: [Trace.Leaf]
    ) -> (step: Int, text: String)? {
        for (mine, theirs) in zip(left, right) {
            guard let (slot, _) = zip(mine.slots, theirs.slots).first(where: { $0 != $1 }) else { continue }
            let launch = spec.launch(Int(mine.step))
            let place = launch.iteration.map { "iteration \($0), " } ?? ""
            let step = origins[launch.step]
            return (launch.step, "\(place)step \(step) (\(job.spec.steps[step].kernel)), slot \(slot.name)")
        }
        return nil
    }

    /// A breach by a step of the small spec.
    private func fault(_ rule: AdmissionFault.Rule, step: Int?, _ detail: String) -> AdmissionFault {
        let step = step.map { origins[$0] }
        let source = step.map { job.spec.steps[$0].source } ?? 0
        var line = 0
        if let step, let kernel = try? TokenizedKernel(job.sources[source]) {
            let heads = KernelSignature.all(in: TokenIndex(kernel.tokens), macros: KernelMacros(kernel.directives))
            line = heads.first { $0.name == job.spec.steps[step].kernel }?.line ?? 0
        }
        return AdmissionFault(rule: rule, source: job.spec.sources[source].name, line: line, detail: detail)
    }
}

extension AdmissionReport {
    fileprivate mutating func pass(_ stage: AdmissionStage, _ detail: String) {
        stages.append(Stage(stage, .passed, detail))
    }

    fileprivate mutating func skip(_ stage: AdmissionStage, _ detail: String) {
        stages.append(Stage(stage, .skipped, detail))
    }

    fileprivate mutating func refuse(_ stage: AdmissionStage, _ faults: [AdmissionFault]) {
        self.faults = faults
        stages.append(Stage(stage, .refused, faults.first.map(\.description) ?? "refused"))
    }
}
