// The whole way through real sockets: what the engine in memory says arrives at the client unchanged, and so do its errors.
import Codecs
import Commitments
import EngineAPI
import EngineClient
import EngineTesting
import HTTPAPI
import Receipts
import Signatures
import Testing

struct ClientServerTests {
    let engine: FakeEngine
    let job = JobView(
        id: SHA256.hash([7]),
        name: "digits",
        phase: "offered",
        attempt: 1,
        held: 12_345,
        deadline: 1_700_000_000,
        reason: "waits for a node — ünïcode \u{1F600}",
        missing: [.raw([9])]
    )

    init() throws {
        engine = try FakeEngine(now: { 1_000 })
    }

    func client(_ port: Int, documentBytes: Int = TransferLimits.documentBytes) throws -> HTTPEngineClient {
        try HTTPEngineClient(url: "http://127.0.0.1:\(port)/", maxDocumentBytes: documentBytes)
    }

    @Test func everyCallArrivesUnchanged() async throws {
        let (engine, job) = (engine, job)
        let node = NodeView(
            key: engine.key.verifyingKey,
            deviceType: "cpu",
            memoryBytes: 1,
            askPerMegaUnit: 2,
            isOnline: true,
            job: job.id
        )
        let lease = LeasedWork(job: job.id, lease: [1], order: [2], spec: [3])
        let verification = VerificationWork(job: job.id, lease: [1], order: [2], spec: [3], execution: [4], trace: [5])
        let output = [UInt8](repeating: 3, count: 100_000)
        engine.update(job)
        engine.with { state in
            state.nodes = [node]
            state.receipts[job.id] = [0, 255, 10]
        }
        try await withServer(engine) { port in
            let client = try HTTPEngineClient(url: "http://127.0.0.1:\(port)/")
            func signed(_ action: EngineRequest.Action) throws -> [UInt8] {
                try EngineRequest.sign(action, engine: engine.key.verifyingKey, at: 1_000, with: engine.operatorKey).envelope
            }
            #expect(try await client.engine() == engine.with { $0.description })
            let account = try await client.account(request: try signed(.open))
            #expect(try await client.account(id: account.id) == account)
            let name = try AccountName(text: account.id)
            #expect(try await client.account(request: try signed(.credit(account: name, amount: 77))).available == 77)
            #expect(try await client.job(id: job.id) == job)
            #expect(try await client.jobs(limit: 5) == [job])
            #expect(try await client.nodes() == [node])
            #expect(try await client.receipt(job: job.id) == [0, 255, 10])
            #expect(try await client.node(request: try signed(.poll)) == nil)
            #expect(try await client.validator(request: try signed(.poll)) == nil)
            engine.with { state in
                state.work = lease
                state.verification = verification
            }
            #expect(try await client.node(request: try signed(.poll)) == lease)
            #expect(try await client.validator(request: try signed(.poll)) == verification)
            #expect(try await client.commit(job: job.id, execution: [1, 2], trace: [3]) == job)
            #expect(try await client.judge(job: job.id, verdict: [1, 2, 3]) == job)
            #expect(try await client.putOutput(job: job.id, cid: .raw(output), bytes: output) == job)
            #expect(try await client.putFile(job: job.id, cid: .raw([9]), bytes: [9]).missing.isEmpty)
            #expect(try await client.file(job: job.id, cid: .raw([9])) == [9])
            #expect(try await client.putFile(job: job.id, cid: .raw([]), bytes: []).id == job.id)
        }
        let calls = engine.calls
        #expect(calls.contains("commit 2 1"))
        #expect(calls.contains("judge 3"))
        #expect(calls.contains("putOutput 100000"))
        #expect(calls.contains("putFile 0"))
    }

    @Test(arguments: EngineError.Kind.allCases)
    func errorsArriveWhole(kind: EngineError.Kind) async throws {
        let error = EngineError(kind, "test.id", "a sentence, «quoted»", field: "f", expected: "e", actual: "a")
        let (engine, job) = (engine, job)
        engine.with { $0.failure = error }
        try await withServer(engine) { port in
            let client = try HTTPEngineClient(url: "http://127.0.0.1:\(port)")
            await #expect(throws: error) { try await client.engine() }
            await #expect(throws: error) { try await client.receipt(job: job.id) }
            await #expect(throws: error) { try await client.putFile(job: job.id, cid: .raw([1]), bytes: [1]) }
        }
    }

