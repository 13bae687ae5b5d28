// Where a service is: a URL that can have nothing hidden in it.
public import Codecs

/// The address of an HTTP service.
public struct ServiceAddress: Sendable, Equatable {
    /// The URL without a slash at its end.
    public let url: String

    /// Reads an address.
    /// - Throws: `ParseError` unless it is an http or https URL of at most 1,024 bytes without credentials, query or fragment.
    public init(_ url: String, field: String) throws(ParseError) {
        let rest: Substring
        if url.hasPrefix("http://") {
            rest = url.dropFirst(7)
        } else if url.hasPrefix("https://") {
            rest = url.dropFirst(8)
        } else {
            throw ParseError(field: field, expected: "a URL that begins with http:// or https://", actual: url)
        }
        let isPlain = rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !Array("@?#\\\"<>".utf8).contains($0) }
        let authority = rest.prefix { $0 != "/" }
        guard isPlain, !authority.isEmpty, !authority.hasPrefix(":"), url.utf8.count <= 1024 else {
            throw ParseError(field: field, expected: "scheme://host[:port][/path] and nothing else", actual: url)
        }
        var trimmed = url
        while trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.url = trimmed
    }

    /// Whether the host of `url` is this machine: the name `localhost`, an address of 127.0.0.0/8 in full, or [::1].
    /// A name that only begins like one may be anywhere.
    public static func isLoopback(url: String) -> Bool {
        let rest = url.drop { $0 != ":" }
        guard rest.hasPrefix("://") else { return false }
        let authority = rest.dropFirst(3).prefix { !"/?#".contains($0) }
        guard !authority.contains("@") else { return false }
        if authority == "[::1]" || authority.hasPrefix("[::1]:") { return true }
        let host = authority.prefix { $0 != ":" }
        if host.lowercased() == "localhost" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt8($0) != nil }
    }
}
