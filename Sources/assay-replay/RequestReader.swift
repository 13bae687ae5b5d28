// Reads a request from its sealed file.
import Codecs
import Glibc
import Replay

/// Reads the request from front to back.
struct RequestReader {
    mutating func header() throws(RunFailure) -> WorkerRequest {
        let prefix = try read(WorkerRequest.prefixLength)
        do throws(ParseError) {
            let length = try WorkerRequest.headerLength(prefix: prefix)
            return try WorkerRequest(header: try readHeader(length))
        } catch {
            throw RunFailure(.protocolViolation, "request: \(error)")
        }
    }

    private mutating func readHeader(_ length: Int) throws(ParseError) -> [UInt8] {
        do throws(RunFailure) {
            return try read(length)
        } catch {
            throw ParseError(field: "header", expected: "\(length) bytes", actual: "fewer")
        }
    }

    /// The next `count` bytes.
    mutating func read(_ count: Int) throws(RunFailure) -> [UInt8] {
        var isComplete = true
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let part = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                let got = Glibc.read(WorkerRequest.descriptor, part.baseAddress, part.count)
                if got < 0 && errno == EINTR { continue }
                guard got > 0 else {
                    isComplete = false
                    return
                }
                filled += got
            }
        }
        guard isComplete else { throw RunFailure(.protocolViolation, "the request ends early") }
        return bytes
    }
}
