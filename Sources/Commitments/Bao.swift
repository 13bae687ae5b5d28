// Bao: verified streaming and range reads under a BLAKE3 root (github.com/oconnor663/bao, docs/spec.md). With groups of 16
// chunks (16 KiB) the tree is the one of bao-tree; with groups of one chunk it is the original format.

/// Why bytes do not belong to a BLAKE3 root.
public enum BaoError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The input ends where a node or data should stand.
    case truncated(offset: UInt64)
    /// The node or group for the data from `offset` on does not hash to what its parent says.
    case mismatch(offset: UInt64)
    /// More bytes follow the last one that was asked for.
    case trailingBytes
    /// The encoding states another length than the caller allows.
    case length(UInt64)

    public var description: String {
        switch self {
        case .truncated(let offset): "the encoding ends before the data at byte \(offset)"
        case .mismatch(let offset): "the data at byte \(offset) does not hash to the root"
        case .trailingBytes: "bytes follow the encoding"
        case .length(let length): "the encoding states a length of \(length) bytes"
        }
    }
}

/// Bao encodings of data in memory.
///
/// An encoding is the length as eight little-endian bytes and then the tree before its data: a parent is its two children's
/// chaining values. An outboard encoding leaves the data out, a slice leaves out what a range does not need.
public struct Bao: Sendable {
    /// The original format: every chunk of 1 KiB is a leaf.
    public static let chunks = Bao(groupLevel: 0)
    /// Leaves of 16 KiB: a sixteenth of the outboard size, 0.4 % of the data. Assay writes this form.
    public static let groups = Bao(groupLevel: 4)

    /// Leaves hold 2^`groupLevel` chunks.
    let groupLevel: Int

    var groupBytes: UInt64 { UInt64(BLAKE3.chunkBytes) << UInt64(groupLevel) }

    /// The data's tree with the data in it.
    public func encode(_ data: [UInt8]) -> (root: Digest, encoding: [UInt8]) {
        write(data, range: nil, includesData: true)
    }

    /// The data's tree without the data.
    public func outboard(_ data: [UInt8]) -> (root: Digest, encoding: [UInt8]) {
        write(data, range: nil, includesData: false)
    }

    /// What shows bytes `start` to `start + count` to somebody who knows the root.
    ///
    /// An empty range stands for its first byte, a range behind the end for the last leaf, whose place proves the length.
    public func slice(_ data: [UInt8], start: UInt64, count: UInt64) -> [UInt8] {
        write(data, range: Self.span(start, count, UInt64(data.count)), includesData: true).encoding
    }

    /// The data of an encoding.
    /// - Parameter maxBytes: the longest data to accept.
    public func decode(_ encoding: [UInt8], root: Digest, maxBytes: Int) throws(BaoError) -> [UInt8] {
        try read(encoding, data: nil, root: root, start: 0, count: .max, maxBytes: UInt64(maxBytes))
    }

    /// Checks `data` against an outboard encoding.
    public func verify(_ data: [UInt8], outboard: [UInt8], root: Digest) throws(BaoError) {
        _ = try read(outboard, data: data, root: root, start: 0, count: .max, maxBytes: UInt64(data.count))
    }

    /// The bytes `start` to `start + count` (as far as the data reaches) out of a slice made for the same range.
    public func decodeSlice(
        _ slice: [UInt8],
        root: Digest,
        start: UInt64,
        count: UInt64,
        maxBytes: Int
    ) throws(BaoError) -> [UInt8] {
        try read(slice, data: nil, root: root, start: start, count: count, maxBytes: UInt64(maxBytes))
    }

    /// The bytes that a range stands for: never empty unless the data is.
    private static func span(_ start: UInt64, _ count: UInt64, _ length: UInt64) -> Range<UInt64> {
        guard length > 0 else { return 0..<0 }
        if start >= length { return length - 1..<length }
        let (end, overflow) = start.addingReportingOverflow(max(count, 1))
        return start..<(overflow ? length : min(end, length))
    }

    /// The bytes of the left child of a subtree of `length` bytes: the largest power of two of groups that leaves something.
    func leftBytes(_ length: UInt64) -> UInt64 {
        let groups = (length - 1) / groupBytes
        return groupBytes << UInt64(UInt64.bitWidth - 1 - groups.leadingZeroBitCount)
    }

    // MARK: Writing

    private func write(
        _ data: [UInt8],
        range: Range<UInt64>?,
        includesData: Bool
    ) -> (root: Digest, encoding: [UInt8]) {
        var output: [UInt8] = []
        withUnsafeBytes(of: UInt64(data.count).littleEndian) { output += $0 }
        let root = data.withUnsafeBytes { bytes in
            write(bytes, offset: 0, range: range, includesData: includesData, to: &output)
        }
        return (root.rootDigest(), output)
    }

