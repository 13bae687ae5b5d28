// A provider that lies, to show what happens to one: it runs the job in the same sandbox as an honest provider, flips one
// bit of an output or of what goes in, and signs that.
import ArgumentParser
import AssayTesting
import EngineAPI
import EngineClient
import Glibc
import Logging
import Replay
import Signatures
import Validator

@main
struct CheatingProvider: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cheating-provider",
        abstract: "Works for an engine and lies about every result by one bit."
    )

    @Option(help: "The engine's URL.")
    var engine: String

    @Option(help: "The data folder, with a node key of its own.")
    var data: String

    @Option(help: "The output slot to change.")
    var slot: String?

    @Option(help: "The job's file to change before running; the rest of the computation is then consistent.")
    var file: String?

    @Option(help: "The byte of the slot or file to change.")
    var byte: Int

    @Option(help: "The bit of the byte to flip, 0 to 7.")
    var bit: Int = 0

    @Option(help: "The price in minor units per million work units.")
    var price: UInt64 = 100

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let folder = DataFolder(path: data)
        try folder.prepare()
        guard let worker = SandboxedRunner.defaultWorker() else {
            throw ValidationError("no worker: expected assay-replay beside this program")
        }
        let runner = SandboxedRunner(worker: worker, workDirectory: folder.work)
        guard let device = try await runner.devices().first else {
            throw ValidationError("no OpenCL device found")
        }
        let client = try HTTPEngineClient(url: engine)
        let session = EngineSession(
            engine: client,
            engineKey: try await client.engine().engine,
            key: try folder.key(.node),
            clock: SystemClock()
        )
        let agent = ProviderAgent(
            session: session,
            runner: CheatingRunner(runner, lie: try lie()),
            offer: NodeOffer(deviceKind: device.kind, memoryBytes: device.memoryBytes, askPerMegaUnit: price),
            results: try ResultFolder(folder: folder.results),
            artefacts: try ArtefactStore(folder: folder.artefacts),
            log: Logger(label: "cheating-provider", factory: { StreamLogHandler.standardError(label: $0) })
        )
        await agent.run()
    }

    private func lie() throws -> RunnerLie {
        switch (slot, file) {
        case (let slot?, nil): return .flippedOutputBit(slot: slot, byte: byte, bit: bit)
        case (nil, let file?): return .flippedInputBit(file: file, byte: byte, bit: bit)
        default: throw ValidationError("expected one of --slot and --file")
        }
    }
}
