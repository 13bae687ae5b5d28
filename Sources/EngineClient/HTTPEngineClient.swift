// An engine behind HTTP. What must be believed is in signed documents, which the caller verifies; this client only makes
// sure that an answer is bounded, of the right form, and that a file is the file that was asked for.
public import Codecs
public import Commitments
public import EngineAPI
internal import Receipts
internal import Transfer

/// Speaks to an engine over HTTP, through libcurl.
public struct HTTPEngineClient: EngineAPI {
    /// How long calls may take.
    public struct Timeouts: Sendable {
        /// Making a connection.
        public var connectMilliseconds: Int
        /// A call that carries documents.
        public var callMilliseconds: Int
        /// A call that carries a file or a receipt.
        public var fileMilliseconds: Int
        /// For how long nothing may move in any call; 0 for as long as the call may take.
        public var stallSeconds: Int

        /// Ten seconds to connect, a minute for a call, ten minutes for a file.
        public init(
            connectMilliseconds: Int = 10_000,
            callMilliseconds: Int = 60_000,
            fileMilliseconds: Int = 600_000,
            stallSeconds: Int = 0
        ) {
            self.connectMilliseconds = connectMilliseconds
            self.callMilliseconds = callMilliseconds
            self.fileMilliseconds = fileMilliseconds
            self.stallSeconds = stallSeconds
        }
    }

    /// The engine's address, without a slash at its end.
    public let url: String
    private let timeouts: Timeouts
    private let pool: TransferPool
    private let maxDocumentBytes: Int

    /// A client of the engine at `url`. Nothing is sent yet.
    /// - Parameter connections: the most calls at a time; further ones wait.
    /// - Throws: `ParseError` unless `url` is an http or https URL without credentials, query or fragment.
    public init(
        url: String,
        timeouts: Timeouts = Timeouts(),
        connections: Int = 4,
        maxDocumentBytes: Int = TransferLimits.documentBytes
    ) throws(ParseError) {
        self.url = try ServiceAddress(url, field: "engine").url
        self.timeouts = timeouts
        self.maxDocumentBytes = maxDocumentBytes
        pool = TransferPool(size: max(1, connections))
    }

    public func engine() async throws(EngineError) -> EngineDescription {
        try await document("GET", "/v1/engine") { (value) throws(ParseError) in try EngineDescription(value) }
    }

    // MARK: Accounts

    public func account(request: [UInt8]) async throws(EngineError) -> AccountView {
        try await document("POST", "/v1/accounts", request) { (value) throws(ParseError) in try AccountView(value) }
    }

    public func account(id: String) async throws(EngineError) -> AccountView {
        // The id goes into a path: anything but an account's name could name another resource.
        do throws(ParseError) {
            _ = try AccountName(text: id)
        } catch {
            throw EngineError(error, id: "account.malformed")
        }
        return try await document("GET", "/v1/accounts/\(id)") { (value) throws(ParseError) in try AccountView(value) }
    }

    // MARK: Jobs

    public func submit(order: [UInt8], spec: [UInt8]) async throws(EngineError) -> JobView {
        let body = JSONValue.object(["order": .string(Base64.encode(order)), "spec": .string(Base64.encode(spec))])
        return try await job("POST", "/v1/jobs", body.serialized())
    }

    public func putFile(job: Digest, cid: CID, bytes: [UInt8]) async throws(EngineError) -> JobView {
        try await upload("/v1/jobs/\(job.hex)/files/\(cid.text)", bytes)
    }

    public func file(job: Digest, cid: CID) async throws(EngineError) -> [UInt8] {
        let response = try await send(
            "GET",
            "/v1/jobs/\(job.hex)/files/\(cid.text)",
            maxBytes: TransferLimits.fileBytes,
            timeout: timeouts.fileMilliseconds
        )
        let actual = ArtefactIdentity(of: response.body).cid
        guard actual == cid else {
            throw EngineError(
                .malformed,
                "answer.file",
                "the engine sent another file than the one asked for",
                field: "cid",
                expected: cid.text,
                actual: actual.text
            )
        }
        return response.body
    }

