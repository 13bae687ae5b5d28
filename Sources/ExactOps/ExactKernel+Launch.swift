// Over which range a kernel is launched in each schedule.

extension ExactKernel {
    /// The work-items of a group in each dimension, and of the whole range.
    public struct Launch: Sendable, Equatable {
        /// Work-items in each dimension; a multiple of `local`.
        public var global: [UInt64]
        /// Work-items of a work-group in each dimension.
        public var local: [UInt64]
    }

    /// A good work-group width for a schedule; any power of two up to 256, and up to 16 for a tiled product, gives the same
    /// bits.
    public func usualGroup(_ schedule: Schedule) -> UInt64 {
        switch schedule {
        case .definition: 64
        case .vector: 4
        case .tiled: isProduct ? 16 : 64
        }
    }

    /// The launch of a use of this kernel.
    /// - Parameters:
    ///   - group: the width of a work-group, `GROUP` in the text.
    ///   - scalars: the scalars' bits, for which `extent(scalars:)` is not `nil`.
    public func launch(_ schedule: Schedule, group: UInt64, extent: Extent, scalars s: [UInt64]) -> Launch {
        switch schedule {
        case .definition: return padded(extent.columns, extent.rows, group)
        case .vector: return vectorLaunch(group, extent, s)
        case .tiled: return tiledLaunch(group, extent, s)
        }
    }

    var isProduct: Bool {
        switch self {
        case .matmul, .matmulBias, .matmulHalf, .matmulI8: true
        default: false
        }
    }

    private func padded(_ columns: UInt64, _ rows: UInt64, _ group: UInt64) -> Launch {
        Launch(global: [Self.parts(columns, group) * group, rows], local: [group, 1])
    }

    private static func parts(_ whole: UInt64, _ part: UInt64) -> UInt64 { (whole + part - 1) / part }

    private func vectorLaunch(_ group: UInt64, _ extent: Extent, _ s: [UInt64]) -> Launch {
        switch self {
        case .matmulI8: return padded(Self.parts(extent.rows, 4), Self.parts(extent.columns, 16), group)
        case _ where isProduct: return padded(Self.parts(extent.rows, 64), Self.parts(extent.columns, 32), 1)
        case .attention: return padded(Self.parts(extent.columns, 16), extent.rows, 1)
        case .convolution: return padded(extent.columns, Self.parts(s[3], 16) * s[8], group)
        default: return padded(extent.columns, extent.rows, group)
        }
    }

    private func tiledLaunch(_ group: UInt64, _ extent: Extent, _ s: [UInt64]) -> Launch {
        switch self {
        case _ where isProduct:
            let side = 4 * group
            let global = [Self.parts(extent.columns, side) * group, Self.parts(extent.rows, side) * group]
            return Launch(global: global, local: [group, group])
        case .convolution: return padded(extent.columns, Self.parts(s[3], 16) * s[8], group)
        // A work-group for each row or query.
        default: return Launch(global: [extent.columns * group, extent.rows], local: [group, 1])
        }
    }
}
