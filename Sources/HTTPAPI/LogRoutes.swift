// The log of an engine's receipts as the static files that c2sp.org/tlog-tiles names, and its offline proofs.
internal import Codecs
public import Commitments
public import EngineAPI

/// Where the server gets the log from.
public protocol LogSource: Sendable {
    /// The signed checkpoint; `nil` while there is none.
    func checkpoint() async throws(EngineError) -> [UInt8]?
    /// A tile or an entry bundle by its path, which begins with `tile/`; `nil` for any other path and for what is not there.
    func tile(_ path: String) async throws(EngineError) -> [UInt8]?
    /// The offline proof that a receipt is in the log; `nil` when it is not, yet or ever.
    func proof(receipt: Digest) async throws(EngineError) -> [UInt8]?
}

extension Surface {
    /// The log of receipts.
    var logRoutes: [Route] {
        [
            Route("GET", "/v1/receipts/{digest}/proof") { [self] request async throws(EngineError) in
                let digest: Digest
                do throws(ParseError) {
                    digest = try Digest(hex: request.parameter("digest"), field: "digest")
                } catch {
                    throw EngineError(error, id: "digest.malformed")
                }
                guard let proof = try await keptLog().proof(receipt: digest) else {
                    throw EngineError(.notFound, "log.pending", "the receipt is not under a checkpoint of the log")
                }
                return .text(String(decoding: proof, as: UTF8.self))
            },
            Route("GET", "/log/checkpoint") { [self] _ async throws(EngineError) in
                guard let bytes = try await keptLog().checkpoint() else {
                    throw EngineError(.notFound, "log.checkpoint", "the log has no checkpoint yet")
                }
                return .text(String(decoding: bytes, as: UTF8.self))
            },
            Route("GET", "/log/tile/{path+}") { [self] request async throws(EngineError) in
                let path = "tile/" + request.parameter("path")
                guard let bytes = try await keptLog().tile(path) else {
                    throw EngineError(.notFound, "log.tile", "the log has no such tile", field: "path", actual: path)
                }
                return .immutable(bytes, contentType: "application/octet-stream")
            },
        ]
    }

    private func keptLog() throws(EngineError) -> any LogSource {
        guard let log else { throw EngineError(.notFound, "log.none", "this engine keeps no log of its receipts") }
        return log
    }
}
