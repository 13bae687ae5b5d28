// Server-sent events (WHATWG HTML §9.2): a job's state whenever it changes, until the job has ended.
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Synchronization

extension Surface {
    /// The longest that one stream stays open; a browser comes back by itself and gets the state of that moment.
    private static let longestSeconds = 3600
    /// A comment is sent after so many seconds without an event, so that a dead connection is noticed.
    private static let heartbeatSeconds = 15

    /// A stream of `job` events. Each carries the whole state, so nothing is lost when a client comes back.
    func events(of job: Digest) async throws(EngineError) -> OutgoingResponse {
        let first = try await api.job(id: job)
        guard streams.withLock({ $0 < settings.maxEventStreams }) else {
            throw EngineError(
                .unavailable,
                "events.busy",
                "too many event streams are open",
                field: "streams",
                expected: "at most \(settings.maxEventStreams)",
                actual: "more"
            )
        }
        return OutgoingResponse(
            status: 200,
            contentType: "text/event-stream",
            headers: [("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")],
            body: .stream { [self] write in
                streams.withLock { $0 += 1 }
                defer { streams.withLock { $0 -= 1 } }
                try await follow(first, write)
            }
        )
    }

    private func follow(_ first: JobView, _ write: (String) async throws -> Void) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        var lastSent = start
        var number = 1
        var view = first
        try await write("retry: 2000\n\n" + Self.event(view, number))
        while !view.isFinal, !isStopping, clock.now - start < .seconds(Self.longestSeconds) {
            try await Task.sleep(for: .milliseconds(settings.eventIntervalMilliseconds))
            let latest: JobView
            do throws(EngineError) {
                latest = try await api.job(id: view.id)
            } catch {
                try await write("event: problem\ndata: \(error.json.text())\n\n")
                return
            }
            if latest != view {
                view = latest
                number += 1
                lastSent = clock.now
                try await write(Self.event(view, number))
            } else if clock.now - lastSent >= .seconds(Self.heartbeatSeconds) {
                lastSent = clock.now
                try await write(": no change\n\n")
            }
        }
    }

    /// The compact JSON form has no line breaks, which would end a data line.
    private static func event(_ view: JobView, _ number: Int) -> String {
        "event: job\nid: \(number)\ndata: \(view.json.text())\n\n"
    }
}
