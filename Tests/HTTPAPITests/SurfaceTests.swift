// Routes without sockets: resolution, bounds, problems, metrics, and the description of all of it.
import Codecs
import Commitments
import EngineAPI
import EngineTesting
import Receipts
import Signatures
import Synchronization
import Testing

@testable import HTTPAPI

struct SurfaceTests {
    let engine: FakeEngine
    let surface: Surface

    init() throws {
        engine = try FakeEngine(now: { 1_000 })
        var settings = Surface.Settings(version: "9.9.9")
        settings.eventIntervalMilliseconds = 5
        settings.maxFileBytes = 1000
        settings.maxEventStreams = 2
        surface = Surface(api: engine, source: FixedMetrics(), settings: settings)
    }

    struct FixedMetrics: MetricsSource {
        var isReady = true

        func samples() async -> [MetricSample] {
            [
                MetricSample("assay_jobs", help: "Jobs by phase.", labels: [("phase", "final")], value: 3),
                MetricSample("assay_jobs", help: "Jobs by phase.", labels: [("phase", "odd\"\\\nname")], value: 0.5),
            ]
        }

        func readiness() async -> [ReadinessCheck] {
            [ReadinessCheck(id: "store", isReady: isReady, detail: "writable")]
        }
    }

    func ask(
        _ method: String,
        _ path: String,
        query: [String: String] = [:],
        body: [UInt8] = []
    ) async -> OutgoingResponse {
        let line = IncomingRequest(method: method, path: path, query: query)
        return await surface.respond(line, table: surface.table) { limit throws(EngineError) in
            guard body.count <= limit else { throw EngineError(.tooLarge, "http.bodyTooLarge", "too long") }
            return body
        }
    }

    func bytes(_ response: OutgoingResponse) -> [UInt8] {
        if case .bytes(let bytes) = response.body { return bytes }
        return []
    }

    func text(_ response: OutgoingResponse) -> String {
        String(decoding: bytes(response), as: UTF8.self)
    }

    func sampleJob(_ phase: String = "offered") -> JobView {
        JobView(
            id: SHA256.hash([7]),
            name: "<b>digits</b>",
            phase: phase,
            attempt: 1,
            held: 12_345,
            deadline: 1_700_000_000,
            reason: "waits for \"a node\" & more"
        )
    }

    @Test func unknownPathsAndMethodsAreProblems() async throws {
        let unknown = await ask("GET", "/v1/nothing")
        #expect(unknown.status == 404)
        #expect(unknown.contentType == "application/problem+json")
        #expect(try EngineError(JSONValue(parsing: bytes(unknown))).id == "http.path")
        let method = await ask("DELETE", "/v1/jobs")
        #expect(method.status == 405)
        #expect(method.headers.contains { $0 == ("Allow", "GET, POST") })
        #expect(await ask("GET", "/v1/jobs/").status == 404)
        #expect(await ask("GET", "//v1/jobs").status == 404)
        #expect(await ask("HEAD", "/healthz").status == 200)
    }

    @Test(arguments: EngineError.Kind.allCases)
    func errorsKeepTheirKindOnTheWire(kind: EngineError.Kind) async throws {
        let error = EngineError(kind, "test.id", "a sentence", field: "f", expected: "e", actual: "a")
        engine.with { $0.failure = error }
        let response = await ask("GET", "/v1/nodes")
        #expect(response.status == error.status)
        #expect(response.contentType == "application/problem+json")
        #expect(try EngineError(JSONValue(parsing: bytes(response))) == error)
        let page = await ask("GET", "/nodes")
        #expect(page.status == error.status)
        #expect(page.contentType.hasPrefix("text/html"))
    }

    @Test(arguments: [
        ("/v1/jobs/00", "job.malformed"), ("/v1/jobs/" + String(repeating: "A", count: 64), "job.malformed"),
        ("/v1/jobs/" + String(repeating: "0", count: 64) + "/files/zz", "cid.malformed"),
        ("/v1/jobs/" + String(repeating: "0", count: 64), "job.unknown"),
    ])
    func identifiersInPathsAreChecked(path: String, id: String) async throws {
        let response = await ask("GET", path)
        #expect(try EngineError(JSONValue(parsing: bytes(response))).id == id)
    }

