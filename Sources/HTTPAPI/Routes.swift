// The operations of an engine as routes: paths and bodies in, calls of `EngineAPI`, documents out.
internal import Codecs
internal import Commitments
internal import EngineAPI

extension Surface {
    /// The engine itself and accounts.
    var engineRoutes: [Route] {
        [
            Route("GET", "/v1/engine") { [api] _ async throws(EngineError) in
                .json(try await api.engine().json)
            },
            Route("POST", "/v1/accounts", maxBodyBytes: TransferLimits.requestBytes) {
                [api] request async throws(EngineError) in
                .json(try await api.account(request: request.body).json)
            },
            Route("GET", "/v1/accounts/{id}") { [api] request async throws(EngineError) in
                .json(try await api.account(id: request.parameter("id")).json)
            },
        ]
    }

    /// Jobs, for requesters and everybody who looks on.
    var jobRoutes: [Route] {
        let documentBytes = settings.maxDocumentBytes
        return [
            Route("POST", "/v1/jobs", maxBodyBytes: documentBytes) { [api] request async throws(EngineError) in
                let (order, spec) = try Self.pair(request.body, "order", "spec", max: documentBytes)
                return .json(try await api.submit(order: order, spec: spec).json)
            },
            Route("GET", "/v1/jobs") { [api] request async throws(EngineError) in
                let jobs = try await api.jobs(limit: try Self.limit(request))
                return .json(.object(["jobs": .array(jobs.map(\.json))]))
            },
            Route("POST", "/v1/jobs/{id}/topup", maxBodyBytes: TransferLimits.requestBytes) {
                [api] request async throws(EngineError) in
                .json(try await api.topUp(job: try Self.job(request), topUp: request.body).json)
            },
            Route("POST", "/v1/jobs/{id}/close", maxBodyBytes: TransferLimits.requestBytes) {
                [api] request async throws(EngineError) in
                .json(try await api.close(job: try Self.job(request), request: request.body).json)
            },
            Route("GET", "/v1/jobs/{id}") { [api] request async throws(EngineError) in
                .json(try await api.job(id: try Self.job(request)).json)
            },
            Route("PUT", "/v1/jobs/{id}/files/{cid}", maxBodyBytes: settings.maxFileBytes) {
                [api] request async throws(EngineError) in
                let view = try await api.putFile(
                    job: try Self.job(request),
                    cid: try Self.cid(request),
                    bytes: request.body
                )
                return .json(view.json)
            },
            Route("GET", "/v1/jobs/{id}/files/{cid}") { [api] request async throws(EngineError) in
                let bytes = try await api.file(job: try Self.job(request), cid: try Self.cid(request))
                return .immutable(bytes, contentType: "application/octet-stream")
            },
            Route("GET", "/v1/jobs/{id}/receipt") { [api] request async throws(EngineError) in
                let job = try Self.job(request)
                var response = OutgoingResponse.immutable(
                    try await api.receipt(job: job),
                    contentType: "application/vnd.ipld.car; version=1"
                )
                let name = "attachment; filename=\"\(job.hex.prefix(16)).assay\""
                response.headers.append(("Content-Disposition", name))
                return response
            },
            Route("GET", "/v1/jobs/{id}/events") { [self] request async throws(EngineError) in
                try await events(of: try Self.job(request))
            },
        ]
    }