    public func job(id: Digest) async throws(EngineError) -> JobView {
        try await job("GET", "/v1/jobs/\(id.hex)", nil)
    }

    public func jobs(limit: Int) async throws(EngineError) -> [JobView] {
        try await list("/v1/jobs?limit=\(limit)", "jobs") { (value) throws(ParseError) in try JobView(value) }
    }

    public func receipt(job: Digest) async throws(EngineError) -> [UInt8] {
        try await send(
            "GET",
            "/v1/jobs/\(job.hex)/receipt",
            maxBytes: Bundle.maxBytes,
            timeout: timeouts.fileMilliseconds
        ).body
    }

    public func logProof(receipt: Digest) async throws(EngineError) -> [UInt8] {
        try await send(
            "GET",
            "/v1/receipts/\(receipt.hex)/proof",
            maxBytes: Bundle.maxLogProofBytes,
            timeout: timeouts.callMilliseconds
        ).body
    }

    // MARK: Nodes

    public func node(request: [UInt8]) async throws(EngineError) -> LeasedWork? {
        try await document("POST", "/v1/nodes", request) { (value) throws(ParseError) in
            try Self.work(value) { (value) throws(ParseError) in try LeasedWork(value) }
        }
    }

    public func nodes() async throws(EngineError) -> [NodeView] {
        try await list("/v1/nodes", "nodes") { (value) throws(ParseError) in try NodeView(value) }
    }

    public func read(job: Digest, reading: [UInt8]) async throws(EngineError) -> JobView {
        try await self.job("POST", "/v1/jobs/\(job.hex)/reading", reading)
    }

    public func topUp(job: Digest, topUp: [UInt8]) async throws(EngineError) -> JobView {
        try await self.job("POST", "/v1/jobs/\(job.hex)/topup", topUp)
    }

    public func close(job: Digest, request: [UInt8]) async throws(EngineError) -> JobView {
        try await self.job("POST", "/v1/jobs/\(job.hex)/close", request)
    }

    public func commit(job: Digest, execution: [UInt8], trace: [UInt8]) async throws(EngineError) -> JobView {
        let body = JSONValue.object([
            "execution": .string(Base64.encode(execution)), "trace": .string(Base64.encode(trace)),
        ])
        return try await self.job("POST", "/v1/jobs/\(job.hex)/execution", body.serialized())
    }

    public func putOutput(job: Digest, cid: CID, bytes: [UInt8]) async throws(EngineError) -> JobView {
        try await upload("/v1/jobs/\(job.hex)/outputs/\(cid.text)", bytes)
    }

    // MARK: Validators

    public func validator(request: [UInt8]) async throws(EngineError) -> VerificationWork? {
        try await document("POST", "/v1/validators", request) { (value) throws(ParseError) in
            try Self.work(value) { (value) throws(ParseError) in try VerificationWork(value) }
        }
    }

    public func judge(job: Digest, verdict: [UInt8]) async throws(EngineError) -> JobView {
        try await self.job("POST", "/v1/jobs/\(job.hex)/verdict", verdict)
    }
}

extension HTTPEngineClient {
    private static func work<Work>(
        _ value: JSONValue,
        _ read: (JSONValue) throws(ParseError) -> Work
    ) throws(ParseError) -> Work? {
        var reader = try JSONReader(value)
        let work = try reader.value("work")
        try reader.finish()
        if case .null = work { return nil }
        return try read(work)
    }

    private func job(_ method: String, _ path: String, _ body: [UInt8]?) async throws(EngineError) -> JobView {
        try await document(method, path, body) { (value) throws(ParseError) in try JobView(value) }
    }

    private func list<Element>(
        _ path: String,
        _ member: String,
        _ read: (JSONValue) throws(ParseError) -> Element
    ) async throws(EngineError) -> [Element] {
        try await document("GET", path) { (value) throws(ParseError) in
            var reader = try JSONReader(value)
            let elements = try reader.array(member, max: 100_000) { (value, _) throws(ParseError) in try read(value) }
            try reader.finish()
            return elements
        }
    }

