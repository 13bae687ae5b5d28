// The threads behind ArtefactScan. A file is cut into segments of four chunks; whoever is free reads and hashes the next one,
// and the sequential hashes are taken forward by whoever finds their next segment ready.
import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One scan. All state behind `monitor` is touched only while it is held.
final class ScanEngine: @unchecked Sendable {
    enum Source {
        case file(OpenFile)
        case memory(UnsafeRawBufferPointer)
    }

    private static let chunkBytes = Int(ArtefactTree.chunkSize)
    private static let segmentBytes = 4 * chunkBytes

    private struct Segment {
        var bytes: UnsafeRawBufferPointer
        var slot: Int?
        /// How many hashes have not seen it yet: its own chunks and each sequential one.
        var users: Int
    }

    private enum Chain: CaseIterable {
        case flat, piece
    }

    private let source: Source
    private let length: UInt64
    private let segmentCount: Int
    private let chunkCount: Int
    private let wants: ScanOptions
    private let outboard: OpenFile?
    private let progress: (@Sendable (UInt64, UInt64) -> Void)?
    private let threads: Int

    private let monitor = Monitor()
    private var slots: [UnsafeMutableRawBufferPointer] = []
    private var freeSlots: [Int] = []
    private var loaded: [Int: Segment] = [:]
    private var nextSegment = 0
    private var hashedBytes: UInt64 = 0
    private var failure: FileError?
    private var next: [Chain: Int] = [:]
    private var busy: Set<Chain> = []
    private var flat = SHA256()
    private var piece = PieceHasher()
    private var digests: [Digest]
    private var chunkNodes: [Digest]
    private var lastChunk = BLAKE3.Node.chunk(UnsafeRawBufferPointer(start: nil, count: 0), counter: 0, mode: .hash)

