// What the scalars of a launch mean: how many elements each slot must have, over what the definition ranges, and how much work
// that is.

/// The sizes of one use of a kernel.
public struct Extent: Sendable, Equatable {
    /// The elements that each slot has at least, in the order of the parameters.
    public var elements: [UInt64]
    /// The work-items of the definition in dimension 0.
    public var columns: UInt64
    /// The work-items of the definition in dimension 1.
    public var rows: UInt64
    /// The operations in all: one for each fma, addition or element, at least 1.
    public var work: UInt64
}

extension ExactKernel {
    /// The longest chain of a floating-point product.
    public static let innerMax: UInt64 = 65_536
    /// The most keys that a query of `attention` sees.
    public static let keysMax: UInt64 = 1024
    /// The longest row, side, …: of every scalar that is a length.
    private static let lengthMax: UInt64 = 1 << 30

    /// The sizes of a use with these scalars, given by their bits in the order of the parameters; `nil` when the kernel is
    /// not defined for them.
    public func extent(scalars s: [UInt64]) -> Extent? {
        guard s.count == parameters.count - slotCount else { return nil }
        switch self {
        case .matmul, .matmulBias, .matmulHalf, .matmulI8: return product(s)
        case .toHalf, .fromHalf, .apply:
            guard s[2] <= (self == .apply ? 10 : 1), let all = Self.lengths(s[0], s[1]) else { return nil }
            return Extent(elements: [all, all], columns: s[0], rows: s[1], work: all)
        case .requantise:
            guard s[2] <= 62, let all = Self.lengths(s[0], s[1]) else { return nil }
            return Extent(elements: [all, s[0], all], columns: s[0], rows: s[1], work: all)
        case .combine:
            guard s[3] <= 3, let all = Self.lengths(s[0], s[1]), let other = Self.lengths(s[0], s[2]) else {
                return nil
            }
            return Extent(elements: [all, other, all], columns: s[0], rows: s[1], work: all)
        case .transpose:
            guard let all = Self.lengths(s[0], s[1]) else { return nil }
            return Extent(elements: [all, all], columns: s[0], rows: s[1], work: all)
        case .reduce, .softmax, .addLayernorm, .layernorm, .rmsnorm, .normalise, .argmax, .topK: return rowExtent(s)
        case .attention: return attentionExtent(s)
        case .rotary:
            guard s[1].isMultiple(of: 2), s[2] + s[3] <= 1 << 24, let all = Self.lengths(s[0], s[1], s[2]) else {
                return nil
            }
            return Extent(elements: [all, s[1] / 2, all], columns: s[0] * s[1] / 2, rows: s[2], work: all)
        case .convolution: return convolutionExtent(s)
        case .pool: return poolExtent(s)
        case .embed:
            guard let all = Self.lengths(s[0], s[1]), let table = Self.lengths(s[0], s[2]) else { return nil }
            return Extent(elements: [table, s[1], all], columns: s[0], rows: s[1], work: all)
        case .meanPool:
            guard let all = Self.lengths(s[0], s[1], s[2]) else { return nil }
            return Extent(elements: [all, s[2], s[0] * s[2]], columns: s[0], rows: s[2], work: all)
        case .randomBits, .randomUniform, .randomNormal:
            guard s[2].isMultiple(of: 4), let all = Self.lengths(s[2]) else { return nil }
            return Extent(elements: [all], columns: all / 4, rows: 1, work: all)
        case .probe:
            guard let count = Self.lengths(s[0]), let all = Self.lengths(s[0], 32) else { return nil }
            return Extent(elements: [count, count, count, all], columns: count, rows: 32, work: all)
        }
    }

    /// The number of parameters that are slots.
    var slotCount: Int {
        parameters.prefix { parameter in
            switch parameter {
            case .input, .output: true
            default: false
            }
        }.count
    }

    /// The product of lengths, each at least 1; `nil` when one is out of bounds or the product is 2^40 or more.
    private static func lengths(_ lengths: UInt64...) -> UInt64? {
        var product: UInt64 = 1
        for length in lengths {
            guard length >= 1, length <= lengthMax else { return nil }
            product *= length
            guard product < 1 << 40 else { return nil }
        }
        return product
    }

