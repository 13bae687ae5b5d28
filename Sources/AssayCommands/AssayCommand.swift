// The root of the command tree, and the way from arguments to an exit code.
internal import ArgumentParser
internal import Codecs
internal import EngineAPI
internal import EngineClient
internal import ExactOps
internal import Foundation
internal import Replay

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// `assay`.
struct AssayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assay",
        abstract: "Order, verify and audit computations.",
        discussion: "Exit codes:\n\(ExitStatus.helpTable)",
        version: AssayVersion.text,
        subcommands: [
            AuditCommand.self, AttestCommand.self, ProveCommand.self, InspectCommand.self, ReceiptCommand.self,
            CommitCommand.self,
            JobCommand.self, EscrowCommand.self, KeyCommand.self, TrustCommand.self, NodeCommand.self,
            ReplayCommand.self, BenchCommand.self, VectorsCommand.self, FsckCommand.self, RetentionCommand.self,
            LedgerCommand.self, LogCommand.self, ServeCommand.self,
            CompletionCommand.self, VersionCommand.self, ReferenceCommand.self,
        ]
    )
}

/// The commands and where they stand.
enum CommandTree {
    /// Every command that has an answer, with its words.
    static let leaves: [(path: String, type: any ParsableCommand.Type)] = walk(AssayCommand.self, [])

    private static func walk(
        _ type: any ParsableCommand.Type,
        _ path: [String]
    ) -> [(path: String, type: any ParsableCommand.Type)] {
        let children = type.configuration.subcommands
        guard !children.isEmpty else { return [(path.joined(separator: " "), type)] }
        return children.flatMap { walk($0, path + [name(of: $0)]) }
    }

    /// The words of `arguments` that name a command.
    static func path(in arguments: [String]) -> [String] {
        var type: any ParsableCommand.Type = AssayCommand.self
        var path: [String] = []
        for word in arguments {
            guard let child = type.configuration.subcommands.first(where: { name(of: $0) == word }) else { break }
            path.append(word)
            type = child
        }
        return path
    }

    static func name(of type: any ParsableCommand.Type) -> String {
        type.configuration.commandName ?? String(describing: type).lowercased()
    }
}

/// The program without its process: arguments in, text out, exit code back.
public enum CommandLineTool {
    /// Runs one command.
    /// - Parameter arguments: without the program's own name.
    /// - Returns: the exit code.
    public static func run(_ arguments: [String], tool: Tool) async -> ExitStatus {
        let arguments = placingGlobalFlags(arguments)
        let wantsJSON = arguments.prefix { $0 != "--" }.contains("--json")
        let name = CommandTree.path(in: arguments).joined(separator: " ")
        let command: any ParsableCommand
        do {
            command = try AssayCommand.parseAsRoot(arguments)
        } catch {
            return refuse(error, name, wantsJSON, tool)
        }
        guard let command = command as? any ToolCommand else {
            guard !type(of: command).configuration.subcommands.isEmpty else {
                // The parser's own commands: they end in an error that carries the text to show.
                do {
                    var command = command
                    try command.run()
                    return .ok
                } catch {
                    return refuse(error, name, wantsJSON, tool)
                }
            }
            // A group without a command: its help says which there are. Nothing was verified, so it is no success.
            let help = AssayCommand.helpMessage(for: type(of: command))
            let failure = Failure(.usage, "usage", "a command is missing", expected: "a command of this group")
            if wantsJSON { return deliver(Answer(failure), name, isJSON: true, tool) }
            _ = tool.console.write(help + "\n", to: .standardError)
            return .usage
        }
        var tool = tool
        tool.isQuiet = command.global.quiet
        tool.isHuman = !command.global.json
        tool.isColoured =
            !command.global.noColor && !command.global.json && tool.environment["NO_COLOR"].map(\.isEmpty) ?? true
            && tool.environment["TERM"] != "dumb" && tool.console.isTerminal(.standardOutput)
        var answer: Answer
        do throws(Failure) {
            answer = try await command.answer(tool)
        } catch {
            answer = Answer(error)
        }
        return deliver(answer, name, isJSON: command.global.json, tool)
    }

