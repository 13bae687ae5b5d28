// A log keeper that appends and integrates until it is killed. It prints each checkpoint that it has published and each index
// range that it has promised, so that the test can hold it to them.
import Commitments
import Foundation
import LogKeeping
import Signatures
import TransparencyLog

@main
struct LogCrashProbe {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 2 else { exit(64) }
        let keeper = try LogKeeper(
            path: arguments[1] + "/log",
            queue: arguments[1] + "/queue.sqlite",
            origin: "log.example/crash",
            signingKey: SigningKey(seed: [UInt8](repeating: 7, count: 32))
        )
        FileHandle.standardOutput.write(Data("open\n".utf8))
        var round = 0
        while true {
            // Entries that name their own round differ from run to run, as real ones do.
            let entries = (0..<Int.random(in: 1...90)).map { Array("\(getpid()) \(round) \($0)".utf8) }
            let promised = try await keeper.append(entries)
            FileHandle.standardOutput.write(Data("append \(promised.lowerBound) \(promised.upperBound)\n".utf8))
            let signed = try await keeper.integrate(limit: Int.random(in: 1...200))
            let checkpoint = signed.checkpoint
            FileHandle.standardOutput.write(Data("checkpoint \(checkpoint.size) \(checkpoint.root.hex)\n".utf8))
            round += 1
        }
    }
}
