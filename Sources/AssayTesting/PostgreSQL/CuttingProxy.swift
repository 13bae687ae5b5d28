// A relay in front of a server's socket that cuts a connection at a chosen message of the protocol: what a lost network looks
// like to the client, before or after the server has acted (PostgreSQL manual, "Message Formats").
internal import Foundation
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Relays the private server's Unix socket.
public final class CuttingProxy: Sendable {
    /// When a message is lost.
    public enum Loss: Sendable, CaseIterable {
        /// The message does not reach the server.
        case request
        /// The server gets the message and acts on it; its answer is lost.
        case answer
    }

    private struct State {
        var messages = 0
        var cut: (at: Int, loss: Loss)?
        var cuts = 0
        var isOpen = true
    }

    /// The two sockets of one client, closed when both directions have ended.
    private final class Pair: Sendable {
        private let sockets: [Int32]
        private let users = Mutex(2)

        init(_ sockets: Int32...) { self.sockets = sockets }

        func leave() {
            for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
            let left = users.withLock { users in
                users -= 1
                return users
            }
            if left == 0 { for socket in sockets { close(socket) } }
        }
    }

    private let state = Mutex(State())
    private let listener: Int32
    private let folder: String
    private let target: String

    /// Listens in a folder of its own.
    /// - Parameter server: whom to relay to.
    public init(server: PrivatePostgres) throws {
        target = server.socketFolder + "/.s.PGSQL.5432"
        folder = "/tmp/assay-px-\(getpid())-" + String(UInt32.random(in: 0...UInt32.max), radix: 36)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        listener = Self.makeSocket()
        let bound = Self.withAddress(folder + "/.s.PGSQL.5432") { bind(listener, $0, $1) }
        guard bound == 0, listen(listener, 64) == 0 else {
            throw PrivatePostgresError(description: "cannot listen in \(folder): errno \(errno)")
        }
        Thread.detachNewThread { [self] in accept() }
    }

    /// The address of a database through the proxy.
    public func url(of serverURL: String, server: PrivatePostgres) -> String {
        serverURL.replacingOccurrences(of: server.socketFolder, with: folder)
    }

    /// How many messages that make the server act clients have sent since the last `cut(at:losing:)`: the start of a session,
    /// a query, the preparation or the execution of a statement.
    public var messages: Int { state.withLock { $0.messages } }
    /// How many connections were cut.
    public var cuts: Int { state.withLock { $0.cuts } }

    /// Cuts the connection that sends the `message`th of these messages from now on, counted from 0; `nil` cuts nothing. Of a
    /// pipeline the server has got what stands before the message.
    public func cut(at message: Int?, losing loss: Loss = .request) {
        state.withLock { state in
            state.messages = 0
            state.cut = message.map { ($0, loss) }
        }
    }

    /// Stops listening.
    public func stop() {
        state.withLock { $0.isOpen = false }
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func accept() {
        while state.withLock({ $0.isOpen }) {
            #if canImport(Glibc)
                let client = Glibc.accept(listener, nil, nil)
            #else
                let client = Musl.accept(listener, nil, nil)
            #endif
            guard client >= 0 else { return }
            let server = Self.makeSocket()
            guard Self.withAddress(target, { connect(server, $0, $1) }) == 0 else {
                close(client)
                close(server)
                continue
            }
            let pair = Pair(client, server)
            Thread.detachNewThread { [self] in relay(pair, from: client, to: server, counting: true) }
            Thread.detachNewThread { [self] in relay(pair, from: server, to: client, counting: false) }
        }
    }

    /// Copies until one side ends: from a client message by message, from the server as it comes.
    private func relay(_ pair: Pair, from source: Int32, to sink: Int32, counting: Bool) {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var messages = Messages()
        reading: while true {
            let count = read(source, &buffer, buffer.count)
            guard count > 0 else { break }
            guard counting else {
                guard Self.send(buffer[..<count], to: sink) else { break }
                continue
            }
            for message in messages.complete(with: buffer[..<count]) {
                let loss = message.acts ? next() : nil
                if loss == .request { break reading }
                if loss == .answer { shutdown(source, Int32(SHUT_WR)) }
                guard Self.send(message.bytes[...], to: sink) else { break reading }
                // The server gets time to act before it finds that nobody listens.
                if loss == .answer {
                    usleep(30_000)
                    break reading
                }
            }
        }
        pair.leave()
    }

    private static func send(_ bytes: ArraySlice<UInt8>, to sink: Int32) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                // A peer that has gone is an answer here, not a signal.
                #if canImport(Glibc)
                    let written = Glibc.send(
                        sink,
                        bytes.baseAddress?.advanced(by: sent),
                        bytes.count - sent,
                        Int32(MSG_NOSIGNAL)
                    )
                #else
                    let written = Musl.send(
                        sink,
                        bytes.baseAddress?.advanced(by: sent),
                        bytes.count - sent,
                        Int32(MSG_NOSIGNAL)
                    )
                #endif
                guard written > 0 else { return false }
                sent += written
            }
            return true
        }
    }

    /// A client's bytes cut into messages. The first has no type.
    private struct Messages {
        private var bytes: [UInt8] = []
        private var hasStarted = false

        mutating func complete(with more: ArraySlice<UInt8>) -> [(bytes: [UInt8], acts: Bool)] {
            bytes += more
            var found: [(bytes: [UInt8], acts: Bool)] = []
            var start = 0
            while true {
                let head = hasStarted ? 1 : 0
                guard bytes.count >= start + head + 4 else { break }
                let length = bytes[(start + head)..<(start + head + 4)].reduce(0) { $0 << 8 | Int($1) } + head
                guard length >= head + 4, bytes.count >= start + length else { break }
                let acts =
                    !hasStarted || [UInt8(ascii: "Q"), UInt8(ascii: "P"), UInt8(ascii: "E")].contains(bytes[start])
                found.append((Array(bytes[start..<(start + length)]), acts))
                hasStarted = true
                start += length
            }
            bytes.removeFirst(start)
            return found
        }
    }

    private func next() -> Loss? {
        state.withLock { state in
            defer { state.messages += 1 }
            guard let cut = state.cut, cut.at == state.messages else { return nil }
            state.cut = nil
            state.cuts += 1
            return cut.loss
        }
    }

    private static func makeSocket() -> Int32 {
        #if canImport(Glibc)
            return socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
            return socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
    }

    private static func withAddress<Value>(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
    ) -> Value {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { space in
            for (index, byte) in path.utf8.enumerated() where index < space.count - 1 { space[index] = byte }
        }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
