// Rounds of drand networks over HTTP, through libcurl. What comes is not believed: whoever asked verifies it.
public import Codecs
public import Commitments
internal import Transfer

/// Asks the HTTP nodes of drand networks, one after another.
public struct DrandClient: Sendable {
    /// The most bytes of an answer.
    static let maxBytes = 16_384

    private let urls: [String]
    private let timeoutMilliseconds: Int
    private let pool = TransferPool(size: 1)

    /// A client of the nodes at `urls`.
    /// - Throws: `ParseError` unless each is an http or https URL without credentials, query or fragment.
    public init(urls: [String], timeoutMilliseconds: Int = 5000) throws(ParseError) {
        self.urls = try urls.map { (url) throws(ParseError) in
            try ServiceAddress(url, field: "drand").url
        }
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// A round as the first node that has it serves it.
    /// - Parameter chain: the hash of the network.
    /// - Returns: a JSON value that nobody has verified; `nil` when no node answers with one.
    public func round(_ round: UInt64, chain: Digest) async -> JSONValue? {
        for url in urls {
            let request = TransferRequest(
                method: "GET",
                url: "\(url)/\(chain.hex)/public/\(round)",
                body: nil,
                contentType: "",
                maxResponseBytes: Self.maxBytes,
                timeoutMilliseconds: timeoutMilliseconds,
                connectMilliseconds: timeoutMilliseconds
            )
            guard let response = try? await pool.perform(request), response.status == 200,
                let value = try? JSONValue(parsing: response.body, limits: JSONLimits(bytes: Self.maxBytes, depth: 4))
            else { continue }
            return value
        }
        return nil
    }
}
