// `assay replay`: run a job folder on this machine, and see the devices.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay
internal import Signatures

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Run, admit and compare jobs on this machine, in the sandboxed worker.",
        subcommands: [ReplayRun.self, ReplayAdmit.self, ReplayCompare.self, ReplayDevices.self]
    )
}

struct ReplayRun: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a job folder and print what a node would bind itself to.",
        discussion: "Exit code 2 when the kernels break a rule, 3 when the run gave no result."
    )

    @Argument(help: ArgumentHelp("The job's folder.", valueName: "folder"))
    var folder: String
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Write the outputs, trace.json and run.json into this folder.",
            valueName: "folder"
        )
    )
    var output: String?
    @Flag(help: "Write statement.json too: the run under the signature of --key.")
    var sign = false
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
        guard output != nil || !sign else {
            throw Failure(.usage, "usage", "--sign needs --output, the folder into which statement.json goes")
        }
        let signer = sign ? try key.read(tool) : nil
        let runner = try worker.runner(tool)
        switch await runner.run(content.job.spec.replay, files: content.files) {
        case .completed(let execution): return try completed(execution, content.job, signer, tool)
        case .refused(let faults):
            var answer = Answer(Failure(refusal: faults))
            answer.members = ["faults": .array(faults.map(\.json))]
            answer.lines = ["\(folder): \(tool.style.bad("REFUSED"))"] + faults.map { "  \($0)" }
            return answer
        case .failed(let failure): throw Failure(failure)
        }
    }

    private func completed(
        _ execution: Execution,
        _ job: SealedJob,
        _ signer: SigningKey?,
        _ tool: Tool
    ) throws(Failure) -> Answer {
        var outputs: [JSONValue] = []
        var facts = [
            ("trace root", execution.trace.root.hex), ("device", execution.device.name),
            ("sandbox", execution.sandbox.level.rawValue), ("work units", String(execution.workUnits)),
            ("wall", "\(execution.wallMicroseconds) µs"),
        ]
        if let output { try Files.makeFolder(output) }
        for slot in job.spec.replay.outputSlots.map({ job.spec.replay.slots[$0].name }) {
            guard let bytes = execution.outputs[slot] else { continue }
            let identity = ArtefactIdentity(of: bytes)
            var object: JSONObject = [
                "slot": .string(slot), "cid": .string(identity.cid.text), "bytes": .string(String(bytes.count)),
                "sha256": .string(SHA256.hash(bytes).hex),
            ]
            if let output {
                let path = output + "/" + slot
                try Files.write(bytes, to: path)
                object["path"] = .string(path)
            }
            outputs.append(.object(object))
            facts.append(("output", "\(slot) \(identity.cid) (\(bytes.count) bytes)"))
        }
        let members: JSONObject = [
            "name": .string(job.spec.name),
            "inputRoot": .string(job.inputRoot.hex),
            "traceRoot": .string(execution.trace.root.hex),
            "steps": .integer(execution.trace.leaves.count),
            "outputs": .array(outputs),
            "workUnits": .string(String(execution.workUnits)),
            "wallMicroseconds": .string(String(execution.wallMicroseconds)),
            "device": execution.device.json,
            "sandbox": execution.sandbox.json,
        ]
        if let output {
            try Files.write(execution.trace.json.serialized(), to: output + "/trace.json")
            try Files.write(JSONValue.object(members).serialized(pretty: true), to: output + "/run.json")
            if let signer {
                try Files.write(try statement(execution, job, signer, tool), to: output + "/statement.json")
            }
        }
        return Answer(members: members, lines: Table.facts([("job", job.spec.name)] + facts))
    }

    private func statement(
        _ execution: Execution,
        _ job: SealedJob,
        _ signer: SigningKey,
        _ tool: Tool
    ) throws(Failure) -> [UInt8] {
        do throws(DocumentError) {
            return try RunStatement.sign(execution, of: job, at: tool.now(), with: signer).envelope
        } catch {
            throw Failure(error, in: "statement.json")
        }
    }
}

extension Failure {
    /// Kernels that break a rule.
    init(refusal faults: [AdmissionFault]) {
        self.init(
            .policy,
            "kernel.refused",
            faults.first?.description ?? "the kernels are refused",
            field: faults.first?.rule.rawValue ?? "",
            expected: "kernels that keep the rules",
            actual: "\(faults.count) breaches"
        )
    }
}

struct ReplayDevices: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices",
        abstract: "List the OpenCL devices that the worker finds.",
        discussion: "Exit code 3 when there is none."
    )

    @OptionGroup var worker: WorkerOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let runner = try worker.runner(tool)
        let devices: [DeviceDescription]
        do throws(RunFailure) {
            devices = try await runner.devices()
        } catch {
            throw Failure(error)
        }
        let rows = devices.map { device in
            [
                device.kind.rawValue, device.name, device.platform, "\(device.memoryBytes >> 20) MiB",
                device.missingCapabilities(for: .exact).isEmpty ? "exact, integer" : "integer",
            ]
        }
        var answer = Answer(
            members: ["devices": .array(devices.map(\.json))],
            lines: Table.lines(["TYPE", "NAME", "PLATFORM", "MEMORY", "CLASSES"], rows)
        )
        if devices.isEmpty {
            answer.status = .incomplete
            answer.lines = ["no devices"]
            answer.failure = Failure(
                .incomplete,
                "device.none",
                "the worker finds no OpenCL device",
                field: "devices",
                expected: "at least one",
                actual: "none",
                hint: "install a GPU's OpenCL driver, or pocl-opencl-icd for the CPU"
            )
        }
        return answer
    }
}
