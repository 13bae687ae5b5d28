// How long the disk says that a flush takes. A disk that answers at once may not have flushed anything.
internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Times of real disk flushes in one folder.
public struct FlushMeasurement: Sendable, Equatable {
    /// The median of one 4 KiB write and its `fsync`, in microseconds.
    public let medianMicroseconds: Int
    /// The fastest, in microseconds.
    public let minimumMicroseconds: Int
    /// The slowest, in microseconds.
    public let maximumMicroseconds: Int
    /// How many were timed.
    public let rounds: Int

    /// Below this median a flush is doubtful: faster than storage that survives a power cut usually is.
    public static let doubtfulMicroseconds = 100

    /// Whether the disk probably acknowledges before the bytes are durable.
    public var isDoubtful: Bool { medianMicroseconds < Self.doubtfulMicroseconds }

    /// One line for a log.
    public var summary: String {
        let range = "\(minimumMicroseconds)–\(maximumMicroseconds) µs over \(rounds) rounds"
        let warning = isDoubtful ? "; this disk may acknowledge a flush before it is durable" : ""
        return "disk flush: median \(medianMicroseconds) µs (\(range))\(warning)"
    }

    /// Times flushes of a temporary file in `directory`.
    /// - Parameter rounds: how many, 1 to 1,000.
    /// - Throws: `LedgerError.storage` when the folder takes no file or a flush fails.
    public static func measure(directory: String, rounds: Int = 20) throws(LedgerError) -> FlushMeasurement {
        let rounds = min(max(rounds, 1), 1000)
        var path = Array((directory + "/.flush-XXXXXX").utf8CString)
        let descriptor = mkstemp(&path)
        guard descriptor >= 0 else {
            throw .storage(detail: "\(directory): takes no file: \(String(cString: strerror(errno)))")
        }
        defer {
            _ = unlink(path)
            _ = close(descriptor)
        }
        let block = [UInt8](repeating: 0xA5, count: 4096)
        var times: [Int] = []
        for round in 0..<rounds {
            let start = ContinuousClock.now
            guard pwrite(descriptor, block, block.count, off_t(round * block.count)) == block.count,
                fsync(descriptor) == 0
            else { throw .storage(detail: "\(directory): flush failed: \(String(cString: strerror(errno)))") }
            let spent = (ContinuousClock.now - start).components
            times.append(Int(spent.seconds) * 1_000_000 + Int(spent.attoseconds / 1_000_000_000_000))
        }
        times.sort()
        return FlushMeasurement(
            medianMicroseconds: times[times.count / 2],
            minimumMicroseconds: times[0],
            maximumMicroseconds: times[times.count - 1],
            rounds: rounds
        )
    }
}
