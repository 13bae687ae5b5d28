// For how long a writer waits for a server that has gone away.
internal import PostgreSQL

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// How long work that cannot be put off is tried again while no connection lasts.
struct PostgresPatience: Sendable {
    /// From the first attempt on.
    let seconds: Int

    /// Does `body` until it does not lose its connection.
    /// - Parameter body: is told whether it was tried before, which may have had its effect.
    func wait<Value>(for pool: PostgresPool, _ body: (_ isAgain: Bool) throws -> Value) throws -> Value {
        let start = ContinuousClock.now
        var isAgain = false
        var pause: UInt32 = 0
        while true {
            do {
                return try body(isAgain)
            } catch let error as PostgresError
                where error.isConnectionLoss && ContinuousClock.now - start < .seconds(seconds)
            {
                isAgain = true
                pool.dropIdle()
                usleep(pause)
                pause = min(pause + 10_000, 100_000)
            }
        }
    }
}
