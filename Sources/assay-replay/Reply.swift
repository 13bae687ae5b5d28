// Writes the frames of the reply.
import CSandbox
import Codecs
import Glibc
import Replay

/// The worker's side of the reply stream.
enum Reply {
    /// Writes one frame. A parent that is gone ends the worker.
    static func send(_ kind: WorkerFrame, _ payload: [UInt8] = [], _ content: UnsafeRawBufferPointer? = nil) {
        var head = [kind.rawValue]
        head.appendLittleEndian(UInt64(payload.count + (content?.count ?? 0)))
        head += payload
        head.withUnsafeBytes { write($0) }
        if let content { write(content) }
    }

    /// Writes a failure and ends the process.
    static func fail(_ failure: RunFailure) -> Never {
        let document = JSONValue.object([
            "reason": .string(failure.reason.rawValue),
            "detail": .string(failure.detail),
        ])
        send(.failure, document.serialized())
        _exit(1)
    }

    private static func write(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(WorkerFrame.descriptor, rest.baseAddress, rest.count)
            if count < 0 {
                guard errno == EINTR else { _exit(2) }
                continue
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}