    /// Prints an answer and gives its code; an answer that nobody got is no success.
    private static func deliver(_ answer: Answer, _ name: String, isJSON: Bool, _ tool: Tool) -> ExitStatus {
        var isDelivered = true
        if let verbatim = answer.verbatim {
            isDelivered = tool.console.write(verbatim, to: .standardOutput)
        } else if isJSON {
            let text = answer.document(command: name).text(pretty: true)
            isDelivered = tool.console.write(text, to: .standardOutput)
        } else if !answer.lines.isEmpty {
            let text = answer.lines.joined(separator: "\n")
            isDelivered = tool.console.write(text.hasSuffix("\n") ? text : text + "\n", to: .standardOutput)
        }
        // The result already says what is wrong when it has lines; otherwise the error is said once, on standard error.
        if !isJSON, let failure = answer.failure, answer.lines.isEmpty || answer.verbatim != nil {
            _ = tool.console.write(words(failure, name), to: .standardError)
        } else if !isJSON, let hint = answer.failure?.hint, !hint.isEmpty {
            _ = tool.console.write("hint: \(hint)\n", to: .standardError)
        }
        return isDelivered || answer.status != .ok ? answer.status : .ioError
    }

    private static func words(_ failure: Failure, _ name: String) -> String {
        var text = "assay\(name.isEmpty ? "" : " " + name): [\(failure.id)] \(failure.message)\n"
        if !failure.expected.isEmpty && !failure.message.contains("expected \(failure.expected)") {
            text += "  \(failure.field.isEmpty ? "" : failure.field + ": ")expected \(failure.expected)"
            text += failure.actual.isEmpty ? "\n" : ", found \(failure.actual)\n"
        }
        if !failure.hint.isEmpty { text += "  hint: \(failure.hint)\n" }
        return text
    }

    /// Help, the version, or arguments that do not fit.
    private static func refuse(_ error: any Error, _ name: String, _ wantsJSON: Bool, _ tool: Tool) -> ExitStatus {
        if AssayCommand.exitCode(for: error) == .success {
            let text = AssayCommand.fullMessage(for: error)
            return tool.console.write(text.hasSuffix("\n") ? text : text + "\n", to: .standardOutput) ? .ok : .ioError
        }
        let failure = Failure(.usage, "usage", AssayCommand.message(for: error), field: "arguments")
        if wantsJSON { return deliver(Answer(failure), name, isJSON: true, tool) }
        _ = tool.console.write(AssayCommand.fullMessage(for: error) + "\n", to: .standardError)
        return .usage
    }

    /// Flags of every command may also stand before the command's words.
    private static func placingGlobalFlags(_ arguments: [String]) -> [String] {
        let flags: Set<String> = ["--json", "--quiet", "-q", "--no-color"]
        let leading = arguments.prefix { flags.contains($0) }
        let rest = arguments.dropFirst(leading.count)
        let options = rest.prefix { $0 != "--" }
        return Array(options + leading + rest.dropFirst(options.count))
    }
}

extension CommandLineTool {
    /// Runs the process's own command to its end, with its streams, signals and clock.
    /// - Returns: the exit code for `exit`.
    public static func runProcess() async -> Int32 {
        // A closed pipe is an error of that write, not a signal: the exit code then says that the answer was not delivered.
        signal(SIGPIPE, SIG_IGN)
        let tool = Tool(
            console: ProcessConsole(),
            environment: ProcessInfo.processInfo.environment,
            now: { Int64(time(nil)) },
            pause: { try await Task.sleep(for: .milliseconds($0)) },
            engine: { try FleetClient(urls: $0) },
            runner: { worker, options in
                guard let path = worker ?? SandboxedRunner.defaultWorker() else { return nil }
                return TestedRunner(SandboxedRunner(worker: path, options: options))
            },
            become: become
        )
        let arguments = Array(CommandLine.arguments.dropFirst())
        let work = Task { await run(arguments, tool: tool) }
        let signals = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            let count = SignalCount()
            source.setEventHandler {
                work.cancel()
                // A second signal does not wait for the command to notice.
                if count.next() > 1 { _exit(128 + number) }
            }
            source.resume()
            return (number, source, count)
        }
        let status = await work.value
        for (number, source, count) in signals {
            source.cancel()
            if count.value > 0 && status == .interrupted { return 128 + number }
        }
        return status.rawValue
    }

    /// Replaces the process by a program beside its own.
    private static func become(_ program: String, _ arguments: [String]) -> String {
        guard let path = OwnProgram.beside(program) else { return "it is not beside this program" }
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        // What is ignored here would stay ignored there.
        for number in [SIGPIPE, SIGINT, SIGTERM] { signal(number, SIG_DFL) }
        execv(path, &words)
        return "\(path): \(String(cString: strerror(errno)))"
    }
}