    @Test func nobodyThereIsUnreachable() async throws {
        // A port that was bound and is closed again.
        let port = try await withServer(engine) { $0 }
        let client = try client(port)
        await #expect { try await client.engine() } throws: { error in
            (error as? EngineError)?.kind == .unavailable && (error as? EngineError)?.id == "engine.unreachable"
        }
    }

    @Test func tooLongAnAnswerIsNotRead() async throws {
        let (engine, job) = (engine, job)
        for index in 0..<200 {
            var copy = job
            copy.id = SHA256.hash([7, UInt8(index)])
            engine.update(copy)
        }
        try await withServer(engine) { port in
            let client = try HTTPEngineClient(url: "http://127.0.0.1:\(port)", maxDocumentBytes: 2000)
            await #expect { try await client.jobs(limit: 200) } throws: { error in
                (error as? EngineError)?.id == "answer.tooLarge"
            }
            // The connection is usable afterwards.
            #expect(try await client.engine() == engine.with { $0.description })
        }
    }

    @Test func anotherFileThanAskedForIsRefused() async throws {
        let (engine, job) = (engine, job)
        engine.update(job)
        engine.with { $0.files[job.id] = [.raw([1]): [2]] }
        try await withServer(engine) { port in
            let client = try HTTPEngineClient(url: "http://127.0.0.1:\(port)")
            await #expect { try await client.file(job: job.id, cid: .raw([1])) } throws: { error in
                (error as? EngineError)?.id == "answer.file"
            }
        }
    }

    @Test func uploadsBeyondTheBoundAreRefused() async throws {
        let (engine, job) = (engine, job)
        engine.update(job)
        try await withServer(engine, configure: { $0.maxFileBytes = 100_000 }) { port in
            let client = try HTTPEngineClient(url: "http://127.0.0.1:\(port)")
            let bytes = [UInt8](repeating: 5, count: 3_000_000)
            await #expect { try await client.putFile(job: job.id, cid: .raw(bytes), bytes: bytes) } throws: { error in
                (error as? EngineError)?.kind == .tooLarge
            }
            #expect(try await client.job(id: job.id) == job)
            // Without a declared length the body is counted while it arrives.
            let connection = try RawConnection(port: port)
            defer { connection.close() }
            connection.send("PUT /v1/jobs/\(job.id.hex)/files/\(CID.raw([]).text) HTTP/1.1\r\nHost: x\r\n")
            connection.send("Transfer-Encoding: chunked\r\n\r\n")
            let chunk = String(repeating: "a", count: 60_000)
            for _ in 0..<2 { connection.send("ea60\r\n\(chunk)\r\n") }
            let answer = await connection.receive { $0.contains("http.bodyTooLarge") }
            #expect(answer.hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test func otherAnswersThanProblemsAreNotBelieved() async throws {
        let answers = [
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{]",
            "HTTP/1.1 403 No\r\nContent-Type: application/problem+json\r\nContent-Length: 2\r\n\r\n{}",
            "not HTTP at all\r\n\r\n",
        ]
        for answer in answers {
            let port = try ScriptedServer.answerOnce(answer)
            let client = try client(port)
            await #expect { try await client.engine() } throws: { error in
                let id = (error as? EngineError)?.id ?? ""
                return ["answer.status", "answer.malformed", "engine.unreachable"].contains(id)
            }
        }
    }

    @Test func silenceEndsInATimeout() async throws {
        let port = try ScriptedServer.answerOnce("")
        let timeouts = HTTPEngineClient.Timeouts(connectMilliseconds: 1000, callMilliseconds: 300, fileMilliseconds: 300)
        let client = try HTTPEngineClient(url: "http://127.0.0.1:\(port)", timeouts: timeouts)
        await #expect { try await client.engine() } throws: { error in
            (error as? EngineError)?.id == "engine.timeout"
        }
    }

    @Test func aCancelledCallEnds() async throws {
        let port = try ScriptedServer.answerOnce("")
        let client = try client(port)
        let call = Task { try await client.engine() }
        try await Task.sleep(for: .milliseconds(100))
        call.cancel()
        await #expect { try await call.value } throws: { error in
            (error as? EngineError)?.id == "call.cancelled"
        }
    }

    @Test func manyCallsAtATimeShareFewThreads() async throws {
        let (engine, job) = (engine, job)
        engine.update(job)
        try await withServer(engine) { port in
            let client = try HTTPEngineClient(url: "http://127.0.0.1:\(port)", connections: 3)
            try await withThrowingTaskGroup(of: JobView.self) { group in
                for _ in 0..<100 { group.addTask { try await client.job(id: job.id) } }
                for try await view in group { #expect(view == job) }
            }
        }
    }

    @Test(arguments: [
        "", "127.0.0.1:80", "ftp://host", "file:///etc/passwd", "http://", "http://:80", "http://user:pw@host",
        "http://host?x=1", "http://host#f", "http://ho st", "http://host\r\nX: y", "HTTP://host",
    ])
    func otherAddressesAreRefused(url: String) {
        #expect(throws: ParseError.self) { try HTTPEngineClient(url: url) }
    }

    @Test func idsThatAreNoIdsNeverBecomePaths() async throws {
        let client = try client(1)
        await #expect { try await client.account(id: "../engine") } throws: { error in
            (error as? EngineError)?.id == "account.malformed"
        }
    }

    @Test func eventsFlowThroughSocketsAndEnd() async throws {
        let (engine, job) = (engine, job)
        engine.update(job)
        try await withServer(engine) { port in
            let connection = try RawConnection(port: port)
            defer { connection.close() }
            connection.send("GET /v1/jobs/\(job.id.hex)/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let first = await connection.receive { $0.contains("\"phase\":\"offered\"") }
            #expect(first.contains("text/event-stream"))
            var last = job
            last.phase = "final"
            last.outcome = "accepted"
            engine.update(last)
            let rest = await connection.receive { _ in false }
            #expect(rest.contains("id: 2\n"))
            #expect(rest.contains("\"outcome\":\"accepted\""))
            #expect(rest.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test func anOpenEventStreamDoesNotKeepTheServer() async throws {
        let (engine, job) = (engine, job)
        engine.update(job)
        let connection = try await withServer(engine) { port in
            let connection = try RawConnection(port: port)
            connection.send("GET /v1/jobs/\(job.id.hex)/events HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = await connection.receive { $0.contains("offered") }
            return connection
        }
        connection.close()
    }

    @Test func headAndRequestIdsAreAnswered() async throws {
        try await withServer(engine) { port in
            let connection = try RawConnection(port: port)
            defer { connection.close() }
            connection.send("HEAD /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: abc-1\r\nConnection: close\r\n\r\n")
            let answer = await connection.receive { _ in false }.lowercased()
            #expect(answer.hasPrefix("http/1.1 200"))
            #expect(answer.contains("content-length: 15"))
            #expect(answer.contains("x-request-id: abc-1"))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }
}
