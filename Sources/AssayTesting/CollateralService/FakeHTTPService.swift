// A small HTTP service on a loopback socket that answers as a test says, badly too: cut off, endless, slow, silent.
internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// One request that the service got.
public struct FakeHTTPRequest: Sendable {
    /// `GET`, `POST`.
    public var method: String
    /// The path with its query.
    public var target: String
    /// What came along.
    public var body: [UInt8]
    /// How often this target was asked for, this time included.
    public var attempt: Int

    /// Names everything.
    public init(method: String, target: String, body: [UInt8], attempt: Int) {
        self.method = method
        self.target = target
        self.body = body
        self.attempt = attempt
    }
}

/// What the service does with a request.
public enum FakeHTTPAnswer: Sendable {
    /// A whole answer.
    case answer(status: Int, headers: [String: String] = [:], body: [UInt8])
    /// An answer that promises its whole body and breaks off after `keeping` bytes.
    case truncated(headers: [String: String] = [:], body: [UInt8], keeping: Int)
    /// A body without end.
    case endless
    /// One byte every so many milliseconds.
    case slow(body: [UInt8], millisecondsPerByte: Int)
    /// Nothing, and the connection stays open.
    case silent
}

/// A service on a port of its own; it ends with the instance.
public final class FakeHTTPService: Sendable {
    /// The address: `http://127.0.0.1:PORT`.
    public let url: String
    private let socketDescriptor: Int32
    private let log: Log

    /// What was asked for, over all threads.
    private final class Log: @unchecked Sendable {
        private let lock = NSLock()
        private var targets: [String] = []

        func add(_ target: String) -> Int {
            lock.withLock {
                targets.append(target)
                return targets.count { $0 == target }
            }
        }

        var all: [String] { lock.withLock { targets } }
    }

    /// Starts a service.
    /// - Returns: `nil` when the machine gives no loopback port.
    public init?(_ answer: @escaping @Sendable (FakeHTTPRequest) -> FakeHTTPAnswer) {
        // A client that goes away in the middle is a failed write, not a signal.
        signal(SIGPIPE, SIG_IGN)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, pointer, &size) == 0
            }
        }
        guard isBound else {
            close(descriptor)
            return nil
        }
        socketDescriptor = descriptor
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        let log = Log()
        self.log = log
        let thread = Thread {
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                let worker = Thread {
                    Self.serve(connection, log, answer)
                    close(connection)
                }
                worker.start()
            }
        }
        thread.start()
    }

    deinit {
        shutdown(socketDescriptor, Int32(SHUT_RDWR))
        close(socketDescriptor)
    }

    /// The targets that were asked for, in order.
    public var targets: [String] { log.all }

    private static func serve(
        _ connection: Int32,
        _ log: Log,
        _ answer: (FakeHTTPRequest) -> FakeHTTPAnswer
    ) {
        guard let (head, body) = receive(connection) else { return }
        let words = head.prefix { !$0.isNewline }.split(separator: " ")
        guard words.count >= 2 else { return }
        let target = String(words[1])
        let request = FakeHTTPRequest(
            method: String(words[0]),
            target: target,
            body: body,
            attempt: log.add(target)
        )
        switch answer(request) {
        case .answer(let status, let headers, let body):
            deliver(connection, line(status, headers, body.count) + body)
        case .truncated(let headers, let body, let count):
            deliver(connection, line(200, headers, body.count) + body.prefix(count))
        case .endless:
            let block = [UInt8](repeating: 0x61, count: 1 << 16)
            deliver(connection, Array("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".utf8))
            while deliver(connection, block) {}
        case .slow(let body, let milliseconds):
            deliver(connection, line(200, [:], body.count))
            for byte in body {
                guard deliver(connection, [byte]) else { return }
                usleep(UInt32(milliseconds * 1000))
            }
        case .silent:
            // Until the client gives up: then there is nothing more to read.
            var buffer = [UInt8](repeating: 0, count: 64)
            while recv(connection, &buffer, buffer.count, 0) > 0 {}
        }
    }

    private static func line(_ status: Int, _ headers: [String: String], _ count: Int) -> [UInt8] {
        var text = "HTTP/1.1 \(status) Fake\r\nContent-Length: \(count)\r\nConnection: close\r\n"
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { text += "\(name): \(value)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// Head and body of one request.
    private static func receive(_ connection: Int32) -> (String, [UInt8])? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while bytes.count < 1 << 20 {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes += buffer.prefix(count)
            let end = Array("\r\n\r\n".utf8)
            guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: end) }) else { continue }
            let head = String(decoding: bytes[..<start], as: UTF8.self)
            var length = 0
            for line in head.split(whereSeparator: \.isNewline) where line.lowercased().hasPrefix("content-length:") {
                length = Int(line.dropFirst(15).trimmingCharacters(in: .whitespaces)) ?? 0
            }
            if bytes.count >= start + 4 + length { return (head, Array(bytes[(start + 4)...])) }
        }
        return nil
    }

    @discardableResult
    private static func deliver(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
