// What goes into the log of a run: what the statement says in words, then what compiler and driver wrote.
internal import Codecs
internal import Receipts
internal import Replay

extension RunLog {
    /// The most bytes that a runner keeps of what a worker writes; as many may be the beginning of more.
    private static let diagnosticsMax = 16_384

    /// The log of a run.
    init(reporting execution: Execution, as statement: ExecutionStatement, hiding paths: [String]) {
        var lines = [
            "job \(statement.jobID), attempt \(statement.attempt)",
            "device \(execution.device.name), driver \(execution.device.driver), \(execution.device.platform)",
            "sandbox \(execution.sandbox.measures.map(\.rawValue).joined(separator: " "))",
            "\(statement.steps) launches in \(execution.wallMicroseconds) us",
        ]
        lines.append("admission " + execution.admission.summary)
        if let usage = execution.usage {
            let processor = "\(usage.processorMicroseconds) us of processor time"
            lines.append("worker: \(processor), at most \(usage.peakMemoryBytes) bytes of memory")
        }
        let written = execution.diagnostics
        lines.append(
            written.isEmpty ? "worker wrote nothing to standard error" : "worker wrote to standard error:"
        )
        let text = Array((lines.joined(separator: "\n") + "\n").utf8) + written
        self.init(text, isTruncated: written.count >= Self.diagnosticsMax, hiding: paths)
    }
}
