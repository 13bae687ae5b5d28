// Speaks to a witness from afar (c2sp.org/tlog-witness): one POST, and the answer as it came.
public import Codecs
public import EngineAPI
internal import Transfer

/// A witness behind a URL.
public final class HTTPWitnessClient: Sendable {
    /// The witness's prefix, without a slash at its end.
    public let url: String
    private let exchange: HTTPEngineClient

    /// A client of the witness at `url`. Nothing is sent yet.
    /// - Throws: `ParseError` unless `url` is an http or https URL without credentials, query or fragment.
    public init(url: String) throws(ParseError) {
        do throws(ParseError) {
            exchange = try HTTPEngineClient(url: url, connections: 1, maxDocumentBytes: 1 << 16)
        } catch {
            throw ParseError(field: "witness", expected: error.expected, actual: error.actual)
        }
        self.url = exchange.url
    }

    /// Sends the body of an `add-checkpoint` request.
    /// - Returns: status and body of whatever answered; a refusal is an answer.
    /// - Throws: `EngineError` of kind `unavailable` when nothing answered.
    public func addCheckpoint(_ body: [UInt8]) async throws(EngineError) -> (status: Int, body: [UInt8]) {
        let response = try await exchange.transfer(
            "POST",
            "/add-checkpoint",
            body,
            contentType: "text/plain; charset=utf-8",
            maxBytes: 1 << 16,
            timeout: 10_000
        )
        return (response.status, response.body)
    }
}
