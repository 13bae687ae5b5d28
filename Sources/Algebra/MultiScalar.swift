// Sums of many scalar multiples. Few points share their doublings (Straus); many go into signed-digit buckets (Pippenger)
// that are filled by affine additions with shared inversions. Halving scalars along the endomorphism doubles the points
// and halves the windows, which saves bucket sums.
internal import CFieldKernels
internal import Dispatch

extension CurveGroup {
    public static func multiScalar(
        _ points: [AffinePoint<Self>],
        _ scalars: [Field4<ScalarParameters>],
        threads: Int
    ) -> JacobianPoint<Self> {
        precondition(points.count == scalars.count, "one scalar belongs to each point")
        guard points.count >= 32 else { return shared(points, scalars) }
        let halves = MultiScalarInput<Self>(points, scalars)
        return halves.sum(threads: max(1, threads))
    }

    /// Few points: one chain of doublings for all.
    private static func shared(
        _ points: [AffinePoint<Self>],
        _ scalars: [Field4<ScalarParameters>]
    ) -> JacobianPoint<Self> {
        var multiples: [JacobianPoint<Self>] = []
        var tracks: [[Int8]] = []
        let width = 4
        let entries = 1 << (width - 2)
        for (point, scalar) in zip(points, scalars) where !point.isInfinity && !scalar.isZero {
            var last = JacobianPoint(point)
            let double = last.doubled()
            multiples.append(last)
            for _ in 1..<entries {
                last += double
                multiples.append(last)
            }
            if let split = endomorphismSplit {
                let (k0, k1) = split.split(scalar.canonical)
                tracks.append(signedWindows([k0.w0, k0.w1, k0.w2], isNegative: k0.isNegative, width: width))
                tracks.append(signedWindows([k1.w0, k1.w1, k1.w2], isNegative: k1.isNegative, width: width))
            } else {
                tracks.append(signedWindows(scalar.words, isNegative: false, width: width))
            }
        }
        var table = JacobianPoint.normalizeAll(multiples)
        if endomorphismSplit != nil {
            // Each point's multiples are followed by their images, in the order of the tracks.
            table = stride(from: 0, to: table.count, by: entries).flatMap { start in
                let own = table[start..<start + entries]
                return own + own.map(endomorphism)
            }
        }
        var result = JacobianPoint<Self>.infinity
        for index in stride(from: (tracks.map(\.count).max() ?? 0) - 1, through: 0, by: -1) {
            result = result.doubled()
            for (number, digits) in tracks.enumerated() where index < digits.count && digits[index] != 0 {
                let entry = table[number * entries + Int(digits[index].magnitude) >> 1]
                result += digits[index] < 0 ? -entry : entry
            }
        }
        return result
    }
}

/// The points and the signed digits of one multi-scalar product.
private struct MultiScalarInput<G: CurveGroup> {
    /// The points and, when scalars are halved, their images.
    private var points: [Packed<G>]
    /// Window by window, one digit per point.
    private var digits: [Int16]
    private let width: Int
    private let windows: Int

    init(_ points: [AffinePoint<G>], _ scalars: [Field4<G.ScalarParameters>]) {
        let plain = scalars.map(\.canonical)
        let longest = plain.reduce(0) { max($0, bitWidth($1)) }
        // Short scalars, as witnesses mostly are, gain nothing from being halved.
        let split = longest > 128 ? G.endomorphismSplit : nil
        let bits = split?.bitCount ?? max(longest, 1)
        let count = split == nil ? points.count : 2 * points.count
        width = Self.bestWidth(count: count, bits: bits)
        windows = bits / width + 1
        self.points = points.map { $0.isInfinity ? .infinity : Packed(x: $0.x, y: $0.y) }
        if split != nil {
            self.points += points.map { point in
                if point.isInfinity { return .infinity }
                let image = G.endomorphism(point)
                return Packed(x: image.x, y: image.y)
            }
        }
        let width = self.width, windows = self.windows
        digits = [Int16](unsafeUninitializedCapacity: count * windows) { buffer, used in
            for (index, k) in plain.enumerated() {
                if let split {
                    let (k0, k1) = split.split(k)
                    Self.recode(k0, width, windows, buffer, index, count)
                    Self.recode(k1, width, windows, buffer, index + plain.count, count)
                } else {
                    Self.recode(k, width, windows, buffer, index, count)
                }
            }
            used = count * windows
        }
    }

