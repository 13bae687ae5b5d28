// The table of routes: a method, a path pattern as OpenAPI writes it, a bound for the body, and what answers.
internal import EngineAPI

/// One operation of the HTTP interface.
struct Route: Sendable {
    /// What answers.
    typealias Handler = @Sendable (IncomingRequest) async throws(EngineError) -> OutgoingResponse

    var method: String
    /// The path with its variable parts in braces: `/v1/jobs/{id}`; `{path+}` at the end takes all that follows. It also names
    /// the route in metrics.
    var pattern: String
    /// The most bytes of a body; 0 for requests that have none.
    var maxBodyBytes: Int
    var handler: Handler

    init(_ method: String, _ pattern: String, maxBodyBytes: Int = 0, _ handler: @escaping Handler) {
        self.method = method
        self.pattern = pattern
        self.maxBodyBytes = maxBodyBytes
        self.handler = handler
    }

    /// The values of the variable parts when `path` is one of this pattern's.
    func match(_ path: [Substring]) -> [String: String]? {
        var parts = pattern.split(separator: "/", omittingEmptySubsequences: false)
        var path = path[...]
        var values: [String: String] = [:]
        if let last = parts.last, last.hasSuffix("+}") {
            guard path.count >= parts.count, path.count <= 16 else { return nil }
            let rest = path[(parts.count - 1)...].joined(separator: "/")
            guard rest.utf8.count <= 128 else { return nil }
            values[String(last.dropFirst().dropLast(2))] = rest
            path = path.prefix(parts.count - 1)
            parts.removeLast()
        }
        guard parts.count == path.count else { return nil }
        for (part, actual) in zip(parts, path) {
            if part.hasPrefix("{") {
                guard !actual.isEmpty, actual.utf8.count <= 128 else { return nil }
                values[String(part.dropFirst().dropLast())] = String(actual)
            } else if part != actual {
                return nil
            }
        }
        return values
    }
}

/// What the table says about a request line.
enum Resolution {
    case found(Route, parameters: [String: String])
    /// The path exists with other methods.
    case methodNotAllowed([String])
    case notFound
}

/// All routes.
struct RouteTable: Sendable {
    let routes: [Route]

    /// The route for a request line; a HEAD is answered like a GET, without the body.
    func resolve(_ method: String, _ path: String) -> Resolution {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let wanted = method == "HEAD" ? "GET" : method
        var allowed: Set<String> = []
        for route in routes {
            guard let parameters = route.match(parts) else { continue }
            if route.method == wanted { return .found(route, parameters: parameters) }
            allowed.insert(route.method)
        }
        return allowed.isEmpty ? .notFound : .methodNotAllowed(allowed.sorted())
    }
}