    private func product(_ s: [UInt64]) -> Extent? {
        guard s[0] <= (self == .matmulI8 ? 131_071 : Self.innerMax), let left = Self.lengths(s[2], s[0]),
            let right = Self.lengths(s[0], s[1]), let out = Self.lengths(s[2], s[1])
        else { return nil }
        if self == .matmulBias || self == .matmulHalf, s[3] > (self == .matmulBias ? 4 : 1) { return nil }
        let elements = self == .matmulBias ? [left, right, s[1], out] : [left, right, out]
        return Extent(elements: elements, columns: s[1], rows: s[2], work: out * s[0])
    }

    private func rowExtent(_ s: [UInt64]) -> Extent? {
        guard let all = Self.lengths(s[0], s[1]) else { return nil }
        let elements: [UInt64]
        switch self {
        case .reduce:
            guard s[2] <= 4 else { return nil }
            elements = [all, s[1]]
        case .addLayernorm: elements = [all, all, s[0], s[0], all]
        case .layernorm: elements = [all, s[0], s[0], all]
        case .rmsnorm: elements = [all, s[0], all]
        case .argmax: elements = [all, s[1]]
        case .topK:
            guard s[2] >= 1, s[2] <= s[0] else { return nil }
            return Extent(
                elements: [all, s[1] * s[2], s[1] * s[2]],
                columns: s[1],
                rows: 1,
                work: all.multipliedReportingOverflow(by: s[2]).partialValue
            )
        default: elements = [all, all]
        }
        return Extent(elements: elements, columns: s[1], rows: 1, work: all)
    }

    /// stride, three offsets, heads, shared, size, tokens, sequences, causal, scale.
    private func attentionExtent(_ s: [UInt64]) -> Extent? {
        let (stride, heads, shared, size, tokens, sequences) = (s[0], s[4], s[5], s[6], s[7], s[8])
        guard shared >= 1, heads >= 1, heads.isMultiple(of: shared), s[9] <= 1, tokens <= Self.keysMax,
            let width = Self.lengths(heads, size), let kept = Self.lengths(heads / shared, size),
            let held = Self.lengths(stride, tokens, sequences), let out = Self.lengths(width, tokens, sequences),
            s[1] <= stride, s[2] <= stride, s[3] <= stride, s[1] + width <= stride, s[2] + kept <= stride,
            s[3] + kept <= stride
        else { return nil }
        return Extent(
            elements: [held, held, held, sequences, out],
            columns: tokens,
            rows: heads * sequences,
            work: out * tokens * 2
        )
    }

    /// channels, height, width, filters, filter height, filter width, stride, padding, images, activation.
    private func convolutionExtent(_ s: [UInt64]) -> Extent? {
        guard s.prefix(9).allSatisfy({ $0 < 65_536 }), s[6] >= 1, s[9] <= 4, s[4] >= 1, s[5] >= 1,
            s[1] + 2 * s[7] >= s[4], s[2] + 2 * s[7] >= s[5],
            let values = Self.lengths(s[8], s[0], s[1] * s[2]), let filter = Self.lengths(s[0], s[4], s[5]),
            let weights = Self.lengths(filter, s[3])
        else { return nil }
        let height = (s[1] + 2 * s[7] - s[4]) / s[6] + 1
        let width = (s[2] + 2 * s[7] - s[5]) / s[6] + 1
        guard height < 65_536, width < 65_536, let out = Self.lengths(s[8], s[3], height * width) else { return nil }
        return Extent(
            elements: [values, weights, s[3], out],
            columns: height * width,
            rows: s[3] * s[8],
            work: out.multipliedReportingOverflow(by: filter).partialValue
        )
    }

    /// planes, height, width, size, stride, operation.
    private func poolExtent(_ s: [UInt64]) -> Extent? {
        guard s[1] < 65_536, s[2] < 65_536, s[3] >= 1, s[3] <= s[1], s[3] <= s[2], s[4] >= 1, s[5] <= 1,
            let values = Self.lengths(s[0], s[1], s[2])
        else { return nil }
        let places = ((s[1] - s[3]) / s[4] + 1) * ((s[2] - s[3]) / s[4] + 1)
        guard let out = Self.lengths(s[0], places) else { return nil }
        return Extent(elements: [values, out], columns: places, rows: s[0], work: out * s[3] * s[3])
    }
}
