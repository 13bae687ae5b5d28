// The definitions in C against the same definitions written a second time, in Swift, with other loops.
import Codecs
import Foundation
import Replay
import Testing

@testable import ExactOps

@Suite struct DefinitionTests {
    private static func numbers(_ count: Int, seed: UInt64) -> [Float] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-30
        }
    }

    /// Sums of blocks of 1024, added in pairs of neighbours level by level.
    private static func dot(_ left: [Float], _ right: [Float]) -> Float {
        var sums = stride(from: 0, to: left.count, by: 1024).map { start in
            (start..<min(start + 1024, left.count)).reduce(Float(0)) { $0.addingProduct(left[$1], right[$1]) }
        }
        while sums.count > 1 {
            sums = stride(from: 0, to: sums.count, by: 2).map { index in
                index + 1 < sums.count ? sums[index] + sums[index + 1] : sums[index]
            }
        }
        return sums[0]
    }

    private static func lanesSum(_ x: [Float]) -> Float {
        var lanes = [Float](repeating: 0, count: 256)
        for (index, value) in x.enumerated() { lanes[index % 256] += value }
        while lanes.count > 1 {
            let half = lanes.count / 2
            lanes = (0..<half).map { lanes[$0] + lanes[$0 + half] }
        }
        return lanes[0]
    }

    @Test(arguments: [1, 1024, 1025, 3000, 5 * 1024, 7 * 1024 + 1]) func longSumsAreTrees(inner: Int) throws {
        let left = Self.numbers(2 * inner, seed: 1)
        let right = Self.numbers(inner * 3, seed: 2)
        let bytes = try Support.compute(
            .matmul,
            inputs: [(.f32, Support.bytes(left)), (.f32, Support.bytes(right))],
            output: (.f32, 6),
            [.u32(UInt32(inner)), .u32(3), .u32(2)]
        )
        for (index, value) in Support.floats(bytes).enumerated() {
            let (row, column) = index.quotientAndRemainder(dividingBy: 3)
            let truth = Self.dot(
                Array(left[row * inner..<(row + 1) * inner]),
                (0..<inner).map { right[$0 * 3 + column] }
            )
            #expect(value.bitPattern == truth.bitPattern)
        }
    }

    @Test(arguments: [1, 255, 256, 700]) func rowSumsHave256Lanes(columns: Int) throws {
        let x = Self.numbers(columns, seed: 3)
        let input = (ElementType.f32, Support.bytes(x))
        func reduced(_ operation: UInt32) throws -> Float {
            let scalars: [ExactGraph.Argument] = [.u32(UInt32(columns)), .u32(1), .u32(operation)]
            return Support.floats(try Support.compute(.reduce, inputs: [input], output: (.f32, 1), scalars))[0]
        }
        #expect(try reduced(0) == Self.lanesSum(x))
        #expect(try reduced(1) == Self.lanesSum(x) / Float(columns))
        #expect(try reduced(3) == x.max())
        #expect(try reduced(4) == x.min())

        let exponentials = Support.floats(
            try Support.compute(
                .apply,
                inputs: [(.f32, Support.bytes(x.map { $0 - (x.max() ?? 0) }))],
                output: (.f32, columns),
                [.u32(UInt32(columns)), .u32(1), .u32(0)]
            )
        )
        let softmax = Support.floats(
            try Support.compute(
                .softmax,
                inputs: [input],
                output: (.f32, columns),
                [.u32(UInt32(columns)), .u32(1)]
            )
        )
        let total = Self.lanesSum(exponentials)
        #expect(softmax == exponentials.map { $0 / total })
    }

    @Test func zerosHaveAnOrder() throws {
        let bytes = try Support.compute(
            .reduce,
            inputs: [(.f32, Support.bytes([-0.0, 0.0, 0.0, -0.0]))],
            output: (.f32, 2),
            [.u32(2), .u32(2), .u32(3)]
        )
        #expect(Support.words(bytes) == [0, 0])
        let least = try Support.compute(
            .reduce,
            inputs: [(.f32, Support.bytes([-0.0, 0.0, 0.0, -0.0]))],
            output: (.f32, 2),
            [.u32(2), .u32(2), .u32(4)]
        )
        #expect(Support.words(least) == [0x8000_0000, 0x8000_0000])
    }

    /// Integers are exact in every order as long as no sum leaves 32 bits: 131,071 products of the largest bytes do not, and
    /// one more is refused.
    @Test func integerSumsNeverWrap() throws {
        let inner = 131_071
        let bytes = try Support.compute(
            .matmulI8,
            inputs: [(.i8, [UInt8](repeating: 0x80, count: inner)), (.i8, [UInt8](repeating: 0x80, count: inner))],
            output: (.i32, 1),
            [.u32(UInt32(inner)), .u32(1), .u32(1)]
        )
        #expect(Support.words(bytes) == [UInt32(inner) * 128 * 128])
        #expect(Int64(inner) * 128 * 128 < 1 << 31 && Int64(inner + 1) * 128 * 128 == 1 << 31)
        #expect(throws: ParseError.self) {
            try Support.compute(
                .matmulI8,
                inputs: [
                    (.i8, [UInt8](repeating: 0, count: inner + 1)), (.i8, [UInt8](repeating: 0, count: inner + 1)),
                ],
                output: (.i32, 1),
                [.u32(UInt32(inner + 1)), .u32(1), .u32(1)]
            )
        }
    }

    @Test func requantisationRoundsToEven() throws {
        let values: [Int32] = [0, 1, 2, 3, 5, 6, 7, -1, -2, -3, -6, 1000, -1000, .max, .min]
        let bytes = try Support.compute(
            .requantise,
            inputs: [
                (.i32, values.flatMap { Support.bytes(of: UInt32(bitPattern: $0)) }),
                (.i32, values.flatMap { _ in Support.bytes(of: 1) }),
            ],
            output: (.i8, values.count),
            [.u32(UInt32(values.count)), .u32(1), .u32(2), .i32(1)]
        )
        let truth = values.map { value in
            let rounded = (Double(value) / 4).rounded(.toNearestOrEven) + 1
            return Int8(max(-128, min(127, rounded)))
        }
        #expect(bytes.map { Int8(bitPattern: $0) } == truth)
    }

    @Test func theBestAreTheFirstOfEquals() throws {
        let x: [Float] = [1, 3, .nan, 3, 2, -.infinity]
        let input = (ElementType.f32, Support.bytes(x))
        let best = try Support.compute(.argmax, inputs: [input], output: (.u32, 1), [.u32(6), .u32(1)])
        #expect(Support.words(best) == [1])

        var graph = ExactGraph(schedule: .definition)
        let values = try graph.input("x", .f32, [6], file: "x")
        let kept = try graph.output("kept", .f32, [6])
        let places = try graph.output("places", .u32, [6])
        try graph.add(.topK, .slot(values), .slot(kept), .slot(places), .u32(6), .u32(1), .u32(6))
        let execution = try ExactOracle().execute(
            try graph.spec(wallSeconds: 60),
            files: graph.sources.merging(["x": Support.bytes(x)]) { first, _ in first }
        )
        #expect(Support.words(execution.outputs["places"] ?? []) == [1, 3, 4, 0, 2, 5])
    }

    @Test func convolutionIsAChainInFilterOrder() throws {
        let (height, width, filters) = (5, 4, 3)
        let x = Self.numbers(2 * height * width, seed: 5)
        let weights = Self.numbers(2 * 3 * 2 * filters, seed: 6)
        let bytes = try Support.compute(
            .convolution,
            inputs: [(.f32, Support.bytes(x)), (.f32, Support.bytes(weights)), (.f32, Support.bytes([0, 0, 0]))],
            output: (.f32, filters * 5 * 5),
            [2, 5, 4, 3, 3, 2, 1, 1, 1, 0].map { .u32($0) }
        )
        let values = Support.floats(bytes)
        for filter in 0..<filters {
            for place in 0..<25 {
                var sum: Float = 0
                for term in 0..<12 {
                    let (channel, rest) = term.quotientAndRemainder(dividingBy: 6)
                    let row = place / 5 + rest / 2 - 1
                    let column = place % 5 + rest % 2 - 1
                    guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
                    sum.addProduct(x[(channel * height + row) * width + column], weights[term * filters + filter])
                }
                #expect(values[filter * 25 + place].bitPattern == (sum + 0).bitPattern)
            }
        }
    }

    @Test func attentionIsAnAverageOfValues() throws {
        let (tokens, heads, size) = (9, 2, 4)
        let width = heads * size
        let packed = Self.numbers(tokens * 3 * width, seed: 7)
        let scalars: [UInt32] = [24, 0, 8, 16, 2, 1, 4, 9, 1]
        for causal in [UInt32(0), 1] {
            let bytes = try Support.compute(
                .attention,
                inputs: Array(repeating: (.f32, Support.bytes(packed)), count: 3) + [(.u32, Support.bytes(of: 7))],
                output: (.f32, tokens * width),
                (scalars + [causal]).map { .u32($0) } + [.f32(0.5)]
            )
            let values = Support.floats(bytes)
            for index in values.indices {
                let (query, place) = index.quotientAndRemainder(dividingBy: width)
                guard query < 7 else {
                    #expect(values[index] == 0)
                    continue
                }
                let head = place / size
                let keys = causal == 1 ? query + 1 : 7
                let scores = (0..<keys).map { key in
                    (0..<size).reduce(0.0) { sum, d in
                        sum + Double(packed[query * 24 + head * size + d])
                            * Double(packed[key * 24 + 8 + head * size + d])
                    } * 0.5
                }
                let weights = scores.map { exp($0 - (scores.max() ?? 0)) }
                let truth =
                    (0..<keys).reduce(0.0) { $0 + weights[$1] * Double(packed[$1 * 24 + 16 + place]) }
                    / weights.reduce(0, +)
                #expect(abs(Double(values[index]) - truth) < 1e-5)
            }
        }
    }

    @Test func aShortSlotIsRefused() throws {
        var graph = ExactGraph(schedule: .definition)
        let x = try graph.input("x", .f32, [5], file: "x")
        let y = try graph.output("y", .f32, [6])
        #expect(throws: ParseError.self) {
            try graph.add(.apply, .slot(x), .slot(y), .u32(6), .u32(1), .u32(0))
        }
        #expect(throws: ParseError.self) {
            try graph.add(.apply, .slot(x), .slot(y), .u32(5), .u32(1), .u32(11))
        }
        #expect(throws: ParseError.self) { try graph.add(.apply, .slot(y), .slot(x), .u32(5), .u32(1)) }
    }

    @Test func theOracleRunsNothingButTheLibrary() throws {
        var graph = ExactGraph(schedule: .definition)
        let x = try graph.input("x", .f32, [5], file: "x")
        let y = try graph.output("y", .f32, [5])
        try graph.add(.apply, .slot(x), .slot(y), .u32(5), .u32(1), .u32(0))
        let spec = try graph.spec(wallSeconds: 60)
        var files = graph.sources.merging(["x": Support.bytes([1, 2, 3, 4, 5])]) { first, _ in first }
        _ = try ExactOracle().execute(spec, files: files)
        for path in files.keys where path.hasSuffix(".cl") { files[path]?.append(0x0a) }
        #expect(throws: RunFailure.self) { try ExactOracle().execute(spec, files: files) }
    }
}