    init(
        source: Source,
        length: UInt64,
        options: ScanOptions,
        progress: (@Sendable (UInt64, UInt64) -> Void)?
    ) throws(FileError) {
        self.source = source
        self.length = length
        self.progress = progress
        wants = options
        guard length <= 1 << 50 else {
            throw FileError(operation: "commit to", path: "", reason: "more than 2^50 bytes")
        }
        segmentCount = Int((length + UInt64(Self.segmentBytes) - 1) / UInt64(Self.segmentBytes))
        chunkCount = Int((length + UInt64(Self.chunkBytes) - 1) / UInt64(Self.chunkBytes))
        let processors = Int(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        threads = min(max(1, options.threads ?? processors), 10, max(1, segmentCount))
        digests = [Digest](repeating: .zero, count: chunkCount)
        chunkNodes = options.blake3 ? digests : []
        outboard = try options.outboardPath.map { path throws(FileError) in try OpenFile.writing(path) }
        if options.flatSHA256 { next[.flat] = 0 }
        if options.piece { next[.piece] = 0 }
    }

    deinit {
        for slot in slots { slot.deallocate() }
    }

    func run() throws(FileError) -> ArtefactNames {
        if case .file = source {
            for index in 0..<min(threads + 2, segmentCount) {
                slots.append(.allocate(byteCount: Int(min(UInt64(Self.segmentBytes), length)), alignment: 4096))
                freeSlots.append(index)
            }
        }
        if threads == 1 {
            work()
        } else {
            DispatchQueue.concurrentPerform(iterations: threads) { _ in self.work() }
        }
        if let failure { throw failure }
        let commitment = ArtefactCommitment(
            trusted: digests,
            length: length,
            chunkSize: ArtefactTree.chunkSize
        )
        return ArtefactNames(
            commitment: commitment,
            cid: UnixFS.fileCID(chunkDigests: digests, length: length),
            sha256: wants.flatSHA256 ? flat.finalized() : nil,
            blake3: wants.blake3 ? try finishTree() : nil,
            piece: wants.piece ? piece.finalized() : nil
        )
    }

    // MARK: Scheduling

    private func work() {
        monitor.lock()
        defer { monitor.unlock() }
        while failure == nil {
            if let chain = Chain.allCases.first(where: { !busy.contains($0) && loaded[next[$0] ?? -1] != nil }),
                let index = next[chain], let segment = loaded[index]
            {
                busy.insert(chain)
                monitor.unlock()
                switch chain {
                case .flat: flat.update(segment.bytes)
                case .piece: piece.update(segment.bytes)
                }
                monitor.lock()
                busy.remove(chain)
                next[chain] = index + 1
                release(index)
            } else if nextSegment < segmentCount, !needsSlots || !freeSlots.isEmpty {
                let index = nextSegment
                nextSegment += 1
                let slot = needsSlots ? freeSlots.popLast() : nil
                monitor.unlock()
                let result = Result { () throws(FileError) in try load(index, slot: slot) }
                monitor.lock()
                switch result {
                case .failure(let error):
                    fail(error)
                case .success(let bytes):
                    loaded[index] = Segment(bytes: bytes, slot: slot, users: 1 + next.count)
                    monitor.wakeAll()
                    monitor.unlock()
                    let hashed = Result { () throws(FileError) in try hash(bytes, segment: index) }
                    monitor.lock()
                    switch hashed {
                    case .failure(let error): fail(error)
                    case .success(let results): store(results, segment: index)
                    }
                    hashedBytes += UInt64(bytes.count)
                    progress?(hashedBytes, length)
                    release(index)
                }
            } else if nextSegment == segmentCount, loaded.isEmpty {
                break
            } else {
                monitor.wait()
            }
        }
        monitor.wakeAll()
    }

    private var needsSlots: Bool {
        if case .file = source { return true }
        return false
    }

    private func fail(_ error: FileError) {
        if failure == nil { failure = error }
        monitor.wakeAll()
    }

    private func release(_ index: Int) {
        guard var segment = loaded[index] else { return }
        segment.users -= 1
        loaded[index] = segment
        if segment.users == 0 {
            loaded[index] = nil
            if let slot = segment.slot { freeSlots.append(slot) }
        }
        monitor.wakeAll()
    }

    // MARK: Work without the lock

    private func load(_ index: Int, slot: Int?) throws(FileError) -> UnsafeRawBufferPointer {
        let start = UInt64(index) * UInt64(Self.segmentBytes)
        let count = Int(min(UInt64(Self.segmentBytes), length - start))
        switch source {
        case .memory(let buffer):
            return UnsafeRawBufferPointer(rebasing: buffer[Int(start)..<Int(start) + count])
        case .file(let file):
            guard let slot else { return UnsafeRawBufferPointer(start: nil, count: 0) }
            let buffer = UnsafeMutableRawBufferPointer(rebasing: slots[slot][..<count])
            try file.read(into: buffer, at: start)
            return UnsafeRawBufferPointer(buffer)
        }
    }

    private struct SegmentResults {
        var digests: [Digest]
        var nodes: [Digest]
        var last: BLAKE3.Node?
    }

    private func hash(_ bytes: UnsafeRawBufferPointer, segment: Int) throws(FileError) -> SegmentResults {
        let whole = bytes.count / Self.chunkBytes
        var results = SegmentResults(
            digests: SHA256.hashMany(bytes, stride: Self.chunkBytes, length: Self.chunkBytes, count: whole),
            nodes: [],
            last: nil
        )
        let tail = UnsafeRawBufferPointer(rebasing: bytes[(whole * Self.chunkBytes)...])
        if !tail.isEmpty {
            var hash = SHA256()
            hash.update(tail)
            results.digests.append(hash.finalized())
        }
        guard wants.blake3 else { return results }
        for offset in stride(from: 0, to: bytes.count, by: Self.chunkBytes) {
            let end = min(offset + Self.chunkBytes, bytes.count)
            let piece = UnsafeRawBufferPointer(rebasing: bytes[offset..<end])
            let index = segment * 4 + offset / Self.chunkBytes
            let node = try tree(piece, chunk: index)
            results.nodes.append(node.chainingValue())
            if index == chunkCount - 1 { results.last = node }
        }
        return results
    }

    private func store(_ results: SegmentResults, segment: Int) {
        for (offset, digest) in results.digests.enumerated() { digests[4 * segment + offset] = digest }
        for (offset, node) in results.nodes.enumerated() { chunkNodes[4 * segment + offset] = node }
        if let last = results.last { lastChunk = last }
    }

    // MARK: BLAKE3 and its outboard

    /// The BLAKE3 subtree over chunk `index` of 1 MiB; its nodes above the 16 KiB groups go to the outboard.
    private func tree(_ bytes: UnsafeRawBufferPointer, chunk index: Int) throws(FileError) -> BLAKE3.Node {
        let counter = UInt64(index) << 10
        guard let outboard else { return .tree(bytes, counter: counter) }
        var nodes: [UInt8] = []
        let root = groupTree(bytes, counter: counter, to: &nodes)
        let place = 8 + 64 * nodesBefore(chunk: index)
        let result = nodes.withUnsafeBytes { nodes in
            Result { () throws(FileError) in try outboard.write(nodes, at: place) }
        }
        try result.get()
        return root
    }

    private func groupTree(_ bytes: UnsafeRawBufferPointer, counter: UInt64, to nodes: inout [UInt8]) -> BLAKE3.Node {
        guard UInt64(bytes.count) > Bao.groups.groupBytes else { return .tree(bytes, counter: counter) }
        let place = nodes.count
        nodes += [UInt8](repeating: 0, count: 64)
        let middle = Int(Bao.groups.leftBytes(UInt64(bytes.count)))
        let left = UnsafeRawBufferPointer(rebasing: bytes[..<middle])
        let right = UnsafeRawBufferPointer(rebasing: bytes[middle...])
        let leftValue = groupTree(left, counter: counter, to: &nodes).chainingValue()
        let rightValue = groupTree(right, counter: counter + UInt64(middle) >> 10, to: &nodes).chainingValue()
        nodes.replaceSubrange(place..<place + 64, with: leftValue.bytes + rightValue.bytes)
        return .parent(leftValue, rightValue)
    }

    /// The groups below `chunks` chunks from the start, up to the end of the file.
    private func groups(_ chunks: Int) -> UInt64 {
        let bytes = min(length, UInt64(chunks) * UInt64(Self.chunkBytes))
        return (bytes + Bao.groups.groupBytes - 1) / Bao.groups.groupBytes
    }

    /// How many parents stand before those of a chunk: all of the subtrees to its left, and its ancestors.
    private func nodesBefore(chunk index: Int) -> UInt64 {
        var (from, to) = (0, chunkCount)
        var count: UInt64 = 0
        while to - from > 1 {
            let middle = from + Int(MerkleTree.splitPoint(UInt64(to - from)))
            count += 1
            if index < middle {
                to = middle
            } else {
                count += groups(middle) - groups(from) - 1
                from = middle
            }
        }
        return count
    }

    private func finishTree() throws(FileError) -> Digest {
        if let outboard {
            let result = withUnsafeBytes(of: length.littleEndian) { header in
                Result { () throws(FileError) in try outboard.write(header, at: 0) }
            }
            try result.get()
        }
        guard chunkCount > 1 else { return lastChunk.rootDigest() }
        return try upper(0, chunkCount, at: 0).rootDigest()
    }

    /// The node over chunks `from` to `to`, more than one, whose parent is parent number `place` of the outboard.
    private func upper(_ from: Int, _ to: Int, at place: UInt64) throws(FileError) -> BLAKE3.Node {
        let middle = from + Int(MerkleTree.splitPoint(UInt64(to - from)))
        let left = middle - from == 1 ? chunkNodes[from] : try upper(from, middle, at: place + 1).chainingValue()
        let rightPlace = place + groups(middle) - groups(from)
        let right = to - middle == 1 ? chunkNodes[middle] : try upper(middle, to, at: rightPlace).chainingValue()
        if let outboard {
            let pair = left.bytes + right.bytes
            let result = pair.withUnsafeBytes { pair in
                Result { () throws(FileError) in try outboard.write(pair, at: 8 + 64 * place) }
            }
            try result.get()
        }
        return .parent(left, right)
    }
}

/// A mutex with one condition.
private final class Monitor: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func lock() { pthread_mutex_lock(mutex) }
    func unlock() { pthread_mutex_unlock(mutex) }
    func wait() { pthread_cond_wait(condition, mutex) }
    func wakeAll() { pthread_cond_broadcast(condition) }
}
