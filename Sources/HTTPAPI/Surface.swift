// The HTTP interface without its transport: resolves a request, bounds its body, calls the engine, counts the answer.
internal import Codecs
internal import EngineAPI
internal import Synchronization

/// Everything that the interface answers, for one engine.
final class Surface: Sendable {
    /// What can be set.
    struct Settings: Sendable {
        /// The version that `/version` and the metrics show.
        var version: String
        /// How often the state of a job is looked at for an event stream.
        var eventIntervalMilliseconds = 250
        /// The most event streams at a time; each costs a connection and a look at the job per interval.
        var maxEventStreams = 256
        /// The most bytes of one file.
        var maxFileBytes = TransferLimits.fileBytes
        /// The most bytes of a request that carries documents.
        var maxDocumentBytes = TransferLimits.documentBytes
    }

    let api: any EngineAPI
    let settings: Settings
    let metrics = RequestMetrics()
    let source: any MetricsSource
    /// The log of the engine's receipts; `nil` when it keeps none.
    let log: (any LogSource)?
    let streams = Mutex(0)
    private let stopping = Mutex(false)

    init(api: any EngineAPI, source: any MetricsSource, log: (any LogSource)? = nil, settings: Settings) {
        self.api = api
        self.log = log
        self.source = source
        self.settings = settings
    }

    /// Ends the event streams, so that their connections can close.
    func stop() {
        stopping.withLock { $0 = true }
    }

    /// Whether the server is about to end.
    var isStopping: Bool { stopping.withLock { $0 } }

    /// All routes.
    var table: RouteTable {
        RouteTable(routes: engineRoutes + jobRoutes + nodeRoutes + logRoutes + serviceRoutes + dashboardRoutes)
    }

    /// Answers one request.
    /// - Parameter readBody: takes the most bytes to read; gives the body.
    func respond(
        _ line: IncomingRequest,
        table: RouteTable,
        readBody: (Int) async throws(EngineError) -> [UInt8]
    ) async -> OutgoingResponse {
        let clock = ContinuousClock()
        let start = clock.now
        var pattern = "none"
        var response: OutgoingResponse
        switch table.resolve(line.method, line.path) {
        case .found(let route, let parameters):
            pattern = route.pattern
            response = await answer(line, route, parameters, readBody)
        case .methodNotAllowed(let allowed):
            let list = allowed.joined(separator: ", ")
            let error = EngineError(
                .notFound,
                "http.method",
                "\(line.path) does not take \(line.method)",
                field: "method",
                expected: list,
                actual: line.method
            )
            response = .problem(error, status: 405)
            response.headers.append(("Allow", list))
        case .notFound:
            response = .problem(
                EngineError(
                    .notFound,
                    "http.path",
                    "there is nothing at \(line.path)",
                    field: "path",
                    actual: line.path
                )
            )
        }
        response.headers.append(("X-Content-Type-Options", "nosniff"))
        let elapsed = clock.now - start
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        // Methods come from the wire: only known ones become labels.
        let method = ["GET", "HEAD", "POST", "PUT", "DELETE"].contains(line.method) ? line.method : "other"
        metrics.record(method: method, route: pattern, code: response.status, seconds: seconds)
        return response
    }

    private func answer(
        _ line: IncomingRequest,
        _ route: Route,
        _ parameters: [String: String],
        _ readBody: (Int) async throws(EngineError) -> [UInt8]
    ) async -> OutgoingResponse {
        var request = line
        request.parameters = parameters
        do throws(EngineError) {
            request.body = try await readBody(route.maxBodyBytes)
            return try await route.handler(request)
        } catch {
            let isPage = dashboardRoutes.contains { $0.pattern == route.pattern }
            return isPage ? errorPage(error) : .problem(error)
        }
    }
}
