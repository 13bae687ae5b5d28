// BLAKE3 (the BLAKE3 specification, §2 and §5.1): hash, keyed hash and key derivation, with output of any length.
internal import CHashKernels

/// A BLAKE3 computation.
///
/// It holds at most one chunk of 1 KiB and one chaining value for each level of the tree.
public struct BLAKE3: Sendable {
    /// The bytes of a chunk, the leaf of the tree.
    static let chunkBytes = 1024

    private let mode: Mode
    private var stack: [Digest] = []
    private var chunks: UInt64 = 0
    private var pending: [UInt8] = []

    /// The key words and flags that every compression of one computation shares.
    struct Mode: Sendable {
        var key: Words8
        var flags: UInt8

        static let hash = Mode(
            key: (
                0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19
            ),
            flags: 0
        )

        init(key: Words8, flags: UInt8) {
            self.key = key
            self.flags = flags
        }

        init(key: Digest, flags: UInt8) {
            self.init(key: key.littleEndianWords, flags: flags)
        }
    }

    typealias Words8 = (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32)

    /// Starts a plain hash.
    public init() {
        mode = .hash
    }

    /// Starts a keyed hash.
    public init(key: Digest) {
        mode = Mode(key: key, flags: UInt8(ASSAY_BLAKE3_KEYED_HASH))
    }

    /// Starts the derivation of a key from key material, which is the message; `context` is a constant of the application.
    public init(derivingKeyIn context: String) {
        var outer = BLAKE3(mode: Mode(key: Mode.hash.key, flags: UInt8(ASSAY_BLAKE3_DERIVE_KEY_CONTEXT)))
        outer.update(Array(context.utf8))
        mode = Mode(key: outer.finalized(), flags: UInt8(ASSAY_BLAKE3_DERIVE_KEY_MATERIAL))
    }

    init(mode: Mode) {
        self.mode = mode
    }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // A full chunk is closed only when more follows: the last chunk is hashed under other flags.
            if pending.count == Self.chunkBytes {
                pending.withUnsafeBytes { chunk in
                    push(Node.chunk(chunk, counter: chunks, mode: mode).chainingValue(), level: 0)
                }
                pending.removeAll(keepingCapacity: true)
            }
            if pending.isEmpty, rest.count > Self.chunkBytes {
                // The largest perfect subtree that stands aligned at this place and does not reach the end.
                let most = UInt64((rest.count - 1) / Self.chunkBytes)
                let aligned = chunks == 0 ? UInt64(1024) : chunks & (~chunks + 1)
                let level = UInt64.bitWidth - 1 - min(most, aligned, 1024).leadingZeroBitCount
                let count = Self.chunkBytes << level
                let input = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
                push(Self.subtree(input, chunks: 1 << level, counter: chunks, mode: mode), level: level)
                rest = rest.dropFirst(count)
            } else {
                let part = rest.prefix(Self.chunkBytes - pending.count)
                pending.append(contentsOf: part)
                rest = rest.dropFirst(part.count)
            }
        }
    }

    /// Appends the chaining value of a perfect subtree of 2^`level` chunks that is not the end of the message.
    /// - Precondition: the message so far is a multiple of the subtree's length.
    mutating func push(_ value: Digest, level: Int) {
        var node = value
        var rest = chunks >> UInt64(level)
        while rest & 1 == 1, let left = stack.popLast() {
            node = Node.parent(left, node, mode: mode).chainingValue()
            rest >>= 1
        }
        stack.append(node)
        chunks += 1 << UInt64(level)
    }

    private var root: Node {
        var node = pending.withUnsafeBytes { Node.chunk($0, counter: chunks, mode: mode) }
        for left in stack.reversed() { node = Node.parent(left, node.chainingValue(), mode: mode) }
        return node
    }

    /// The 32-byte digest of the message so far; the computation can go on.
    public func finalized() -> Digest {
        root.rootDigest()
    }

    /// `count` bytes of extended output, of which the digest is the beginning.
    public func output(count: Int) -> [UInt8] {
        root.output(count: count)
    }

    /// The digest of `bytes`.
    public static func hash(_ bytes: [UInt8]) -> Digest {
        var hash = BLAKE3()
        hash.update(bytes)
        return hash.finalized()
    }

    /// The chaining value of the perfect subtree over `chunks` whole chunks (a power of two up to 1024).
    static func subtree(_ input: UnsafeRawBufferPointer, chunks: Int, counter: UInt64, mode: Mode = .hash) -> Digest {
        precondition(input.count == chunks * chunkBytes && chunks <= 1024, "a subtree covers whole chunks")
        return Digest { output in
            withUnsafeBytes(of: mode.key) { key in
                assay_blake3_subtree(
                    input.bindMemory(to: UInt8.self).baseAddress,
                    chunks,
                    key.bindMemory(to: UInt32.self).baseAddress,
                    counter,
                    mode.flags,
                    output.bindMemory(to: UInt8.self).baseAddress
                )
            }
        }
    }
}

