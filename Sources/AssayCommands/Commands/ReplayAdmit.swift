// `assay replay admit`: the stages of admission over a job folder, with each refusal at its place in the source.
internal import ArgumentParser
internal import Codecs
internal import Receipts
internal import Replay
internal import Signatures

struct ReplayAdmit: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "admit",
        abstract: "Admit the kernels of a job folder: rules, compile, simulated dry run, differential run.",
        discussion: """
            Without Oclgrind the dry run and the comparison with it are skipped, and said to be. Exit code 2 when a stage
            refuses the kernels, 3 when nothing could be found out.
            """
    )

    @Argument(help: ArgumentHelp("The job's folder.", valueName: "folder"))
    var folder: String
    @Option(name: .shortAndLong, help: ArgumentHelp("Write the signed record into this file.", valueName: "file"))
    var output: String?
    @OptionGroup var key: KeyOptions
    @OptionGroup var worker: WorkerOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let content: JobFolder.Content
        do throws(JobFolderError) {
            content = try JobFolder(path: folder).seal()
        } catch {
            throw Failure(error, in: folder)
        }
        let signer = output == nil ? nil : try key.read(tool)
        let spec = content.job.spec.replay
        let report: AdmissionReport
        switch await (try worker.runner(tool)).admit(spec, files: content.files) {
        case .reported(let found): report = found
        case .failed(let failure): throw Failure(failure)
        }
        var answer = Answer(report.isAdmitted ? .ok : .policy, lines: lines(report, content, tool))
        answer.members = ["admission": report.json]
        if let output, let signer {
            try Files.write(try record(report, signer, output, tool), to: output)
            answer.members["record"] = .string(output)
        }
        if let fault = report.faults.first {
            answer.failure = Failure(
                .policy,
                "kernel.refused",
                fault.description,
                field: fault.rule.rawValue,
                expected: "kernels that pass every stage of admission",
                actual: "\(report.faults.count) breaches in stage \(fault.rule.stage.rawValue)"
            )
        }
        return answer
    }

    private func record(
        _ report: AdmissionReport,
        _ signer: SigningKey,
        _ output: String,
        _ tool: Tool
    ) throws(Failure) -> [UInt8] {
        do throws(DocumentError) {
            return try AdmissionStatement.sign(report, at: tool.now(), with: signer).envelope
        } catch {
            throw Failure(error, in: output)
        }
    }

    private func lines(_ report: AdmissionReport, _ content: JobFolder.Content, _ tool: Tool) -> [String] {
        let verdict =
            !report.isAdmitted
            ? tool.style.bad("REFUSED")
            : report.isComplete ? tool.style.good("ADMITTED") : tool.style.good("ADMITTED") + " by fewer stages"
        var lines = ["\(folder): \(verdict)"]
        lines += Table.facts(
            report.stages.map { ($0.stage.rawValue, "\($0.result.rawValue)  \($0.detail)") },
            indent: 2
        )
        for fault in report.faults {
            lines.append("\(fault)")
            lines += place(of: fault, content)
        }
        return lines
    }

    /// The line of a source, and a caret under the place.
    private func place(of fault: AdmissionFault, _ content: JobFolder.Content) -> [String] {
        guard fault.line > 0,
            let source = content.job.spec.replay.sources.first(where: { $0.name == fault.source }),
            let bytes = content.files[source.file]
        else { return [] }
        let rows = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
        guard rows.indices.contains(fault.line - 1) else { return [] }
        // Sources may hold any byte; a terminal is shown printable ones.
        let row = rows[fault.line - 1].prefix(200).map { $0 >= 0x20 && $0 < 0x7f ? $0 : 0x20 }
        let text = "    " + String(decoding: row, as: UTF8.self)
        guard fault.column > 0, fault.column <= row.count else { return [text] }
        return [text, String(repeating: " ", count: 3 + fault.column) + "^"]
    }
}
