// A server on a free loopback port for the time of one test, and raw sockets to it.
import EngineAPI
import EngineClient
import Foundation
import Glibc
import HTTPAPI

/// Runs a server for `api` while `body` runs.
func withServer<Value: Sendable>(
    _ api: any EngineAPI,
    configure: (inout EngineServer.Configuration) -> Void = { _ in },
    _ body: @Sendable (Int) async throws -> Value
) async throws -> Value {
    var configuration = EngineServer.Configuration(port: 0, version: "9.9.9")
    configuration.eventIntervalMilliseconds = 10
    configure(&configuration)
    let server = EngineServer(api: api, configuration: configuration)
    let (ports, announce) = AsyncStream.makeStream(of: Int.self)
    let running = Task {
        defer { announce.finish() }
        try await server.run { port in
            announce.yield(port)
        }
    }
    var port: Int?
    for await announced in ports {
        port = announced
        break
    }
    guard let port else {
        try await running.value
        throw EngineError(.unavailable, "test.server", "the server ended before it listened")
    }
    do {
        let value = try await body(port)
        running.cancel()
        try await running.value
        return value
    } catch {
        running.cancel()
        _ = try? await running.value
        throw error
    }
}

/// One TCP connection of blocking calls, for requests that no HTTP library would send.
struct RawConnection {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw EngineError(.unavailable, "test.connect", "no connection") }
    }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// What arrives until `enough` says so, or the other side closes, or ten seconds pass.
    ///
    /// Waits on a thread of its own: on a cooperative one it would take the server's place.
    func receive(until enough: @escaping @Sendable (String) -> Bool) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: read(until: enough)) }
        }
    }

    private func read(until enough: (String) -> Bool) -> String {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            all += buffer.prefix(count)
            if enough(String(decoding: all, as: UTF8.self)) { break }
        }
        return String(decoding: all, as: UTF8.self)
    }

    func close() {
        Glibc.close(descriptor)
    }
}
