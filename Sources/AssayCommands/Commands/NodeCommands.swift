// `assay node`: who offers devices, and whether this machine could.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Replay
internal import Signatures
internal import Verdicts

struct NodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "List nodes, and find out whether this machine can be one.",
        subcommands: [NodeList.self, NodeDoctor.self]
    )
}

struct NodeList: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the nodes that have registered with an engine."
    )

    @OptionGroup var engine: EngineOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let engine = try engine.connect(tool)
        let nodes = try await tool.call { () throws(EngineError) in try await engine.nodes() }
        let standby = await EngineOptions.noteStandby(engine, lacking: "who is online", tool)
        let rows = nodes.map { node in
            [
                node.key.text, node.isOnline ? "online" : standby == nil ? "silent" : "-", node.deviceType,
                "\(node.memoryBytes >> 20) MiB",
                "\(node.askPerMegaUnit)", node.job.map { String($0.hex.prefix(16)) } ?? "-",
            ]
        }
        let header = ["NODE", "STATE", "DEVICE", "MEMORY", "PRICE PER MILLION", "WORKS ON"]
        var members: JSONObject = ["nodes": .array(nodes.map(\.json))]
        members["standby"] = standby
        return Answer(
            members: members,
            lines: nodes.isEmpty ? ["no nodes"] : Table.lines(header, rows)
        )
    }
}

struct NodeDoctor: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check whether this machine can run and verify jobs.",
        discussion: "Exit code 0 when it can, 3 when a piece is missing. With --engine the engine is asked too."
    )

    @OptionGroup var worker: WorkerOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        var checks: [Check] = []
        var hints: [String] = []
        var devices: [DeviceDescription] = []
        do throws(Failure) {
            let runner = try worker.runner(tool)
            checks.append(Check(id: "worker", result: .pass, expected: "an executable assay-replay", actual: "found"))
            do throws(RunFailure) {
                devices = try await runner.devices()
                let names = devices.map(\.name).joined(separator: ", ")
                checks.append(
                    .that(
                        "devices",
                        !devices.isEmpty,
                        expected: "an OpenCL device",
                        actual: devices.isEmpty ? "none" : names
                    )
                )
                if devices.isEmpty { hints.append("install a GPU's OpenCL driver, or pocl-opencl-icd for the CPU") }
            } catch {
                checks.append(
                    Check(id: "devices", result: .fail, expected: "a list of devices", actual: error.description)
                )
            }
        } catch {
            guard error.status != .usage else { throw error }
            checks.append(Check(id: "worker", result: .fail, expected: error.expected, actual: error.actual))
            hints.append(error.hint)
        }
        for device in devices {
            let missing = device.missingCapabilities(for: .exact).map(\.rawValue).joined(separator: ", ")
            checks.append(
                Check(
                    id: "exact.\(device.kind.rawValue)",
                    result: missing.isEmpty ? .pass : .skip,
                    expected: "correctly rounded single precision",
                    actual: missing.isEmpty ? device.name : "\(device.name) lacks \(missing); integer jobs only"
                )
            )
        }
        if !engine.engine.isEmpty { checks.append(try await engineCheck(tool)) }
        let verdict = Verdict.judged(
            kind: "node-doctor",
            by: checks,
            fault: .environment,
            soundness: .none,
            assumptions: [],
            subject: "this machine"
        )
        var answer = Answer(
            verdict.isAccepted ? .ok : .incomplete,
            members: ["checks": .array(checks.map(\.json)), "devices": .array(devices.map(\.json))],
            lines: CheckLines.all(checks, tool.style) + hints.map { "hint: \($0)" }
        )
        if let failed = verdict.firstFailure {
            answer.failure = Failure(
                .incomplete,
                "node.\(failed.id)",
                "this machine cannot run jobs: \(failed.id)",
                field: failed.id,
                expected: failed.expected,
                actual: failed.actual,
                hint: hints.first ?? ""
            )
        }
        return answer
    }

    private func engineCheck(_ tool: Tool) async throws(Failure) -> Check {
        let client = try engine.connect(tool)
        do throws(EngineError) {
            let description = try await client.engine()
            return Check(id: "engine", result: .pass, expected: "an engine", actual: description.engine.text)
        } catch {
            return Check(
                id: "engine",
                result: .fail,
                expected: "an engine at \(engine.urls(tool).joined(separator: ", "))",
                actual: error.message
            )
        }
    }
}

/// Checks as lines.
enum CheckLines {
    /// One line per check: what came of it, its name, what was found, and what was expected where it failed.
    static func all(_ checks: [Check], _ style: Style, explaining: Bool = false, indent: Int = 2) -> [String] {
        let width = checks.map(\.id.count).max() ?? 0
        let space = String(repeating: " ", count: indent)
        return checks.flatMap { check -> [String] in
            let word =
                switch check.result {
                case .pass: style.good("pass")
                case .fail: style.bad("FAIL")
                case .skip: style.unsure("skip")
                }
            let name = check.id + String(repeating: " ", count: width - check.id.count)
            var lines = ["\(space)\(word)  \(name)  \(check.actual)"]
            let isTold = check.result == .fail || (explaining && check.expected != check.actual)
            if isTold && !check.expected.isEmpty {
                lines.append("\(space)      expected \(check.expected)")
            }
            if explaining && !check.source.isEmpty { lines.append("\(space)      by \(check.source)") }
            return lines
        }
    }
}
