// Bao in pieces: the same verdict as on the whole, nothing handed on before it is verified, and memory that does not grow.
import Codecs
import Commitments
import Testing

@Suite struct BaoStreamTests {
    private struct Broken: Error, Equatable {}

    /// Gives bytes in order.
    private final class Source {
        let bytes: [UInt8]
        var position = 0
        var largest = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        func next(_ count: Int) -> [UInt8] {
            largest = max(largest, count)
            let end = min(position + count, bytes.count)
            defer { position = end }
            return Array(bytes[position..<end])
        }
    }

    private static func counter(_ count: Int) -> [UInt8] { (0..<count).map { UInt8($0 % 251) } }

    private static func stream(_ encoding: [UInt8], _ root: Digest, maxBytes: UInt64 = 1 << 30) -> ([UInt8], BaoError?)
    {
        let source = Source(encoding)
        var output: [UInt8] = []
        do throws(BaoStreamError<Never>) {
            try Bao.groups.decode(
                root: root,
                maxBytes: maxBytes,
                read: { (count) throws(Never) in source.next(count) },
                write: { (part) throws(Never) in output += part }
            )
            return (output, nil)
        } catch {
            guard case .encoding(let error) = error else { return (output, nil) }
            return (output, error)
        }
    }

    @Test(arguments: [0, 1, 1024, 16384, 16385, 40_000, 200_001])
    func `A stream gives the data of the whole, and its outboard the same`(length: Int) throws {
        let data = Self.counter(length)
        let (root, encoding) = Bao.groups.encode(data)
        let (output, error) = Self.stream(encoding, root)
        #expect(output == data && error == nil)
        let (nodes, bytes) = (Source(Bao.groups.outboard(data).encoding), Source(data))
        var again: [UInt8] = []
        let count = try Bao.groups.verify(
            root: root,
            maxBytes: 1 << 30,
            outboard: { (count) throws(Never) in nodes.next(count) },
            data: { (count) throws(Never) in bytes.next(count) },
            write: { (part) throws(Never) in again += part }
        )
        #expect(again == data && count == UInt64(length))
        // Never more than a group at a time, however long the data.
        #expect(bytes.largest <= 16384 && nodes.largest <= 64)
    }

    @Test func `Every flipped byte and every cut is told, and what came before is right`() {
        let data = Self.counter(70_000)
        let (root, encoding) = Bao.groups.encode(data)
        for index in stride(from: 0, to: encoding.count, by: 101) {
            var bent = encoding
            bent[index] ^= 0x40
            let (output, error) = Self.stream(bent, root)
            #expect(error != nil, "byte \(index)")
            #expect(data.starts(with: output), "byte \(index)")
            let (shorter, cut) = Self.stream(Array(encoding.prefix(index)), root)
            #expect(cut != nil && data.starts(with: shorter), "cut at \(index)")
        }
        #expect(Self.stream(encoding + [0], root).1 == .trailingBytes)
        #expect(Self.stream(encoding, .zero).1 == .mismatch(offset: 0))
        #expect(Self.stream(encoding, root, maxBytes: 69_999).1 == .length(70_000))
    }

    @Test func `An error of the source is the source's`() {
        #expect(throws: BaoStreamError<Broken>.source(Broken())) {
            try Bao.groups.decode(
                root: .zero,
                maxBytes: 10,
                read: { (_) throws(Broken) -> [UInt8] in throw Broken() },
                write: { (_) throws(Broken) in }
            )
        }
    }
}
