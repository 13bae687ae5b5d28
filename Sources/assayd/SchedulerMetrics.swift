// What the daemon tells of itself at /metrics and /readyz.
import EngineAPI
import HTTPAPI
import Replay
import Validator

/// The scheduler's gauges.
struct SchedulerMetrics: MetricsSource {
    /// The runner of this process; `nil` when it neither validates nor provides.
    let runner: SandboxedRunner?
    let clock: SteadyClock
    /// The process's place in a fleet; `nil` for a scheduler that is alone.
    let seat: SchedulerSeat?
    /// The log of receipts; `nil` when this process keeps none.
    let receiptLog: ReceiptLog?
    /// The scheduler at work; `nil` in a standby.
    let scheduler: @Sendable () -> Scheduler?

    func samples() async -> [MetricSample] {
        var samples = fleet() + workers() + (await logged())
        samples.append(
            MetricSample(
                "assay_clock_step_seconds",
                help: "By how much the machine's clock is ahead of engine time since it stepped; 0 when they agree.",
                value: Double(clock.stepSeconds)
            )
        )
        guard let state = await scheduler()?.summary else { return samples }
        let jobs = state.jobsByPhase.sorted { $0.key < $1.key }.map { phase, count in
            MetricSample(
                "assay_jobs",
                help: "Open jobs by phase.",
                labels: [("phase", phase)],
                value: Double(count)
            )
        }
        return jobs + [
            MetricSample(
                "assay_nodes_online",
                help: "Nodes that were heard of lately.",
                value: Double(state.nodesOnline)
            ),
            MetricSample(
                "assay_verification_backlog",
                help: "Executions that wait for a validator.",
                value: Double(state.unjudged)
            ),
            MetricSample(
                "assay_escrow_held_units",
                help: "Minor units held for open jobs.",
                value: Double(state.heldUnits)
            ),
        ] + samples
    }

    /// This process among the engine's schedulers.
    private func fleet() -> [MetricSample] {
        guard let seat else { return [] }
        let standing = seat.standing
        return [
            MetricSample(
                "assay_scheduler_leads",
                help: "Whether this process leads: 1 or 0. The sum over the schedulers of an engine is 1.",
                value: standing.role == .leader ? 1 : 0
            ),
            MetricSample(
                "assay_scheduler_epoch",
                help: "The epoch of the lease under which this process leads; 0 in a standby.",
                value: Double(standing.epoch ?? 0)
            ),
            MetricSample(
                "assay_scheduler_takeovers_total",
                help: "How often this process has begun to lead.",
                kind: .counter,
                value: Double(seat.takeovers)
            ),
        ]
    }

    /// The log of receipts.
    private func logged() async -> [MetricSample] {
        guard let standing = await receiptLog?.standing else { return [] }
        return [
            MetricSample(
                "assay_log_entries",
                help: "Receipts under the checkpoint of the log that proofs are made under.",
                value: Double(standing.size)
            ),
            MetricSample(
                "assay_log_cosigners",
                help: "Witnesses that have cosigned this checkpoint.",
                value: Double(standing.cosigners)
            ),
        ]
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
        var checks: [ReadinessCheck] = []
        if let seat {
            let standing = seat.standing
            let leader = standing.leader.map { "the leader is at \($0)" } ?? "nobody leads"
            checks.append(
                ReadinessCheck(
                    id: "role",
                    isReady: standing.role == .leader,
                    detail: standing.role == .leader
                        ? "leads, epoch \(standing.epoch ?? 0)"
                        : "stands by; \(seat.trouble.map { "cannot lead: \($0)" } ?? leader)"
                )
            )
        }
        if let standing = await receiptLog?.standing {
            let witnesses = standing.witnesses == 0 ? "" : ", \(standing.cosigners) of \(standing.witnesses) witnesses"
            checks.append(
                ReadinessCheck(
                    id: "log",
                    isReady: standing.trouble == nil,
                    detail: standing.trouble ?? "\(standing.size) receipts" + witnesses
                )
            )
        }
        guard let scheduler = scheduler() else { return checks }
        let isHealthy = await scheduler.isHealthy
        let state = await scheduler.summary
        return checks + [
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