    /// The window width with the least work: six multiplications per addition, about 27 per bucket.
    private static func bestWidth(count: Int, bits: Int) -> Int {
        (3...15).min { a, b in
            func cost(_ width: Int) -> Int { (bits / width + 1) * (6 * count + (27 << (width - 1))) }
            return cost(a) < cost(b)
        } ?? 8
    }

    private static func recode(
        _ k: HalfScalar,
        _ width: Int,
        _ windows: Int,
        _ buffer: UnsafeMutableBufferPointer<Int16>,
        _ index: Int,
        _ stride: Int
    ) {
        var carry = 0
        for window in 0..<windows {
            var digit = Int(k.bits(at: window * width, width: width)) + carry
            carry = 0
            if digit > 1 << (width - 1) {
                digit -= 1 << width
                carry = 1
            }
            buffer[window * stride + index] = Int16(truncatingIfNeeded: k.isNegative ? -digit : digit)
        }
    }

    private static func recode(
        _ k: afk_limbs4,
        _ width: Int,
        _ windows: Int,
        _ buffer: UnsafeMutableBufferPointer<Int16>,
        _ index: Int,
        _ stride: Int
    ) {
        let words = k.l
        var carry = 0
        for window in 0..<windows {
            let offset = window * width
            let shift = UInt64(offset & 63)
            let low = word(words, offset >> 6) >> shift
            let high = shift == 0 ? 0 : word(words, offset >> 6 + 1) << (64 - shift)
            var digit = Int((low | high) & (1 << UInt64(width) - 1)) + carry
            carry = 0
            if digit > 1 << (width - 1) {
                digit -= 1 << width
                carry = 1
            }
            buffer[window * stride + index] = Int16(truncatingIfNeeded: digit)
        }
    }

    func sum(threads: Int) -> JacobianPoint<G> {
        var sums = [JacobianPoint<G>](repeating: .infinity, count: windows)
        let count = points.count, width = self.width, windows = self.windows
        points.withUnsafeBufferPointer { points in
            digits.withUnsafeBufferPointer { digits in
                sums.withUnsafeMutableBufferPointer { sums in
                    // Each window writes its own element, and everything else is only read.
                    nonisolated(unsafe) let (points, digits, sums) = (points, digits, sums)
                    let workers = min(threads, windows)
                    if workers == 1 {
                        let worker = BucketWorker<G>(count: count, buckets: 1 << (width - 1))
                        for window in 0..<windows {
                            let row = UnsafeBufferPointer(rebasing: digits[window * count..<(window + 1) * count])
                            sums[window] = worker.sum(points, row)
                        }
                        return
                    }
                    DispatchQueue.concurrentPerform(iterations: workers) { number in
                        let worker = BucketWorker<G>(count: count, buckets: 1 << (width - 1))
                        for window in stride(from: number, to: windows, by: workers) {
                            let row = UnsafeBufferPointer(rebasing: digits[window * count..<(window + 1) * count])
                            sums[window] = worker.sum(points, row)
                        }
                    }
                }
            }
        }
        var result = JacobianPoint<G>.infinity
        for window in sums.reversed() {
            for _ in 0..<width { result = result.doubled() }
            result += window
        }
        return result
    }
}

private func bitWidth(_ k: afk_limbs4) -> Int {
    let l = k.l
    if l.3 != 0 { return 256 - l.3.leadingZeroBitCount }
    if l.2 != 0 { return 192 - l.2.leadingZeroBitCount }
    if l.1 != 0 { return 128 - l.1.leadingZeroBitCount }
    return 64 - l.0.leadingZeroBitCount
}

@inline(__always)
private func word(_ l: (UInt64, UInt64, UInt64, UInt64), _ index: Int) -> UInt64 {
    switch index {
    case 0: l.0
    case 1: l.1
    case 2: l.2
    case 3: l.3
    default: 0
    }
}
