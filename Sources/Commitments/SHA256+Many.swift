// SHA-256 of many messages of one length at once: four streams share the pipeline that one stream leaves half empty.
internal import CHashKernels

extension SHA256 {
    /// Calls `body` with `count` digests of 32 bytes: the digests of the `count` messages of `length` bytes that start
    /// `stride` bytes apart in `bytes`.
    /// - Precondition: the last message ends within `bytes`.
    static func hashMany(_ bytes: UnsafeRawBufferPointer, stride: Int, length: Int, count: Int) -> [Digest] {
        guard count > 0 else { return [] }
        precondition((count - 1) * stride + length <= bytes.count, "the messages lie within the buffer")
        // An empty message has no address; any valid pointer does.
        return withUnsafeTemporaryAllocation(byteCount: max(32 * count, 1), alignment: 16) { digests in
            assay_sha256_many(
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    ?? UnsafePointer(digests.baseAddress!.assumingMemoryBound(to: UInt8.self)),
                stride,
                length,
                count,
                digests.bindMemory(to: UInt8.self).baseAddress
            )
            return (0..<count).map { index in
                Digest { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: digests[32 * index..<32 * index + 32])) }
            }
        }
    }
}
