// Takes written slots from a worker's reply piece by piece: each piece is made canonical and hashed while a processor's cache
// still holds it, and only what is wanted afterwards is kept.
internal import Commitments

/// The slots of a reply, in the order in which a worker must send them.
final class SlotStream {
    /// A multiple of every element's length and of a tile.
    private static let pieceBytes = 256 << 10

    private let reply: WorkerReply
    private let spec: ReplaySpec
    private let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 64)

    init(_ reply: WorkerReply, spec: ReplaySpec) {
        self.reply = reply
        self.spec = spec
    }

    deinit {
        piece.deallocate()
    }

    /// The next slot, which must be `index` after `launch`.
    /// - Parameter keeps: whether its content is wanted.
    /// - Returns: its root, and its canonical content if that is wanted.
    func next(launch: Int, slot index: Int, keeps: Bool) throws(RunFailure) -> (root: Digest, content: [UInt8]?) {
        let slot = spec.slots[index]
        let placeBytes = WorkerFrame.placeLength
        let length = try reply.expectLength(.slot)
        guard length == slot.byteCount + placeBytes else {
            let expected = "\(slot.byteCount) bytes of slot \(slot.name)"
            throw RunFailure(
                .protocolViolation,
                "expected \(expected), the worker sent \(max(0, length - placeBytes))"
            )
        }
        let numbers = WorkerFrame.place(of: try reply.read(placeBytes))
        guard numbers == [UInt32(launch), UInt32(index)] else {
            throw RunFailure(.protocolViolation, "expected launch \(launch), slot \(index); the worker sent \(numbers)")
        }
        var builder = ArtefactBuilder(chunkSize: UInt64(Trace.tileBytes))
        var content: [UInt8] = []
        if keeps { content.reserveCapacity(slot.byteCount) }
        var rest = slot.byteCount
        while rest > 0 {
            let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<min(rest, Self.pieceBytes)])
            try reply.read(into: part)
            slot.type.canonicaliseNaN(part)
            builder.update(UnsafeRawBufferPointer(part))
            if keeps { content += part }
            rest -= part.count
        }
        return (builder.finalized().commitment, keeps ? content : nil)
    }
}