extension BLAKE3 {
    /// The last compression of a chunk or parent, kept open because the root is compressed under another flag.
    struct Node {
        private var chaining: Words8
        private var block: [UInt8]
        private var length: UInt8
        private var counter: UInt64
        private var flags: UInt8

        /// A chunk of at most 1024 bytes.
        static func chunk(_ bytes: UnsafeRawBufferPointer, counter: UInt64, mode: Mode) -> Node {
            var chaining = mode.key
            var offset = 0
            while bytes.count - offset > 64 {
                let flags = mode.flags | (offset == 0 ? UInt8(ASSAY_BLAKE3_CHUNK_START) : 0)
                let block = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + 64])
                chaining = compress(chaining, block, 64, counter, flags).low
                offset += 64
            }
            var block = [UInt8](repeating: 0, count: 64)
            block.replaceSubrange(0..<bytes.count - offset, with: bytes[offset...])
            return Node(
                chaining: chaining,
                block: block,
                length: UInt8(bytes.count - offset),
                counter: counter,
                flags: mode.flags | UInt8(ASSAY_BLAKE3_CHUNK_END) | (offset == 0 ? UInt8(ASSAY_BLAKE3_CHUNK_START) : 0)
            )
        }

        /// The parent of two subtrees.
        static func parent(_ left: Digest, _ right: Digest, mode: Mode) -> Node {
            Node(
                chaining: mode.key,
                block: left.bytes + right.bytes,
                length: 64,
                counter: 0,
                flags: mode.flags | UInt8(ASSAY_BLAKE3_PARENT)
            )
        }

        /// The value that goes into the parent.
        func chainingValue() -> Digest {
            block.withUnsafeBytes { Digest(littleEndianWords: Self.compress(chaining, $0, length, counter, flags).low) }
        }

        /// The digest, when this node is the root.
        func rootDigest() -> Digest {
            block.withUnsafeBytes {
                Digest(
                    littleEndianWords: Self.compress(chaining, $0, length, 0, flags | UInt8(ASSAY_BLAKE3_ROOT)).low
                )
            }
        }

        /// Extended output, when this node is the root: the counter counts output blocks.
        func output(count: Int) -> [UInt8] {
            var output: [UInt8] = []
            var counter: UInt64 = 0
            while output.count < count {
                let words = block.withUnsafeBytes {
                    Self.compress(chaining, $0, length, counter, flags | UInt8(ASSAY_BLAKE3_ROOT))
                }
                output += Digest(littleEndianWords: words.low).bytes + Digest(littleEndianWords: words.high).bytes
                counter += 1
            }
            return Array(output.prefix(count))
        }

        private static func compress(
            _ chaining: Words8,
            _ block: UnsafeRawBufferPointer,
            _ length: UInt8,
            _ counter: UInt64,
            _ flags: UInt8
        ) -> (low: Words8, high: Words8) {
            var output: (low: Words8, high: Words8) = ((0, 0, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 0))
            withUnsafeMutableBytes(of: &output) { output in
                withUnsafeBytes(of: chaining) { chaining in
                    assay_blake3_compress(
                        chaining.bindMemory(to: UInt32.self).baseAddress,
                        block.bindMemory(to: UInt8.self).baseAddress,
                        length,
                        counter,
                        flags,
                        output.bindMemory(to: UInt32.self).baseAddress
                    )
                }
            }
            return output
        }
    }
}

extension Digest {
    /// The bytes as eight little-endian words.
    fileprivate var littleEndianWords: BLAKE3.Words8 {
        withUnsafeBytes { bytes in
            func word(_ index: Int) -> UInt32 {
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
            }
            return (word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7))
        }
    }

    fileprivate init(littleEndianWords w: BLAKE3.Words8) {
        self.init { output in
            for (index, word) in [w.0, w.1, w.2, w.3, w.4, w.5, w.6, w.7].enumerated() {
                output.storeBytes(of: word.littleEndian, toByteOffset: 4 * index, as: UInt32.self)
            }
        }
    }
}