    /// Nodes and validators.
    var nodeRoutes: [Route] {
        let documentBytes = settings.maxDocumentBytes
        return [
            Route("POST", "/v1/nodes", maxBodyBytes: TransferLimits.requestBytes) {
                [api] request async throws(EngineError) in
                let work = try await api.node(request: request.body)
                return .json(.object(["work": work?.json ?? .null]))
            },
            Route("GET", "/v1/nodes") { [api] _ async throws(EngineError) in
                .json(.object(["nodes": .array(try await api.nodes().map(\.json))]))
            },
            Route("POST", "/v1/jobs/{id}/reading", maxBodyBytes: TransferLimits.requestBytes) {
                [api] request async throws(EngineError) in
                .json(try await api.read(job: try Self.job(request), reading: request.body).json)
            },
            Route("POST", "/v1/jobs/{id}/execution", maxBodyBytes: documentBytes) {
                [api] request async throws(EngineError) in
                let job = try Self.job(request)
                let (execution, trace) = try Self.pair(request.body, "execution", "trace", max: documentBytes)
                return .json(try await api.commit(job: job, execution: execution, trace: trace).json)
            },
            Route("PUT", "/v1/jobs/{id}/outputs/{cid}", maxBodyBytes: settings.maxFileBytes) {
                [api] request async throws(EngineError) in
                let view = try await api.putOutput(
                    job: try Self.job(request),
                    cid: try Self.cid(request),
                    bytes: request.body
                )
                return .json(view.json)
            },
            Route("POST", "/v1/validators", maxBodyBytes: TransferLimits.requestBytes) {
                [api] request async throws(EngineError) in
                let work = try await api.validator(request: request.body)
                return .json(.object(["work": work?.json ?? .null]))
            },
            Route("POST", "/v1/jobs/{id}/verdict", maxBodyBytes: documentBytes) {
                [api] request async throws(EngineError) in
                .json(try await api.judge(job: try Self.job(request), verdict: request.body).json)
            },
        ]
    }

    /// The process: is it alive, will it take work, what is it, how is it doing.
    var serviceRoutes: [Route] {
        let version = settings.version
        return [
            Route("GET", "/healthz") { _ in .json(.object(["status": .string("ok")])) },
            Route("GET", "/readyz") { [self] _ in await readiness() },
            Route("GET", "/version") { _ in
                .json(.object(["name": .string("assayd"), "version": .string(version)]))
            },
            Route("GET", "/metrics") { [source, metrics] _ in
                let build = MetricSample(
                    "assay_build_info",
                    help: "The version that runs; always 1.",
                    labels: [("version", version)],
                    value: 1
                )
                let text = metrics.exposition([build] + (await source.samples()))
                return .text(text, contentType: "text/plain; version=0.0.4; charset=utf-8")
            },
            Route("GET", "/openapi.json") { _ in .json(OpenAPIDocument.json(version: version)) },
        ]
    }

    private func readiness() async -> OutgoingResponse {
        var checks = await source.readiness()
        do throws(EngineError) {
            _ = try await api.engine()
            checks.append(ReadinessCheck(id: "engine", isReady: true, detail: "answers"))
        } catch {
            checks.append(ReadinessCheck(id: "engine", isReady: false, detail: error.message))
        }
        let isReady = checks.allSatisfy(\.isReady)
        let list = checks.map { check in
            JSONValue.object([
                "id": .string(check.id),
                "ready": .bool(check.isReady),
                "detail": .string(check.detail),
            ])
        }
        let document = JSONValue.object(["ready": .bool(isReady), "checks": .array(list)])
        return .json(document, status: isReady ? 200 : 503)
    }

    // MARK: Reading requests

    static func job(_ request: IncomingRequest) throws(EngineError) -> Digest {
        do throws(ParseError) {
            return try Digest(hex: request.parameter("id"), field: "id")
        } catch {
            throw EngineError(error, id: "job.malformed")
        }
    }

    private static func cid(_ request: IncomingRequest) throws(EngineError) -> CID {
        do throws(ParseError) {
            return try CID(text: request.parameter("cid"), field: "cid")
        } catch {
            throw EngineError(error, id: "cid.malformed")
        }
    }

    /// The most jobs that are listed: `limit`, 1 to 1000, 100 without one.
    static func limit(_ request: IncomingRequest) throws(EngineError) -> Int {
        guard let text = request.query["limit"] else { return 100 }
        guard let limit = Int(text), (1...1000).contains(limit) else {
            throw EngineError(
                .malformed,
                "limit.malformed",
                "limit must be a number from 1 to 1000",
                field: "limit",
                expected: "1 to 1000",
                actual: String(text.prefix(40))
            )
        }
        return limit
    }

    /// Two documents in base 64 in one JSON object.
    private static func pair(
        _ body: [UInt8],
        _ first: String,
        _ second: String,
        max: Int
    ) throws(EngineError) -> ([UInt8], [UInt8]) {
        do throws(ParseError) {
            var reader = try JSONReader(
                try JSONValue(parsing: body, limits: JSONLimits(bytes: max, depth: 2, values: 8))
            )
            let pair = (try reader.base64(first), try reader.base64(second))
            try reader.finish()
            return pair
        } catch {
            throw EngineError(error, id: "body.malformed")
        }
    }
}
