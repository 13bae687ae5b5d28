// Help, reference page and completions against the parser itself.
import ArgumentParser
import Codecs
import Foundation
import Testing

@testable import AssayCommands

struct HelpTests {
    @Test func theTreeHasWhatScriptsRelyOn() {
        let paths = CommandTree.leaves.map(\.path)
        #expect(Set(paths).count == paths.count)
        #expect(
            Set(paths).isSuperset(of: [
                "audit", "inspect", "commit create", "commit verify", "job submit", "job list", "job show", "job watch",
                "job why", "job topup", "job close", "job receipt", "escrow open", "escrow topup", "escrow show",
                "escrow withdraw", "key new",
                "key show", "prove verify groth16", "prove verify kzg", "prove verify bls", "prove verify drand",
                "prove key check", "bench run", "trust create", "node list", "node doctor", "replay run",
                "replay devices", "vectors run",
                "fsck", "completion", "version", "attest verify", "attest inspect", "attest policy check",
                "serve",
            ])
        )
    }

    @Test(arguments: CommandTree.leaves.map(\.path))
    func everyCommandAnswersAndHasHelp(path: String) async throws {
        let type = try #require(CommandTree.leaves.first { $0.path == path }).type
        #expect(type is any ToolCommand.Type)
        #expect(!type.configuration.abstract.isEmpty)
        let workplace = try Workplace()
        for flag in ["--help", "-h"] {
            let run = await workplace.run(path.split(separator: " ").map(String.init) + [flag])
            #expect(run.status == .ok)
            #expect(run.output.contains("assay \(path)"))
            #expect(run.output.contains("--json"))
            #expect(run.error.isEmpty)
        }
    }

    /// Every option that a help text names is taken by the parser: it complains about a value, never about the option.
    @Test(arguments: CommandTree.leaves.map(\.path))
    func optionsInHelpExist(path: String) throws {
        let type = try #require(CommandTree.leaves.first { $0.path == path }).type
        let help = AssayCommand.helpMessage(for: type, columns: 200)
        let options = Set(help.matches(of: /(?m)^  (?:-[a-zA-Z], )?(--[a-z0-9-]+)/).map { String($0.output.1) })
        #expect(options.isSuperset(of: ["--json", "--quiet", "--no-color", "--help"]))
        for option in options.subtracting(["--help", "--version"]) {
            do {
                _ = try AssayCommand.parseAsRoot(path.split(separator: " ").map(String.init) + [option])
            } catch {
                #expect(!AssayCommand.message(for: error).contains("Unknown option"), "\(path) \(option)")
            }
        }
    }

    /// Every `assay …` in discussions and hints begins with words of the tree.
    @Test func commandsInTextsExist() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources")
        let first = Set(CommandTree.leaves.compactMap { $0.path.split(separator: " ").first.map(String.init) })
        var found = 0
        for target in ["AssayCommands", "HTTPAPI"] {
            let folder = root.appendingPathComponent(target)
            let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
            for name in names where name.hasSuffix(".swift") {
                let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
                for match in text.matches(of: /\bassay ([a-z]+)(?: ([a-z]+))?/) {
                    let words = [match.output.1, match.output.2].compactMap { $0.map(String.init) }
                    guard let word = words.first, first.contains(word) else { continue }
                    found += 1
                    let group = CommandTree.leaves.contains { $0.path == word }
                    let isKnown =
                        group || CommandTree.leaves.contains { $0.path == words.joined(separator: " ") }
                        || CommandTree.leaves.contains { $0.path.hasPrefix(words.joined(separator: " ") + " ") }
                    #expect(isKnown, "\(name): assay \(words.joined(separator: " "))")
                }
            }
        }
        #expect(found > 10)
    }

    @Test func theReferencePageIsUpToDate() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Documentation/commands.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        #expect(text == CommandReference.markdown, "write it anew: assay reference > Documentation/commands.md")
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func completionsNameEveryCommand(shell: String) async throws {
        let workplace = try Workplace()
        let run = await workplace.run(["completion", shell])
        #expect(run.status == .ok)
        for word in ["audit", "escrow", "topup", "receipt", "minimum-sandbox"] {
            #expect(run.output.contains(word))
        }
    }

    @Test func serveHandsEveryOptionOn() async throws {
        let workplace = try Workplace()
        let options = ["--roles", "scheduler", "--store", "postgres://db/assay", "--engine", "http://a:1"]
        let run = await workplace.run(["serve"] + options)
        #expect(run.status == .unavailable)
        #expect(run.error.contains("assayd was to be started with \(options)"))
    }

    @Test func theVersionIsAnAnswer() async throws {
        let workplace = try Workplace()
        let flag = await workplace.run(["--version"])
        #expect(flag.status == .ok)
        let command = await workplace.run(["version"])
        #expect(command.output == "assay \(flag.output)")
    }
}
