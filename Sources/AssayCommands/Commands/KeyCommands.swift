// `assay key`: keys in files.
internal import ArgumentParser
internal import Codecs
internal import Signatures

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make and show keys.",
        subcommands: [KeyNew.self, KeyShow.self]
    )
}

struct KeyNew: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Make a key in a new file that only its owner can read.",
        discussion: "An existing file is never overwritten. Logs and witnesses need Ed25519, which is the default."
    )

    @Argument(help: "The file; ~/.config/assay/key.pem when it is not given.")
    var file: String?
    @Option(help: "ed25519, or es256 for ECDSA on P-256.")
    var algorithm = KeyAlgorithm.ed25519
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let path = file ?? KeyOptions.defaultPath(tool)
        if file == nil, let slash = path.lastIndex(of: "/") { try Files.makeFolder(String(path[..<slash])) }
        let key: SigningKey
        do throws(KeyError) {
            key = try .generate(algorithm == .es256 ? .es256 : .ed25519)
        } catch {
            throw Failure(error, in: path)
        }
        do throws(KeyFileError) {
            try KeyFile.write(key, to: path)
        } catch {
            throw Failure(error)
        }
        return KeyShow.answer(key, path)
    }
}

struct KeyShow: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the public half of a key file."
    )

    @Argument(help: "The file; the key that signs otherwise.")
    var file: String?
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        var options = keys
        if let file { options.key = file }
        return Self.answer(try options.read(tool), options.path(tool))
    }

    static func answer(_ key: SigningKey, _ path: String) -> Answer {
        let text = key.verifyingKey.text
        return Answer(members: ["key": .string(text), "path": .string(path)], lines: [text])
    }
}

/// The algorithms on the command line.
enum KeyAlgorithm: String, CaseIterable, ExpressibleByArgument {
    case ed25519
    case es256
}
