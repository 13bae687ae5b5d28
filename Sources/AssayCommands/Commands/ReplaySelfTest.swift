// `assay replay selftest`: does the device of this machine compute what the oracle computes?
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import ExactOps
internal import Replay

struct ReplaySelfTest: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest",
        abstract: "Ask this machine's device two million questions of arithmetic whose answers are known.",
        discussion: """
            A device that answers one of them wrongly gets no job of class exact. Exit code 1 for a wrong answer, 3 when there \
            is no device or no result.
            """
    )

    @Option(help: ArgumentHelp("The kind of device: any, cpu or gpu.", valueName: "kind"))
    var device: String = "any"
    @OptionGroup var worker: WorkerOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        guard let kind = ReplaySpec.DeviceRequirement.Kind(rawValue: device) else {
            let error = ParseError(field: "kind", expected: "any, cpu or gpu", actual: device)
            throw Failure(option: "--device", error)
        }
        let runner = try worker.runner(tool)
        switch await runner.selfTest(kind) {
        case .failed(let failure): throw Failure(failure)
        case .passed(let device):
            return Answer(
                members: ["result": .string("passed"), "device": device.json],
                lines: Table.facts([
                    ("device", device.name), ("driver", "\(device.platform) \(device.driver)"),
                    ("answers", "\(SelfTest().vectors), all of them right"),
                    ("suite", device.selfTest?.suite.hex ?? ""), ("result", tool.style.good("PASSED")),
                ])
            )
        case .refused(let finding, let device):
            var answer = Answer(
                Failure(
                    .rejected,
                    "device.selftest",
                    "\(device.name) does not compute what it has to",
                    field: finding.question,
                    expected: String(finding.expected),
                    actual: String(finding.actual)
                )
            )
            answer.members = [
                "result": .string("refused"),
                "device": device.json,
                "finding": .object([
                    "question": .string(finding.question),
                    "inputs": .array(finding.inputs.map { .integer($0) }),
                    "expected": .integer(finding.expected),
                    "actual": .integer(finding.actual),
                    "wrong": .integer(finding.count),
                ]),
            ]
            answer.lines = ["\(device.name): \(tool.style.bad("REFUSED"))", "  \(finding)"]
            return answer
        }
    }
}
