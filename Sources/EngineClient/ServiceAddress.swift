// Where a service is: a URL that can have nothing hidden in it.
internal import Codecs
internal import Transfer

/// The address of an HTTP service.
struct ServiceAddress: Sendable {
    /// The URL without a slash at its end.
    let url: String
    /// Whether the host is this machine: a proxy from the environment must not be asked.
    let isLocal: Bool

    /// Reads an address.
    /// - Throws: `ParseError` unless it is an http or https URL without credentials, query or fragment.
    init(_ url: String, field: String) throws(ParseError) {
        let rest: Substring
        if url.hasPrefix("http://") {
            rest = url.dropFirst(7)
        } else if url.hasPrefix("https://") {
            rest = url.dropFirst(8)
        } else {
            throw ParseError(field: field, expected: "a URL that begins with http:// or https://", actual: url)
        }
        let isPlain = rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !Array("@?#\\\"<>".utf8).contains($0) }
        let host = rest.prefix { $0 != "/" }
        guard isPlain, !host.isEmpty, !host.hasPrefix(":"), url.utf8.count <= 1024 else {
            throw ParseError(field: field, expected: "scheme://host[:port][/path] and nothing else", actual: url)
        }
        var trimmed = url
        while trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.url = trimmed
        isLocal = TransferRequest.isLoopback(host)
    }
}
