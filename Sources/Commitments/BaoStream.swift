// Bao without holding the data: what is read is verified group by group and handed on at once, so that memory is bounded by the
// height of the tree whatever the length.

/// Why a stream could not be verified to its end.
public enum BaoStreamError<Source: Error>: Error {
    /// The encoding does not belong to the root.
    case encoding(BaoError)
    /// Reading or writing failed.
    case source(Source)
}

extension BaoStreamError: Equatable where Source: Equatable {}

extension Bao {
    /// Verifies an encoding that arrives in pieces and hands on its data, never a byte before it is verified.
    ///
    /// What has been handed on before an error belongs to the root, and what would have followed is unknown.
    /// - Parameters:
    ///   - maxBytes: the longest data to accept.
    ///   - read: gives the next bytes of the encoding: as many as asked for, or fewer at its end.
    ///   - write: takes verified data in order, at most one group at a time.
    /// - Returns: the length of the data.
    @discardableResult
    public func decode<Failure: Error>(
        root: Digest,
        maxBytes: UInt64,
        read: (Int) throws(Failure) -> [UInt8],
        write: (ArraySlice<UInt8>) throws(Failure) -> Void
    ) throws(BaoStreamError<Failure>) -> UInt64 {
        let length = try walk(root: root, maxBytes: maxBytes, nodes: read, data: read, write: write)
        guard try Self.pull(1, read).isEmpty else { throw .encoding(.trailingBytes) }
        return length
    }

    /// Verifies data that arrives in pieces against an outboard that does so too.
    /// - Parameters:
    ///   - outboard: gives the next bytes of the outboard.
    ///   - data: gives the next bytes of the data.
    ///   - write: takes verified data in order.
    /// - Returns: the length of the data.
    @discardableResult
    public func verify<Failure: Error>(
        root: Digest,
        maxBytes: UInt64,
        outboard: (Int) throws(Failure) -> [UInt8],
        data: (Int) throws(Failure) -> [UInt8],
        write: (ArraySlice<UInt8>) throws(Failure) -> Void
    ) throws(BaoStreamError<Failure>) -> UInt64 {
        let length = try walk(root: root, maxBytes: maxBytes, nodes: outboard, data: data, write: write)
        guard try Self.pull(1, outboard).isEmpty, try Self.pull(1, data).isEmpty else {
            throw .encoding(.trailingBytes)
        }
        return length
    }

    private func walk<Failure: Error>(
        root: Digest,
        maxBytes: UInt64,
        nodes: (Int) throws(Failure) -> [UInt8],
        data: (Int) throws(Failure) -> [UInt8],
        write: (ArraySlice<UInt8>) throws(Failure) -> Void
    ) throws(BaoStreamError<Failure>) -> UInt64 {
        let header = try Self.take(8, at: 0, nodes)
        let total = header.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard total <= maxBytes, total <= UInt64(Int64.max) else { throw .encoding(.length(total)) }
        // Subtrees that are still to come, the next one last: at most one for each level.
        var open: [(offset: UInt64, length: UInt64, expected: Digest)] = [(0, total, root)]
        var isRoot = true
        while let (offset, length, expected) = open.popLast() {
            let node: BLAKE3.Node
            var group: [UInt8] = []
            if length <= groupBytes {
                group = try Self.take(Int(length), at: offset, data)
                node = group.withUnsafeBytes { BLAKE3.Node.tree($0, counter: offset / UInt64(BLAKE3.chunkBytes)) }
            } else {
                let pair = try Self.take(64, at: offset, nodes)
                let left = Digest { $0.copyBytes(from: pair.prefix(32)) }
                let right = Digest { $0.copyBytes(from: pair.suffix(32)) }
                node = .parent(left, right)
                let middle = leftBytes(length)
                open.append((offset + middle, length - middle, right))
                open.append((offset, middle, left))
            }
            guard (isRoot ? node.rootDigest() : node.chainingValue()) == expected else {
                throw .encoding(.mismatch(offset: offset))
            }
            isRoot = false
            if !group.isEmpty {
                do throws(Failure) {
                    try write(group[...])
                } catch {
                    throw .source(error)
                }
            }
        }
        return total
    }

    private static func take<Failure: Error>(
        _ count: Int,
        at offset: UInt64,
        _ read: (Int) throws(Failure) -> [UInt8]
    ) throws(BaoStreamError<Failure>) -> [UInt8] {
        let bytes = try pull(count, read)
        guard bytes.count == count else { throw .encoding(.truncated(offset: offset)) }
        return bytes
    }

    private static func pull<Failure: Error>(
        _ count: Int,
        _ read: (Int) throws(Failure) -> [UInt8]
    ) throws(BaoStreamError<Failure>) -> [UInt8] {
        guard count > 0 else { return [] }
        do throws(Failure) {
            return try read(count)
        } catch {
            throw .source(error)
        }
    }
}
