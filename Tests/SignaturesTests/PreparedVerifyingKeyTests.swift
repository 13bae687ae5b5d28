// Tables of multiples against OpenSSL, and their arithmetic against a textbook's.
import Algebra
import AssayTesting
import CEdwards25519
import COpenSSL
import Codecs
import Foundation
import Signatures
import Testing

@Suite struct PreparedVerifyingKeyTests {
    /// What the table says, which must be what OpenSSL says.
    private func verdict(
        _ prepared: PreparedVerifyingKey,
        _ signature: [UInt8],
        _ message: [UInt8],
        _ place: @autoclosure () -> String
    ) -> Bool {
        let table = prepared.isAcceptedByTable(signature, for: message)
        #expect(prepared.key.isValidByLibrary(signature: signature, for: message) == table, "\(place())")
        #expect(prepared.isValid(signature: signature, for: message) == table, "\(place())")
        return table
    }

    @Test func honestSignaturesAndTheirNeighbours() throws {
        for seed: UInt64 in 0..<20 {
            var generator = SeededGenerator(seed: seed)
            let key = try SigningKey(seed: generator.bytes(32))
            let message = generator.bytes(Int.random(in: 0...300, using: &generator))
            let signature = try key.signature(for: message)
            let prepared = try #require(PreparedVerifyingKey(key.verifyingKey))
            #expect(verdict(prepared, signature, message, "seed \(seed)"))
            for bit in stride(from: Int(seed), to: 512, by: 20) {
                var other = signature
                other[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(!verdict(prepared, other, message, "seed \(seed), bit \(bit)"))
            }
            #expect(!verdict(prepared, signature, message + [0], "seed \(seed), a longer message"))
            for count in [0, 63] { #expect(!verdict(prepared, Array(signature.prefix(count)), message, "\(count)")) }
            #expect(!verdict(prepared, signature + [0], message, "65 bytes"))
            // S + L is the same number to the curve and refused by RFC 8032 §5.1.7.
            let s = Integer(littleEndian: Array(signature[32...])) + SlowPoint.order
            #expect(!verdict(prepared, Array(signature[..<32]) + s.scalarBytes, message, "seed \(seed), S + L"))
        }
    }

    /// Keys with a part of small order, under which the same equation holds or not from message to message.
    @Test func keysWithAPartOfSmallOrder() throws {
        var accepted = 0
        var generator = SeededGenerator(seed: 77)
        for (index, torsion) in SlowPoint.torsion.enumerated() {
            let secret = Integer(littleEndian: generator.bytes(31))
            let point = secret * SlowPoint.base + torsion
            let prepared = try #require(PreparedVerifyingKey(try VerifyingKey(bytes: point.encoded)))
            for round in 0..<6 {
                let nonce = Integer(littleEndian: generator.bytes(31))
                // R with a part of small order of its own, which the encoding shows.
                let r = nonce * SlowPoint.base + SlowPoint.torsion[round]
                let message = generator.bytes(8)
                let challenge = Self.challenge(r.encoded, point.encoded, message)
                let s = (nonce + challenge * secret) % SlowPoint.order
                let signature = r.encoded + s.scalarBytes
                // S B − k A = R exactly when the two parts of small order cancel.
                let holds = s * SlowPoint.base + -(challenge * point) == r
                #expect(verdict(prepared, signature, message, "point \(index), round \(round)") == holds)
                accepted += holds ? 1 : 0
            }
        }
        #expect((1..<48).contains(accepted))
    }

    /// R or S that are 0, and R in every encoding of the points of small order.
    @Test func signaturesOfSmallOrder() throws {
        var generator = SeededGenerator(seed: 5)
        let secret = Integer(littleEndian: generator.bytes(31))
        let point = secret * SlowPoint.base
        let prepared = try #require(PreparedVerifyingKey(try VerifyingKey(bytes: point.encoded)))
        var encodings = SlowPoint.torsion.map(\.encoded)
        for low: UInt8 in [0xed, 0xee] {
            for high: UInt8 in [0x7f, 0xff] { encodings.append([low] + [UInt8](repeating: 0xff, count: 30) + [high]) }
        }
        encodings.append([1] + [UInt8](repeating: 0, count: 30) + [0x80])
        for (index, r) in encodings.enumerated() {
            let message = generator.bytes(8)
            // With R = 0 the equation is S = k a: true for the one encoding of 0 that is canonical.
            let s = Self.challenge(r, point.encoded, message) * secret % SlowPoint.order
            let isZero = r == SlowPoint.zero.encoded
            #expect(verdict(prepared, r + s.scalarBytes, message, "R \(index)") == isZero)
            #expect(!verdict(prepared, r + [UInt8](repeating: 0, count: 32), message, "R \(index), S = 0"))
        }
        for s in [SlowPoint.order - 1, SlowPoint.order, SlowPoint.order + 1, (Integer(1) << 253) - 1] {
            #expect(!verdict(prepared, point.encoded + s.scalarBytes, [1], "S \(s)"))
        }
        for fill: UInt8 in [0x00, 0x7f, 0x80, 0xff] {
            #expect(!verdict(prepared, [UInt8](repeating: fill, count: 64), [1], "all \(fill)"))
        }
    }

    /// Every y that has two encodings, and bytes that may be no point at all.
    @Test func keysInEveryEncoding() throws {
        var generator = SeededGenerator(seed: 6)
        var encodings = (0..<100).map { _ in generator.bytes(32) }
        for low: UInt8 in 0..<19 {
            for high: UInt8 in [0x7f, 0xff] {
                encodings.append([0xed + (low % 19)] + [UInt8](repeating: 0xff, count: 30) + [high])
                encodings.append([low] + [UInt8](repeating: 0, count: 30) + [high & 0x80])
            }
        }
        var points = 0
        for bytes in encodings {
            guard let key = try? VerifyingKey(bytes: bytes) else { continue }
            let isPoint = SlowPoint(lenient: bytes) != nil
            #expect((PreparedVerifyingKey(key) != nil) == isPoint, "\(key)")
            guard isPoint, let prepared = PreparedVerifyingKey(key) else { continue }
            points += 1
            // A signature that OpenSSL judges by the same reading of the key: R = S B − k A for a k that is found by trying.
            let s = Integer(littleEndian: generator.bytes(31))
            #expect(!verdict(prepared, (s * SlowPoint.base).encoded + s.scalarBytes, [1], "\(key)"))
        }
        #expect(points > 40)
        let hardware = try SigningKey.generate(.es256).verifyingKey
        #expect(PreparedVerifyingKey(hardware) == nil)
    }

    /// The key is met often enough here to have a table by itself; no answer changes on the way.
    @Test func aKeyInSteadyUseKeepsItsAnswers() throws {
        let keys = try (0..<150).map { try SigningKey(seed: [UInt8](repeating: UInt8($0), count: 32)) }
        let signatures = try keys.map { try $0.signature(for: [9]) }
        for _ in 0..<2 {
            for (key, signature) in zip(keys, signatures) {
                for _ in 0..<3 {
                    #expect(key.verifyingKey.isValid(signature: signature, for: [9]))
                    #expect(!key.verifyingKey.isValid(signature: signature, for: [8]))
                }
            }
        }
    }

    @Test(.enabled(if: SharedVectors.has("vectors/commitments/signatures", for: "Wycheproof Ed25519, by table")))
    func wycheproof() throws {
        let bytes = try SharedVectors.bytes("vectors/commitments/signatures/ed25519_test.json")
        let limits = JSONLimits(bytes: 16 << 20, allowsFractions: true)
        var document = try JSONReader(try JSONValue(parsing: bytes, limits: limits))
        var count = 0
        for group in try document.array("testGroups", max: 1000) {
            var group = try JSONReader(group)
            var publicKey = try group.object("publicKey")
            let key = try VerifyingKey(bytes: try Hex.decode(try publicKey.string("pk")))
            let prepared = try #require(PreparedVerifyingKey(key))
            for test in try group.array("tests", max: 1000) {
                var test = try JSONReader(test)
                let id = try test.integer("tcId")
                let message = try Hex.decode(try test.string("msg", maxBytes: 1 << 20))
                let signature = try Hex.decode(try test.string("sig"))
                let isValid = try test.string("result") == "valid"
                #expect(verdict(prepared, signature, message, "test \(id)") == isValid, "test \(id)")
                count += 1
            }
        }
        #expect(count == 151)
    }

    /// k = SHA-512(R ‖ A ‖ M) mod L.
    private static func challenge(_ r: [UInt8], _ key: [UInt8], _ message: [UInt8]) -> Integer {
        var digest = [UInt8](repeating: 0, count: 64)
        let bytes = r + key + message
        SHA512(bytes, bytes.count, &digest)
        return Integer(littleEndian: digest) % SlowPoint.order
    }
}

@Suite struct EdwardsKernelTests {
    private static func table(_ point: [UInt8], isNegated: Bool = false) -> UnsafeMutableRawPointer? {
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: Int(assay_edwards_table_bytes),
            alignment: Int(assay_edwards_table_alignment)
        )
        if assay_edwards_table_make(OpaquePointer(memory), point, isNegated ? 1 : 0) == 1 { return memory }
        memory.deallocate()
        return nil
    }

    /// Scalars at the edges of a digit, a row and the order.
    private static var scalars: [Integer] {
        let repeated = [UInt8](repeating: 0x88, count: 31), sevens = [UInt8](repeating: 0x77, count: 31)
        return [
            0, 1, 7, 8, 9, 15, 16, 128, 255, 256, Integer(1) << 252, SlowPoint.order - 1, SlowPoint.order,
            (Integer(1) << 253) - 1, Integer(littleEndian: repeated), Integer(littleEndian: sevens),
        ]
    }

    @Test func sumsOfMultiplesAreTheTextbooks() throws {
        var generator = SeededGenerator(seed: 21)
        let wide = Integer(littleEndian: generator.bytes(31)) * SlowPoint.base + SlowPoint.torsion[3]
        let pairs = [
            (SlowPoint.base, wide, false), (wide, SlowPoint.base, true),
            (SlowPoint.torsion[1], SlowPoint.torsion[7], true),
            (SlowPoint.zero, SlowPoint.torsion[4], false), (wide, wide, true),
        ]
        for (index, (p, q, isNegated)) in pairs.enumerated() {
            let tables = try (#require(Self.table(p.encoded)), #require(Self.table(q.encoded, isNegated: isNegated)))
            defer {
                tables.0.deallocate()
                tables.1.deallocate()
            }
            for a in Self.scalars + [Integer(littleEndian: generator.bytes(31))] {
                let b = Self.scalars[Int.random(in: Self.scalars.indices, using: &generator)]
                var sum = [UInt8](repeating: 0, count: 32)
                assay_edwards_combine(
                    &sum,
                    OpaquePointer(tables.0),
                    a.scalarBytes,
                    OpaquePointer(tables.1),
                    b.scalarBytes
                )
                let second = b * q
                #expect(sum == (a * p + (isNegated ? -second : second)).encoded, "pair \(index): \(a), \(b)")
            }
        }
    }

    @Test func numbersAreReducedAsGMPDoes() {
        var generator = SeededGenerator(seed: 22)
        let order = SlowPoint.order
        var numbers = (0..<500).map { _ in Integer(littleEndian: generator.bytes(64)) }
        let top = (Integer(1) << 512) - 1
        numbers += [0, 1, top, top - top % order, top - top % order - 1, order * order]
        for shift in stride(from: 0, through: 256, by: 16) {
            for offset in [-1, 0, 1] as [Integer] { numbers.append((order << shift) + offset) }
        }
        for number in numbers {
            var reduced = [UInt8](repeating: 0, count: 32)
            assay_edwards_scalar_reduce(&reduced, Array(number.bigEndianBytes(count: 64).reversed()))
            #expect(Integer(littleEndian: reduced) == number % order, "\(number)")
        }
        for (number, isReduced) in [(order - 1, true), (order, false), (order + 1, false), (0, true)] {
            #expect((assay_edwards_scalar_is_reduced(number.scalarBytes) == 1) == isReduced)
        }
        for bit in 0..<256 {
            let number = Integer(1) << bit
            #expect((assay_edwards_scalar_is_reduced(number.scalarBytes) == 1) == (number < order), "2^\(bit)")
        }
    }
}
