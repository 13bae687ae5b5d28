// Openings of ranges: what belongs to the commitment verifies, and nothing else does.
import Codecs
import Commitments
import Testing

@Suite struct ArtefactOpeningTests {
    private static let bytes = (0..<1000).map { UInt8($0 % 251) }
    private static let artefact = ArtefactTree.commit(bytes, chunkSize: 64)

    private static func chunks(_ range: Range<UInt64>) -> [UInt8] {
        Array(bytes[Int(range.lowerBound) * 64..<min(Int(range.upperBound) * 64, 1000)])
    }

    @Test func `Every range opens, and reads back`() throws {
        for first: UInt64 in 0..<16 {
            for last in first + 1...16 {
                let opening = try #require(ArtefactOpening(of: Self.artefact, chunks: first..<last))
                #expect(try ArtefactOpening(parsing: opening.json.serialized()) == opening)
                #expect(opening.verifies(Self.chunks(first..<last)))
                #expect(!opening.verifies(Self.chunks(first..<last) + [0]))
                #expect(!opening.verifies(Array(Self.chunks(first..<last).dropLast())))
            }
        }
        #expect(ArtefactOpening(of: Self.artefact, chunks: 0..<17) == nil)
        #expect(ArtefactOpening(of: Self.artefact, chunks: 3..<3) == nil)
    }

    @Test func `Each member and each node of the proof counts`() throws {
        let opening = try #require(ArtefactOpening(of: Self.artefact, chunks: 5..<7))
        let data = Self.chunks(5..<7)
        guard case .object(let object) = opening.json else { return }
        var changes: [(String, JSONValue)] = [
            ("commitment", .string(Self.artefact.treeRoot.hex)), ("length", .string("1001")),
            ("length", .string("999")),
            ("length", .string("1")), ("chunkSize", .string("65")), ("chunkSize", .string("128")),
            ("firstChunk", .string("4")), ("firstChunk", .string("6")), ("firstChunk", .string("16")),
            ("firstChunk", .string("18446744073709551615")),
        ]
        let nodes = opening.proof.map(\.hex)
        for index in nodes.indices {
            var dropped = nodes
            dropped.remove(at: index)
            var swapped = nodes
            swapped.swapAt(index, (index + 1) % nodes.count)
            var bent = nodes
            bent[index] = Digest.zero.hex
            for list in [dropped, swapped, bent, nodes + [nodes[index]], Array(nodes.prefix(index))] {
                changes.append(("proof", .array(list.map { .string($0) })))
            }
        }
        for (name, value) in changes {
            var changed = object
            changed[name] = value
            let bent = try ArtefactOpening(parsing: JSONValue.object(changed).serialized())
            #expect(!bent.verifies(data), "\(name) \(value.text())")
        }
        for value in [JSONValue.string("0"), .integer(5), .null] {
            var changed = object
            changed["length"] = value
            #expect(throws: ParseError.self) { try ArtefactOpening(parsing: JSONValue.object(changed).serialized()) }
        }
    }
}
