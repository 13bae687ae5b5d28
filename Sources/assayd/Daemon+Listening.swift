// A server as one of the daemon's tasks: its address is known before anything else goes on.

extension Daemon {
    /// Runs a server in the group and waits until it accepts connections.
    /// - Parameter run: runs the server until the task is cancelled, and tells its port once it listens.
    /// - Returns: the URL at which it is reached.
    /// - Throws: `DaemonError` when the address cannot be bound.
    func listen(
        _ host: String,
        _ port: Int,
        in group: inout ThrowingTaskGroup<Void, any Error>,
        _ run: @escaping @Sendable (_ onListening: @escaping @Sendable (Int) async -> Void) async throws -> Void
    ) async throws -> String {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        group.addTask {
            defer { continuation.finish() }
            do {
                try await run { port in continuation.yield(port) }
            } catch  where !Task.isCancelled {
                throw DaemonError.unavailable("cannot listen on \(host):\(port): \(error)")
            }
        }
        for await bound in ports { return "http://\(host.contains(":") ? "[\(host)]" : host):\(bound)" }
        throw DaemonError.unavailable("cannot listen on \(host):\(port); is another daemon using the address?")
    }
}
