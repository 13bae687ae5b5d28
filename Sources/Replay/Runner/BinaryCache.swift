// Compiled programs in this process's own memory, where no job can write.
internal import Commitments
internal import Synchronization

/// Compiled programs in the order of `ProgramUnit.needed`, for one device.
struct CompiledPrograms: Sendable {
    let binaries: [[UInt8]]
    let device: DeviceDescription

    var byteCount: Int { binaries.reduce(0) { $0 + $1.count } }
}

/// Compiled programs by content, in memory.
final class BinaryCache: Sendable {
    private struct State {
        var entries: [Digest: (programs: CompiledPrograms, lastUse: UInt64)] = [:]
        var byteCount = 0
        var clock: UInt64 = 0
    }

    private let state = Mutex(State())
    private let limitBytes: Int

    init(limitBytes: Int) {
        self.limitBytes = limitBytes
    }

    func entry(for key: Digest) -> CompiledPrograms? {
        state.withLock { state in
            guard let entry = state.entries[key] else { return nil }
            state.clock += 1
            state.entries[key]?.lastUse = state.clock
            return entry.programs
        }
    }

    func insert(_ programs: CompiledPrograms, for key: Digest) {
        state.withLock { state in
            Self.remove(key, &state)
            guard programs.byteCount <= limitBytes else { return }
            while state.byteCount + programs.byteCount > limitBytes {
                guard let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else { break }
                Self.remove(oldest.key, &state)
            }
            state.clock += 1
            state.entries[key] = (programs, state.clock)
            state.byteCount += programs.byteCount
        }
    }

    func remove(_ key: Digest) {
        state.withLock { Self.remove(key, &$0) }
    }

    private static func remove(_ key: Digest, _ state: inout State) {
        if let old = state.entries.removeValue(forKey: key) { state.byteCount -= old.programs.byteCount }
    }
}
