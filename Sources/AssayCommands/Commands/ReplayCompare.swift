// `assay replay compare`: a claimed run, as `assay replay run` writes one, against a run on this machine.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay

struct ReplayCompare: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Run a job folder and compare the result with a claimed one.",
        discussion: """
            The claim is a folder with trace.json and the outputs, as `assay replay run --output` writes it. Exit code 1 when
            they differ, with the first place where they do; 3 when the run gave no result.
            """
    )

    @Argument(help: ArgumentHelp("The job's folder.", valueName: "folder"))
    var folder: String
    @Argument(help: ArgumentHelp("The claimed run's folder.", valueName: "claim"))
    var claim: String
    @OptionGroup var worker: WorkerOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let content: JobFolder.Content
        do throws(JobFolderError) {
            content = try JobFolder(path: folder).seal()
        } catch {
            throw Failure(error, in: folder)
        }
        let spec = content.job.spec.replay
        let trace = try claimedTrace()
        var outputs: [String: [UInt8]] = [:]
        for index in spec.outputSlots {
            let slot = spec.slots[index]
            outputs[slot.name] = try Files.read(claim + "/" + slot.name, maxBytes: slot.byteCount)
        }
        let execution: Execution
        switch await (try worker.runner(tool)).run(spec, files: content.files) {
        case .completed(let result): execution = result
        case .refused(let faults): return Answer(Failure(refusal: faults))
        case .failed(let failure): throw Failure(failure)
        }
        let comparison = Replay.Comparison.compare(
            claimedTrace: trace,
            claimedOutputs: outputs,
            replayed: execution,
            spec: spec
        )
        var answer = Answer(lines: ["\(claim): \(tool.style.good("MATCH")), \(spec.launchCount) launches"])
        answer.members = [
            "launches": .integer(spec.launchCount), "claimedRoot": .string(trace.root.hex),
            "replayedRoot": .string(execution.trace.root.hex), "device": execution.device.json,
        ]
        guard case .mismatch(let divergence) = comparison else { return answer }
        answer.status = .rejected
        answer.members["divergence"] = divergence.json
        answer.lines = ["\(claim): \(tool.style.bad("MISMATCH"))", "  \(divergence)"]
        answer.failure = Failure(
            .rejected,
            "replay.mismatch",
            "\(divergence)",
            field: divergence.slot ?? "trace",
            expected: "what this machine computes",
            actual: "another result"
        )
        return answer
    }

    private func claimedTrace() throws(Failure) -> Trace {
        let path = claim + "/trace.json"
        let bytes = try Files.read(path, maxBytes: 64 << 20)
        do throws(ParseError) {
            return try Trace(try JSONValue(parsing: bytes, limits: JSONLimits(bytes: 64 << 20, values: 4_000_000)))
        } catch {
            throw Failure(error, in: path)
        }
    }
}