    private func upload(_ path: String, _ bytes: [UInt8]) async throws(EngineError) -> JobView {
        let response = try await send(
            "PUT",
            path,
            bytes,
            contentType: "application/octet-stream",
            maxBytes: maxDocumentBytes,
            timeout: timeouts.fileMilliseconds
        )
        return try Self.read(response) { (value) throws(ParseError) in try JobView(value) }
    }

    /// Sends a call whose answer is one JSON document.
    private func document<Value>(
        _ method: String,
        _ path: String,
        _ body: [UInt8]? = nil,
        _ read: (JSONValue) throws(ParseError) -> Value
    ) async throws(EngineError) -> Value {
        let response = try await send(
            method,
            path,
            body,
            maxBytes: maxDocumentBytes,
            timeout: timeouts.callMilliseconds
        )
        return try Self.read(response, read)
    }

    private static func read<Value>(
        _ response: TransferResponse,
        _ read: (JSONValue) throws(ParseError) -> Value
    ) throws(EngineError) -> Value {
        do throws(ParseError) {
            let limits = JSONLimits(bytes: response.body.count, depth: 32, values: 2_000_000)
            return try read(try JSONValue(parsing: response.body, limits: limits))
        } catch {
            throw EngineError(error, id: "answer.malformed")
        }
    }

    private func send(
        _ method: String,
        _ path: String,
        _ body: [UInt8]? = nil,
        contentType: String = "application/json",
        maxBytes: Int,
        timeout: Int
    ) async throws(EngineError) -> TransferResponse {
        let response = try await transfer(
            method,
            path,
            body,
            contentType: contentType,
            maxBytes: maxBytes,
            timeout: timeout
        )
        guard (200..<300).contains(response.status) else { throw Self.refusal(response) }
        return response
    }

    /// Sends a request and gives the answer whatever its status.
    func transfer(
        _ method: String,
        _ path: String,
        _ body: [UInt8]?,
        contentType: String,
        maxBytes: Int,
        timeout: Int
    ) async throws(EngineError) -> TransferResponse {
        let request = TransferRequest(
            method: method,
            url: url + path,
            body: body,
            contentType: contentType,
            maxResponseBytes: maxBytes,
            timeoutMilliseconds: timeout,
            connectMilliseconds: timeouts.connectMilliseconds,
            stallSeconds: timeouts.stallSeconds
        )
        do throws(TransferError) {
            return try await pool.perform(request)
        } catch {
            throw Self.failure(error, url: url, request)
        }
    }

    private static func failure(_ error: TransferError, url: String, _ request: TransferRequest) -> EngineError {
        switch error {
        case .unreachable(let detail):
            EngineError(
                .unavailable,
                "engine.unreachable",
                "the engine at \(url) cannot be reached: \(detail)",
                field: "engine",
                expected: "an engine at \(url)",
                actual: detail
            )
        case .timeout:
            EngineError(
                .unavailable,
                "engine.timeout",
                "the engine at \(url) did not answer in time",
                field: "engine",
                expected: "an answer within \(request.timeoutMilliseconds) ms",
                actual: "none"
            )
        case .tooLarge:
            EngineError(
                .tooLarge,
                "answer.tooLarge",
                "the engine's answer is longer than is read",
                field: "answer",
                expected: "at most \(request.maxResponseBytes) bytes",
                actual: "more"
            )
        case .cancelled:
            EngineError(.unavailable, "call.cancelled", "the call was given up before an answer came")
        }
    }

    /// The engine's own words when it sent a problem document, else what its status says.
    private static func refusal(_ response: TransferResponse) -> EngineError {
        if response.contentType.hasPrefix("application/problem+json") {
            do throws(ParseError) {
                let limits = JSONLimits(bytes: 64 << 10, depth: 4, values: 64)
                return try EngineError(try JSONValue(parsing: response.body, limits: limits))
            } catch {
                return EngineError(error, id: "answer.malformed")
            }
        }
        return EngineError(
            .unavailable,
            "answer.status",
            "what answers there is no engine, or a proxy before it refuses: HTTP status \(response.status)",
            field: "status",
            expected: "200 or a problem document",
            actual: "\(response.status) \(response.contentType)"
        )
    }
}
