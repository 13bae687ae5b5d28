// The HTTP server: Hummingbird carries the bytes, `Surface` answers.
public import EngineAPI
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import ServiceLifecycle

/// Offers an engine over HTTP/1.1.
///
/// Everything that changes anything is a signed document, so the server authenticates nobody. It speaks plain HTTP: beyond
/// loopback it belongs behind a proxy that ends TLS.
public struct EngineServer: Sendable {
    /// How the server is set up.
    public struct Configuration: Sendable {
        /// The address to listen on.
        public var host: String
        /// The TCP port; 0 for any free one.
        public var port: Int
        /// The version that `/version` shows.
        public var version: String
        /// How long a connection may be silent.
        public var idleSeconds: Int
        /// How often a job is looked at for its event streams.
        public var eventIntervalMilliseconds: Int
        /// The most event streams at a time.
        public var maxEventStreams: Int
        /// The most bytes of one file.
        public var maxFileBytes: Int
        /// The most connections at a time; further ones wait in the backlog.
        public var maxConnections: Int

        /// The defaults: loopback only.
        public init(host: String = EngineEndpoint.host, port: Int = EngineEndpoint.port, version: String) {
            self.host = host
            self.port = port
            self.version = version
            idleSeconds = 60
            eventIntervalMilliseconds = 250
            maxEventStreams = 256
            maxFileBytes = TransferLimits.fileBytes
            maxConnections = 1024
        }
    }

    private let configuration: Configuration
    private let surface: Surface

    /// A server for `api`. Nothing is opened yet.
    public init(
        api: any EngineAPI,
        metrics: any MetricsSource = NoMetrics(),
        log: (any LogSource)? = nil,
        configuration: Configuration
    ) {
        self.configuration = configuration
        var settings = Surface.Settings(version: configuration.version)
        settings.eventIntervalMilliseconds = configuration.eventIntervalMilliseconds
        settings.maxEventStreams = configuration.maxEventStreams
        settings.maxFileBytes = configuration.maxFileBytes
        surface = Surface(api: api, source: metrics, log: log, settings: settings)
    }

    /// Listens until the task is cancelled; answers that are being written then have five seconds to end.
    /// - Parameter onListening: gets the port, once connections are accepted.
    /// - Throws: when the address cannot be bound.
    public func run(onListening: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
        var logger = Logger(label: "assay.http", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        let application = Application(
            responder: SurfaceResponder(surface: surface),
            server: .http1(configuration: .init(idleTimeout: .seconds(Int64(configuration.idleSeconds)))),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: "assayd",
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.maxConnections)
            ),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
            logger: logger
        )
        var lifecycle = ServiceGroupConfiguration(services: [application], logger: logger)
        lifecycle.maximumGracefulShutdownDuration = .seconds(5)
        let group = ServiceGroup(configuration: lifecycle)
        try await withTaskCancellationHandler {
            // A cancelled task's group would drop its connections at once; a task of its own lets answers finish.
            try await Task { try await group.run() }.value
        } onCancel: {
            surface.stop()
            Task { await group.triggerGracefulShutdown() }
        }
    }
}

/// Hummingbird's view of a `Surface`.
struct SurfaceResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let surface: Surface
    private let table: RouteTable

    init(surface: Surface) {
        self.surface = surface
        table = surface.table
    }

    func respond(to request: Request, context: Context) async throws -> Response {
        var query: [String: String] = [:]
        for (name, value) in request.uri.queryParameters { query[String(name)] = String(value) }
        let line = IncomingRequest(method: request.method.rawValue, path: request.uri.path, query: query)
        let answer = await surface.respond(line, table: table) { maxBytes throws(EngineError) in
            try await Self.body(of: request, maxBytes: maxBytes)
        }
        return Self.response(answer, isHead: request.method == .head, to: request)
    }

    /// The request's body, at most `maxBytes`: a longer one is refused by its declared length before a byte is read, or
    /// while it arrives.
    private static func body(of request: Request, maxBytes: Int) async throws(EngineError) -> [UInt8] {
        let declared = request.headers[.contentLength].map { Int($0) ?? Int.max } ?? 0
        guard declared <= maxBytes else { throw tooLarge(maxBytes, "\(declared) bytes") }
        var bytes: [UInt8] = []
        do {
            for try await part in request.body {
                guard part.readableBytes <= maxBytes - bytes.count else { throw tooLarge(maxBytes, "more") }
                bytes.append(contentsOf: part.readableBytesView)
            }
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(.malformed, "http.body", "the request's body ended before it was whole", field: "body")
        }
        return bytes
    }

    private static func tooLarge(_ maxBytes: Int, _ actual: String) -> EngineError {
        EngineError(
            .tooLarge,
            "http.bodyTooLarge",
            "the request's body is longer than this path takes",
            field: "body",
            expected: "at most \(maxBytes) bytes",
            actual: actual
        )
    }

    private static func response(_ answer: OutgoingResponse, isHead: Bool, to request: Request) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = answer.contentType
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
        }
        if let name = HTTPField.Name("X-Request-Id"), let id = request.headers[name], id.utf8.count <= 128 {
            headers[name] = id
        }
        let body: ResponseBody
        switch answer.body {
        case .bytes(let bytes):
            if isHead {
                headers[.contentLength] = String(bytes.count)
                body = ResponseBody()
            } else {
                body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            }
        case .stream(let stream):
            body =
                isHead
                ? ResponseBody()
                : ResponseBody { writer in
                    try await stream { text in try await writer.write(ByteBuffer(string: text)) }
                    try await writer.finish(nil)
                }
        }
        return Response(status: .init(code: answer.status), headers: headers, body: body)
    }
}
