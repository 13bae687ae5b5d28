// `assay serve`: the daemon, for those who look for it here.
internal import ArgumentParser
internal import Codecs
internal import EngineAPI

struct ServeCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Become assayd: an engine, a validator, a provider, or all three.",
        discussion: """
            Every option of assayd is taken as it stands and has its meaning there; assayd --help lists them. The process is \
            replaced, so signals and the exit code are the daemon's. For a fleet on one database: assay serve --roles \
            scheduler --store postgres://db/assay --name a1.
            """
    )

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Options of assayd.", valueName: "option"))
    var options: [String] = []
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let reason = tool.become("assayd", options)
        throw Failure(
            .unavailable,
            "serve.program",
            "assayd could not be started: \(reason)",
            field: "assayd",
            expected: "the program assayd beside this one",
            hint: "swift build --product assayd builds it"
        )
    }
}
