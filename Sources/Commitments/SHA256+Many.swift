// SHA-256 of many messages of one length at once: four streams share the pipeline that one stream leaves half empty.
internal import CHashKernels

extension SHA256 {
    /// The digests of the `count` messages of `length` bytes that start `stride` bytes apart in `bytes`.
    /// - Precondition: the last message ends within `bytes`.
    static func hashMany(_ bytes: UnsafeRawBufferPointer, stride: Int, length: Int, count: Int) -> [Digest] {
        withUnsafeTemporaryAllocation(byteCount: 32 * count, alignment: 16) { digests in
            hashMany(bytes, stride: stride, length: length, count: count, into: digests)
            return (0..<count).map { index in
                Digest { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: digests[32 * index..<32 * index + 32])) }
            }
        }
    }

    /// The same into `digests`, 32 bytes each. `digests` may be the beginning of `bytes` when `stride` is at least 32.
    static func hashMany(
        _ bytes: UnsafeRawBufferPointer,
        stride: Int,
        length: Int,
        count: Int,
        into digests: UnsafeMutableRawBufferPointer
    ) {
        guard count > 0, let base = bytes.baseAddress, let output = digests.baseAddress else { return }
        precondition((count - 1) * stride + length <= bytes.count, "the messages lie within the buffer")
        precondition(32 * count <= digests.count, "there is room for every digest")
        assay_sha256_many(
            base.assumingMemoryBound(to: UInt8.self),
            stride,
            length,
            count,
            output.assumingMemoryBound(to: UInt8.self)
        )
    }
}