    @Test(arguments: ["0", "1001", "-1", "x", "1e3", ""])
    func limitIsBounded(limit: String) async {
        #expect(await ask("GET", "/v1/jobs", query: ["limit": limit]).status == 400)
        #expect(await ask("GET", "/jobs", query: ["limit": limit]).status == 400)
    }

    @Test func listsTakeTheLimit() async {
        _ = await ask("GET", "/v1/jobs", query: ["limit": "7"])
        _ = await ask("GET", "/v1/jobs")
        #expect(engine.calls == ["jobs 7", "jobs 100"])
    }

    @Test func bodiesAreBoundedByRoute() async {
        let job = sampleJob()
        engine.update(job)
        let cid = CID.raw([UInt8](repeating: 0, count: 1001))
        let path = "/v1/jobs/\(job.id.hex)/files/\(cid.text)"
        #expect(await ask("PUT", path, body: [UInt8](repeating: 0, count: 1001)).status == 413)
        #expect(await ask("PUT", path, body: [UInt8](repeating: 0, count: 1000)).status == 400)
        #expect(await ask("POST", "/v1/accounts", body: [UInt8](repeating: 0x20, count: (64 << 10) + 1)).status == 413)
        // Requests without a body must not bring one.
        #expect(await ask("GET", "/v1/engine", body: [1]).status == 413)
    }

    @Test func malformedSubmissionsNameTheirField() async throws {
        for (body, field) in [
            ("{\"order\":\"\"}", "spec"), ("{\"order\":\"*\",\"spec\":\"\"}", "order"), ("[]", "body"),
        ] {
            let response = await ask("POST", "/v1/jobs", body: Array(body.utf8))
            let error = try EngineError(JSONValue(parsing: bytes(response)))
            #expect(response.status == 400)
            #expect(error.field == field)
        }
    }

    @Test func readinessFollowsTheEngineAndItsChecks() async throws {
        #expect(await ask("GET", "/readyz").status == 200)
        engine.with { $0.failure = EngineError(.unavailable, "store.stopped", "an invariant does not hold") }
        let response = await ask("GET", "/readyz")
        #expect(response.status == 503)
        #expect(text(response).contains("an invariant does not hold"))
        #expect(await ask("GET", "/healthz").status == 200)
        let other = Surface(api: engine, source: FixedMetrics(isReady: false), settings: .init(version: "1"))
        engine.with { $0.failure = nil }
        let line = IncomingRequest(method: "GET", path: "/readyz")
        let notReady = await other.respond(line, table: other.table) { _ in [] }
        #expect(notReady.status == 503)
    }

