// Requests and answers as plain values: routes work on these, so that they are tested without sockets.
internal import Codecs
internal import EngineAPI

/// A request whose route is known and whose body has arrived.
struct IncomingRequest: Sendable {
    var method: String
    /// The path as it was sent, without the query.
    var path: String
    /// The query's items, percent-decoded.
    var query: [String: String] = [:]
    /// The values of the route's `{…}` parts.
    var parameters: [String: String] = [:]
    var body: [UInt8] = []

    /// The value of a `{…}` part; the route's pattern guarantees that there is one.
    func parameter(_ name: String) -> String {
        parameters[name] ?? ""
    }
}

/// An answer.
struct OutgoingResponse: Sendable {
    /// What is sent after the head.
    enum Body: Sendable {
        case bytes([UInt8])
        /// Written piece by piece until the closure returns.
        case stream(@Sendable (_ write: (String) async throws -> Void) async throws -> Void)
    }

    var status: Int
    var contentType: String
    var headers: [(name: String, value: String)] = []
    var body: Body

    /// A JSON document.
    static func json(_ value: JSONValue, status: Int = 200) -> OutgoingResponse {
        OutgoingResponse(
            status: status,
            contentType: "application/json",
            headers: [("Cache-Control", "no-store")],
            body: .bytes(value.serialized())
        )
    }

    /// A problem document (RFC 9457).
    static func problem(_ error: EngineError, status: Int? = nil) -> OutgoingResponse {
        var value = error.json
        if let status, case .object(var object) = value {
            object["status"] = .integer(status)
            value = .object(object)
        }
        var response = OutgoingResponse(
            status: status ?? error.status,
            contentType: "application/problem+json",
            headers: [("Cache-Control", "no-store")],
            body: .bytes(value.serialized())
        )
        if error.kind == .unavailable { response.headers.append(("Retry-After", "2")) }
        return response
    }

    /// Bytes that never change under their name.
    static func immutable(_ bytes: [UInt8], contentType: String) -> OutgoingResponse {
        OutgoingResponse(
            status: 200,
            contentType: contentType,
            headers: [("Cache-Control", "private, max-age=31536000, immutable")],
            body: .bytes(bytes)
        )
    }

    /// Text.
    static func text(_ text: String, contentType: String = "text/plain; charset=utf-8") -> OutgoingResponse {
        OutgoingResponse(
            status: 200,
            contentType: contentType,
            headers: [("Cache-Control", "no-store")],
            body: .bytes(Array(text.utf8))
        )
    }
}
