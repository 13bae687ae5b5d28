// `assay attest policy`: whether a policy says what its author meant.
internal import ArgumentParser
internal import Attestation
internal import Codecs

struct AttestPolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Check policies.",
        subcommands: [AttestPolicyCheck.self]
    )
}

struct AttestPolicyCheck: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read a policy and say what it leaves open and what it can never accept.",
        discussion: """
            Every term must be written; "any" accepts everything and an empty list accepts nothing. Exit code 0 says that \
            the policy is well formed, 65 that it is not.
            """
    )

    @Argument(help: ArgumentHelp("The policy, in JSON or TOML; - is standard input.", valueName: "policy"))
    var file: String
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let bytes = try Files.read(file, maxBytes: 1 << 20)
        let policy: AttestationPolicy
        var terms = Terms()
        do throws(ParseError) {
            policy = try AttestationPolicy(parsing: bytes)
            terms.read(try DocumentText.parse(bytes), "")
        } catch {
            throw Failure(error, id: "policy.malformed", in: file)
        }
        let sections = policy.sectionNames
        let refused = EvidenceKind.allCases.map(\.rawValue).filter { !sections.contains($0) }
        var lines = ["\(file): a policy for \(sections.isEmpty ? "nothing" : sections.joined(separator: ", "))"]
        lines += terms.open.map { "  any value   \($0)" }
        lines += terms.empty.map { "  no value    \($0): the empty list refuses everything" }
        if !refused.isEmpty { lines.append("  refused: \(refused.joined(separator: ", ")) (no section)") }
        return Answer(
            members: [
                "path": .string(file),
                "sections": .array(sections.map { .string($0) }),
                "refusedKinds": .array(refused.map { .string($0) }),
                "open": .array(terms.open.map { .string($0) }),
                "empty": .array(terms.empty.map { .string($0) }),
            ],
            lines: lines
        )
    }

    /// The terms that accept everything and those that accept nothing, by their paths.
    private struct Terms {
        var open: [String] = []
        var empty: [String] = []

        mutating func read(_ value: JSONValue, _ path: String) {
            switch value {
            case .string("any"): open.append(path)
            case .array([]): empty.append(path)
            case .object(let object):
                for member in object.members {
                    read(member.value, path.isEmpty ? member.name : path + "." + member.name)
                }
            default: break
            }
        }
    }
}