    @Test func metricsCountRequestsByRoute() async throws {
        _ = await ask("GET", "/v1/jobs/" + String(repeating: "0", count: 64))
        _ = await ask("GET", "/v1/jobs/" + String(repeating: "1", count: 64))
        _ = await ask("BREW", "/coffee")
        let response = await ask("GET", "/metrics")
        #expect(response.contentType.hasPrefix("text/plain; version=0.0.4"))
        let text = text(response)
        #expect(text.contains("assay_build_info{version=\"9.9.9\"} 1\n"))
        #expect(text.contains("# TYPE assay_jobs gauge\nassay_jobs{phase=\"final\"} 3\n"))
        #expect(text.contains("assay_jobs{phase=\"odd\\\"\\\\\\nname\"} 0.5\n"))
        #expect(text.contains("http_server_requests_total{method=\"GET\",route=\"/v1/jobs/{id}\",code=\"404\"} 2\n"))
        #expect(text.contains("http_server_requests_total{method=\"other\",route=\"none\",code=\"404\"} 1\n"))
        let bucket = "http_server_request_duration_seconds_bucket{method=\"GET\",route=\"/v1/jobs/{id}\",code=\"404\","
        #expect(text.contains(bucket + "le=\"+Inf\"} 2\n"))
        // Every line is a comment or a sample: name, labels, one space, a number.
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let value = line.split(separator: " ").last.map(String.init) ?? ""
            #expect(Double(value) != nil, "\(line)")
        }
    }

    @Test func eventsEndWithTheJob() async throws {
        var job = sampleJob()
        engine.update(job)
        let response = await ask("GET", "/v1/jobs/\(job.id.hex)/events")
        #expect(response.contentType == "text/event-stream")
        guard case .stream(let stream) = response.body else {
            Issue.record("not a stream")
            return
        }
        let written = Written()
        job.phase = "assigned"
        try await stream { text in
            await written.append(text)
            switch await written.count {
            case 1: engine.update(job)
            case 2:
                var last = job
                last.phase = "final"
                last.outcome = "accepted"
                last.paid = 1
                last.refunded = 2
                engine.update(last)
            default: break
            }
        }
        let pieces = await written.pieces
        #expect(pieces.count == 3)
        #expect(pieces.first?.hasPrefix("retry: 2000\n\nevent: job\nid: 1\ndata: {") == true)
        for piece in pieces {
            let data = try #require(piece.split(separator: "\n").last { $0.hasPrefix("data: ") })
            _ = try JobView(JSONValue(parsing: Array(data.dropFirst(6).utf8)))
        }
        #expect(pieces.last?.contains("\"phase\":\"final\"") == true)
    }

    @Test func eventsOfAnUnknownJobAreAProblem() async {
        #expect(await ask("GET", "/v1/jobs/" + String(repeating: "0", count: 64) + "/events").status == 404)
    }

    @Test func eventStreamsAreBounded() async throws {
        let job = sampleJob()
        engine.update(job)
        surface.streams.withLock { $0 = 2 }
        #expect(await ask("GET", "/v1/jobs/\(job.id.hex)/events").status == 503)
    }

    @Test func pagesEscapeWhatTheyShow() async throws {
        engine.update(sampleJob())
        for path in ["/", "/jobs", "/jobs/\(sampleJob().id.hex)", "/nodes"] {
            let response = await ask("GET", path)
            #expect(response.status == 200)
            let text = text(response)
            #expect(!text.contains("<b>digits"))
            #expect(!text.contains("<script"))
            #expect(!text.contains("style="))
            #expect(text.hasPrefix("<!doctype html>"))
            #expect(response.headers.contains { $0 == ("Content-Security-Policy", Page.contentSecurityPolicy) })
            if path != "/nodes" {
                #expect(text.contains("&lt;b&gt;digits&lt;/b&gt;"))
                #expect(text.contains("waits for &quot;a node&quot; &amp; more"))
                #expect(text.contains("Waiting for a node"))
            }
            try HTMLOutline.check(text)
        }
    }

    @Test func everyStateHasItsWord() {
        let words = ["funded", "offered", "assigned", "committed", "verifying"].map {
            HTML.state(of: sampleJob($0)).text
        }
        #expect(Set(words).count == 5)
        var job = sampleJob("final")
        let ends = ["accepted", "rejected", "requesterFault", "inconclusive"].map { outcome in
            job.outcome = outcome
            return HTML.state(of: job).text
        }
        #expect(Set(ends + words).count == 9)
    }

    @Test func theDescriptionListsExactlyTheRoutes() throws {
        let routes = surface.table.routes.map { "\($0.method) \($0.pattern)" }
        #expect(Set(routes).count == routes.count)
        var described: [String] = []
        guard case .object(let document) = OpenAPIDocument.json(version: "1"),
            case .object(let paths)? = document["paths"]
        else {
            Issue.record("no paths")
            return
        }
        for path in paths.members {
            guard case .object(let item) = path.value else { continue }
            for operation in item.members { described.append("\(operation.name.uppercased()) \(path.name)") }
        }
        #expect(described.sorted() == routes.sorted())
        for operation in OpenAPIDocument.operations {
            let route = try #require(
                surface.table.routes.first { $0.method == operation.method && $0.pattern == operation.path }
            )
            #expect((route.maxBodyBytes > 0) == (operation.requestSchema != nil), "\(operation.id)")
        }
    }

    @Test func everyReferenceOfTheDescriptionResolves() throws {
        let document = OpenAPIDocument.json(version: "1")
        func visit(_ value: JSONValue) {
            switch value {
            case .array(let elements): elements.forEach(visit)
            case .object(let object):
                if case .string(let reference)? = object["$ref"] {
                    #expect(reference.hasPrefix("#/components/schemas/"))
                    let name = String(reference.dropFirst("#/components/schemas/".count))
                    #expect(OpenAPISchemas.all[name] != nil, "\(reference)")
                }
                for member in object.members { visit(member.value) }
            default: break
            }
        }
        visit(document)
    }

    actor Written {
        var pieces: [String] = []
        var count: Int { pieces.count }
        func append(_ text: String) { pieces.append(text) }
    }
}
