// Two processes that start on one folder must end up with one key.
import Foundation
import Signatures
import Testing

@Suite struct KeyFileRaceTests {
    @Test func whoeverMakesTheKeyEverybodyHasIt() async throws {
        for _ in 0..<50 {
            let path = NSTemporaryDirectory() + "key-" + UUID().uuidString
            defer { try? FileManager.default.removeItem(atPath: path) }
            let keys = try await withThrowingTaskGroup(of: VerifyingKey.self) { group in
                for _ in 0..<8 { group.addTask { try KeyFile.readOrCreate(path).verifyingKey } }
                return try await group.reduce(into: Set<VerifyingKey>()) { $0.insert($1) }
            }
            #expect(keys.count == 1)
            #expect(try KeyFile.read(path).verifyingKey == keys.first)
        }
    }
}
