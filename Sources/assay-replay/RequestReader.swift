// Reads a request from its sealed file.
import Codecs
import Glibc
import Replay

/// Reads the request from front to back, where the kernel maps it: its file is sealed, so that nothing in it can change.
struct RequestReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init() throws(RunFailure) {
        var status = stat()
        guard fstat(WorkerRequest.descriptor, &status) == 0, status.st_size > 0 else {
            throw RunFailure(.protocolViolation, "no request")
        }
        let length = Int(status.st_size)
        guard let base = mmap(nil, length, PROT_READ, MAP_PRIVATE, WorkerRequest.descriptor, 0), base != MAP_FAILED
        else { throw RunFailure(.outOfMemory, "cannot map a request of \(length) bytes: errno \(errno)") }
        bytes = UnsafeRawBufferPointer(start: base, count: length)
    }

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
    mutating func read(_ count: Int) throws(RunFailure) -> [UInt8] { Array(try view(count)) }

    /// The next `count` bytes where they lie.
    mutating func view(_ count: Int) throws(RunFailure) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= bytes.count - position else {
            throw RunFailure(.protocolViolation, "the request ends early")
        }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }
}
