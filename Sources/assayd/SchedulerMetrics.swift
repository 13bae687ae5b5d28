// What the daemon tells of itself at /metrics and /readyz.
import EngineAPI
import HTTPAPI
import Validator

/// The scheduler's gauges.
struct SchedulerMetrics: MetricsSource {
    let scheduler: Scheduler

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
