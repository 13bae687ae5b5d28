// Reads a worker's reply frame by frame. Every length is known before the frame comes, so that nothing is allocated by a
// number that a worker sent.
internal import Codecs

/// One frame, checked for kind and length.
struct WorkerReply {
    private let child: ChildProcess
    private let bounds: [WorkerFrame: Int]

    /// Reads frames from `child`.
    /// - Parameter bounds: the longest payload by kind; a kind that is missing here is not accepted.
    init(_ child: ChildProcess, bounds: [WorkerFrame: Int]) {
        self.child = child
        self.bounds = bounds
    }

    /// The next frame.
    /// - Throws: `RunFailure` for a frame that is not due, and for every way in which a worker ends before its time.
    func next() throws(RunFailure) -> (kind: WorkerFrame, payload: [UInt8]) {
        let (kind, length) = try nextHead()
        return (kind, try read(length))
    }

    private func nextHead() throws(RunFailure) -> (kind: WorkerFrame, length: Int) {
        let head = try read(WorkerFrame.headLength)
        let length = head[1...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let kind = WorkerFrame(rawValue: head[0]), let bound = bounds[kind] else {
            throw RunFailure(.protocolViolation, "the worker sent a frame of kind \(head[0])")
        }
        guard length <= UInt64(bound) else {
            throw RunFailure(.protocolViolation, "the worker announced \(length) bytes where \(bound) are the most")
        }
        return (kind, Int(length))
    }

    /// The next `count` bytes of a frame whose length is known.
    func read(_ count: Int) throws(RunFailure) -> [UInt8] {
        do throws(ChildStop) {
            return try child.read(count)
        } catch {
            throw explain(error)
        }
    }

    /// The next bytes of a frame whose length is known: as many as `buffer` holds.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(RunFailure) {
        do throws(ChildStop) {
            try child.read(into: buffer)
        } catch {
            throw explain(error)
        }
    }

    /// The length of the next frame, which must be of `kind`; its payload is still to be read.
    func expectLength(_ kind: WorkerFrame) throws(RunFailure) -> Int {
        let head = try nextHead()
        if head.kind == .failure { throw Self.failure(try read(head.length)) }
        guard head.kind == kind else {
            throw RunFailure(.protocolViolation, "the worker sent frame \(head.kind) instead of \(kind)")
        }
        return head.length
    }

    /// The next frame, which must be of `kind`, or the failure that the worker reports instead.
    func expect(_ kind: WorkerFrame) throws(RunFailure) -> [UInt8] {
        try read(try expectLength(kind))
    }

    /// A JSON payload.
    func expectJSON(_ kind: WorkerFrame) throws(RunFailure) -> JSONValue {
        let payload = try expect(kind)
        do throws(ParseError) {
            return try JSONValue(parsing: payload, limits: JSONLimits(bytes: 65_536, depth: 8, values: 1000))
        } catch {
            throw RunFailure(.protocolViolation, "frame \(kind): \(error)")
        }
    }

    private static func failure(_ payload: [UInt8]) -> RunFailure {
        // A worker may say what kept it from working; it may not say that it was attacked or cancelled.
        let allowed: Set<RunFailure.Reason> = [
            .noDevice, .compile, .sandbox, .outOfMemory, .device, .protocolViolation,
        ]
        do throws(ParseError) {
            var reader = try JSONReader(try JSONValue(parsing: payload, limits: JSONLimits(bytes: 65_536, depth: 4)))
            let reason = try reader.choice("reason", RunFailure.Reason.self)
            let detail = try reader.string("detail", maxBytes: 32_768)
            try reader.finish()
            guard allowed.contains(reason) else {
                return RunFailure(.protocolViolation, "the worker reported \(reason.rawValue)")
            }
            return RunFailure(reason, detail)
        } catch {
            return RunFailure(.protocolViolation, "failure frame: \(error)")
        }
    }

    private func explain(_ stop: ChildStop) -> RunFailure {
        switch stop {
        case .deadline: return RunFailure(.timeout, "the wall clock ran out")
        case .cancelled: return RunFailure(.cancelled, "the run was cancelled")
        case .endOfReply: return explainEnd(child.finish(graceMilliseconds: 1000))
        }
    }

    private func explainEnd(_ end: ChildEnd) -> RunFailure {
        let errors = String(decoding: child.errorText.prefix(2000), as: UTF8.self)
        let tail = errors.isEmpty ? "" : ": " + errors
        let signal: Int32
        switch end {
        case .signalled(let number): signal = number
        // bubblewrap and shells report a child's signal this way.
        case .exited(let code) where code > 128: signal = code - 128
        case .exited(let code):
            if errors.hasPrefix("bwrap:") { return RunFailure(.sandbox, errors) }
            return RunFailure(.crashed, "the worker ended with status \(code) and without a result\(tail)")
        }
        switch signal {
        case 31: return RunFailure(.crashed, "the worker made a forbidden system call (SIGSYS)")
        case 24: return RunFailure(.timeout, "the processor time ran out (SIGXCPU)")
        case 9: return RunFailure(.timeout, "the worker was killed (SIGKILL): processor time or memory ran out")
        case 25: return RunFailure(.crashed, "the worker wrote too long a file (SIGXFSZ)")
        default: return RunFailure(.crashed, "signal \(signal) ended the worker\(tail)")
        }
    }
}
