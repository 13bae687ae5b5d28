// Seeds on which the simulation failed: the known ones stand here, new ones are written beside the build and run first the
// next time.
import Foundation
import Synchronization

enum FailedSeeds {
    /// Seeds that found a mistake once.
    private static let known: [UInt64] = [88, 208, 9140]

    /// One seed a line; survives until the build folder goes.
    private static let file = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: ".build/failed-market-seeds")
    private static let lock = Mutex(())

    static var all: [UInt64] {
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return known + text.split(separator: "\n").compactMap { UInt64($0) }
    }

    static func remember(_ seed: UInt64) {
        lock.withLock { _ in
            guard !all.contains(seed) else { return }
            let text = ((try? String(contentsOf: file, encoding: .utf8)) ?? "") + "\(seed)\n"
            try? text.write(to: file, atomically: true, encoding: .utf8)
        }
    }
}
