// A witness over HTTP (c2sp.org/tlog-witness): one path, one method. It listens by itself, so that a validator without an
// engine can witness the logs of others.
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import ServiceLifecycle

/// Offers `POST /add-checkpoint` over HTTP/1.1.
///
/// Every request carries the log's own signature, so the server authenticates nobody. It speaks plain HTTP: beyond loopback
/// it belongs behind a proxy that ends TLS.
public struct WitnessServer: Sendable {
    /// What answers a request's body.
    public typealias Handler =
        @Sendable (_ body: [UInt8]) async -> (status: Int, contentType: String, body: [UInt8])

    private let host: String
    private let port: Int
    private let responder: WitnessResponder

    /// A server for a witness. Nothing is opened yet.
    /// - Parameters:
    ///   - port: 0 for any free one.
    ///   - maxBodyBytes: the longest request; longer ones are refused before they are read.
    public init(host: String, port: Int, maxBodyBytes: Int, answer: @escaping Handler) {
        self.host = host
        self.port = port
        responder = WitnessResponder(maxBodyBytes: maxBodyBytes, answer: answer)
    }

    /// Listens until the task is cancelled.
    /// - Parameter onListening: gets the port, once connections are accepted.
    /// - Throws: when the address cannot be bound.
    public func run(onListening: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
        var logger = Logger(label: "assay.witness", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        let application = Application(
            responder: responder,
            server: .http1(configuration: .init(idleTimeout: .seconds(30))),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                serverName: "assayd",
                availableConnectionsDelegate: MaximumAvailableConnections(256)
            ),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
            logger: logger
        )
        var lifecycle = ServiceGroupConfiguration(services: [application], logger: logger)
        lifecycle.maximumGracefulShutdownDuration = .seconds(5)
        let group = ServiceGroup(configuration: lifecycle)
        try await withTaskCancellationHandler {
            try await Task { try await group.run() }.value
        } onCancel: {
            Task { await group.triggerGracefulShutdown() }
        }
    }
}

private struct WitnessResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let maxBodyBytes: Int
    let answer: WitnessServer.Handler

    func respond(to request: Request, context: Context) async throws -> Response {
        guard request.uri.path == "/add-checkpoint" else { return Self.response(404, "there is nothing here\n") }
        guard request.method == .post else { return Self.response(405, "this path takes POST\n") }
        let declared = request.headers[.contentLength].map { Int($0) ?? Int.max } ?? 0
        guard declared <= maxBodyBytes else { return Self.response(413, "the request is too long\n") }
        var body: [UInt8] = []
        for try await part in request.body {
            guard part.readableBytes <= maxBodyBytes - body.count else {
                return Self.response(413, "the request is too long\n")
            }
            body.append(contentsOf: part.readableBytesView)
        }
        let (status, contentType, bytes) = await answer(body)
        return Self.response(status, contentType, bytes)
    }

    private static func response(_ status: Int, _ text: String) -> Response {
        response(status, "text/plain; charset=utf-8", Array(text.utf8))
    }

    private static func response(_ status: Int, _ contentType: String, _ bytes: [UInt8]) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = contentType
        headers[.cacheControl] = "no-store"
        return Response(
            status: .init(code: status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }
}