    private func write(
        _ bytes: UnsafeRawBufferPointer,
        offset: UInt64,
        range: Range<UInt64>?,
        includesData: Bool,
        to output: inout [UInt8]
    ) -> BLAKE3.Node {
        let length = UInt64(bytes.count)
        let isWanted = range?.overlaps(offset..<offset + length) ?? true
        guard length > groupBytes else {
            if isWanted && includesData { output += bytes }
            return BLAKE3.Node.tree(bytes, counter: offset / UInt64(BLAKE3.chunkBytes))
        }
        // The parent stands before its children, so its place is held open until they are known.
        let place = output.count
        if isWanted { output += [UInt8](repeating: 0, count: 64) }
        let middle = Int(leftBytes(length))
        let left = UnsafeRawBufferPointer(rebasing: bytes[..<middle])
        let right = UnsafeRawBufferPointer(rebasing: bytes[middle...])
        let children = [
            write(left, offset: offset, range: range, includesData: includesData, to: &output).chainingValue(),
            write(right, offset: offset + UInt64(middle), range: range, includesData: includesData, to: &output)
                .chainingValue(),
        ]
        if isWanted { output.replaceSubrange(place..<place + 64, with: children[0].bytes + children[1].bytes) }
        return BLAKE3.Node.parent(children[0], children[1])
    }

    // MARK: Reading

    /// One walk for all three forms: the tree from `encoding`, the data from `data` or else from between the nodes.
    private func read(
        _ encoding: [UInt8],
        data: [UInt8]?,
        root: Digest,
        start: UInt64,
        count: UInt64,
        maxBytes: UInt64
    ) throws(BaoError) -> [UInt8] {
        guard encoding.count >= 8 else { throw .truncated(offset: 0) }
        let length = encoding[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= maxBytes || (data == nil && count != .max) else { throw .length(length) }
        if let data, UInt64(data.count) != length { throw .length(length) }
        // A length above 2^63 has no tree that 64 levels could hold.
        guard length <= UInt64(Int64.max) else { throw .length(length) }
        let span = Self.span(start, count, length)
        guard UInt64(span.count) <= maxBytes else { throw .length(length) }
        var walk = Walk(
            format: self,
            encoding: encoding,
            data: data,
            span: span,
            // An empty or passed range proves the place of its leaf and gives no bytes.
            wanted: start >= length ? 0..<0 : start..<(start + min(count, length - start)),
            position: 8
        )
        try walk.visit(offset: 0, length: length, expected: root, isRoot: true)
        guard walk.position == encoding.count else { throw .trailingBytes }
        return walk.output
    }

    private struct Walk {
        let format: Bao
        let encoding: [UInt8]
        let data: [UInt8]?
        let span: Range<UInt64>
        let wanted: Range<UInt64>
        var position: Int
        var output: [UInt8] = []

        mutating func take(_ count: Int, _ offset: UInt64) throws(BaoError) -> ArraySlice<UInt8> {
            guard count <= encoding.count - position else { throw .truncated(offset: offset) }
            defer { position += count }
            return encoding[position..<position + count]
        }

        mutating func visit(offset: UInt64, length: UInt64, expected: Digest, isRoot: Bool) throws(BaoError) {
            guard length > 0 ? span.overlaps(offset..<offset + length) : true else { return }
            if length <= format.groupBytes {
                let bytes: ArraySlice<UInt8>
                if let data {
                    bytes = data[Int(offset)..<Int(offset + length)]
                } else {
                    bytes = try take(Int(length), offset)
                }
                let node = bytes.withUnsafeBytes { BLAKE3.Node.tree($0, counter: offset / UInt64(BLAKE3.chunkBytes)) }
                guard (isRoot ? node.rootDigest() : node.chainingValue()) == expected else {
                    throw .mismatch(offset: offset)
                }
                let part = wanted.clamped(to: offset..<offset + length)
                if !part.isEmpty {
                    output += bytes.dropFirst(Int(part.lowerBound - offset)).prefix(part.count)
                }
                return
            }
            let pair = try take(64, offset)
            let left = Digest { $0.copyBytes(from: pair.prefix(32)) }
            let right = Digest { $0.copyBytes(from: pair.suffix(32)) }
            let node = BLAKE3.Node.parent(left, right)
            guard (isRoot ? node.rootDigest() : node.chainingValue()) == expected else {
                throw .mismatch(offset: offset)
            }
            let middle = format.leftBytes(length)
            try visit(offset: offset, length: middle, expected: left, isRoot: false)
            try visit(offset: offset + middle, length: length - middle, expected: right, isRoot: false)
        }
    }
}

extension BLAKE3.Node {
    /// The open top node of the tree over `bytes`, which start at chunk `counter` of the data.
    static func tree(_ bytes: UnsafeRawBufferPointer, counter: UInt64) -> BLAKE3.Node {
        guard bytes.count > BLAKE3.chunkBytes else { return chunk(bytes, counter: counter, mode: .hash) }
        let chunks = (bytes.count - 1) / BLAKE3.chunkBytes
        let left = 1 << (Int.bitWidth - 1 - chunks.leadingZeroBitCount)
        let head = UnsafeRawBufferPointer(rebasing: bytes[..<(left * BLAKE3.chunkBytes)])
        let tail = UnsafeRawBufferPointer(rebasing: bytes[(left * BLAKE3.chunkBytes)...])
        let leftValue =
            left <= 1024
            ? BLAKE3.subtree(head, chunks: left, counter: counter) : tree(head, counter: counter).chainingValue()
        return parent(leftValue, tree(tail, counter: counter + UInt64(left)).chainingValue())
    }

    static func parent(_ left: Digest, _ right: Digest) -> BLAKE3.Node {
        parent(left, right, mode: .hash)
    }
}
