// What the daemon tells of itself at /metrics and /readyz.
import EngineAPI
import HTTPAPI
import Replay
import Validator

/// The scheduler's gauges.
struct SchedulerMetrics: MetricsSource {
    let scheduler: Scheduler
    /// The runner of this process; `nil` when it neither validates nor provides.
    let runner: SandboxedRunner?

    func samples() async -> [MetricSample] {
        let state = await scheduler.summary
        let jobs = state.jobsByPhase.sorted { $0.key < $1.key }.map { phase, count in
            MetricSample(
                "assay_jobs",
                help: "Open jobs by phase.",
                kind: .gauge,
                labels: [("phase", phase)],
                value: Double(count)
            )
        }
        return jobs + [
            MetricSample(
                "assay_nodes_online",
                help: "Nodes that were heard of lately.",
                kind: .gauge,
                labels: [],
                value: Double(state.nodesOnline)
            ),
            MetricSample(
                "assay_verification_backlog",
                help: "Executions that wait for a validator.",
                kind: .gauge,
                labels: [],
                value: Double(state.unjudged)
            ),
            MetricSample(
                "assay_escrow_held_units",
                help: "Minor units held for open jobs.",
                kind: .gauge,
                labels: [],
                value: Double(state.heldUnits)
            ),
        ] + workers()
    }

    /// The worker pool of this process.
    private func workers() -> [MetricSample] {
        guard let load = runner?.load else { return [] }
        return [
            MetricSample(
                "assay_worker_runs_active",
                help: "Runs and admissions under way in this process.",
                value: Double(load.running)
            ),
            MetricSample(
                "assay_workers_warm",
                help: "Workers that wait for a job.",
                value: Double(load.warm)
            ),
            MetricSample(
                "assay_worker_runs_total",
                help: "Runs that ended, by whether they came to a result.",
                kind: .counter,
                labels: [("result", "completed")],
                value: Double(load.completed)
            ),
            MetricSample(
                "assay_worker_runs_total",
                help: "Runs that ended, by whether they came to a result.",
                kind: .counter,
                labels: [("result", "failed")],
                value: Double(load.failed)
            ),
        ]
    }

    func readiness() async -> [ReadinessCheck] {
        let isHealthy = await scheduler.isHealthy
        let state = await scheduler.summary
        return [
            ReadinessCheck(
                id: "store",
                isReady: isHealthy,
                detail: isHealthy ? "commits are durable" : "the engine has stopped"
            ),
            ReadinessCheck(
                id: "nodes",
                isReady: state.nodesOnline > 0,
                detail: "\(state.nodesOnline) nodes online"
            ),
        ]
    }
}
