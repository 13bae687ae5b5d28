// The buckets of one window of a multi-scalar product, filled by batches of affine additions with a shared inversion.

/// Coordinates without the flag: (0, 0), which is on no curve here, stands for infinity.
struct Packed<G: CurveGroup> {
    var x: G.Coordinate
    var y: G.Coordinate

    @inline(__always)
    init(x: G.Coordinate, y: G.Coordinate) {
        self.x = x
        self.y = y
    }

    @inline(__always) var isInfinity: Bool { x.isZero && y.isZero }
    @inline(__always) static var infinity: Self { Self(x: .zero, y: .zero) }
    @inline(__always) var affine: AffinePoint<G> { isInfinity ? .infinity : AffinePoint(x: x, y: y) }
}

/// How a pair of points is added.
private enum Addition: UInt8 {
    case chord
    case tangent
    case keepLeft
    case keepRight
    case vanish
}

/// Sums one window after another in buffers of its own, so that each thread has one.
///
/// Points are sorted by bucket, and every bucket is summed pairwise in rounds: no addition of a batch needs the result of
/// another one, so that one inversion serves the whole batch.
final class BucketWorker<G: CurveGroup> {
    private typealias F = G.Coordinate
    /// Additions per inversion: enough to hide it, few enough for the nearest cache.
    private static var batch: Int { 384 }

    private var source: UnsafeMutablePointer<Packed<G>>
    private var target: UnsafeMutablePointer<Packed<G>>
    private let count: Int
    private let buckets: Int
    private let lengths: UnsafeMutablePointer<Int32>
    private let places: UnsafeMutablePointer<Int32>
    private let products: UnsafeMutablePointer<F>
    private let denominators: UnsafeMutablePointer<F>
    private let inputs: UnsafeMutablePointer<Int32>
    private let outputs: UnsafeMutablePointer<Int32>
    private let kinds: UnsafeMutablePointer<Addition>

    /// Room for `count` points in `buckets` buckets.
    init(count: Int, buckets: Int) {
        self.count = count
        self.buckets = buckets
        source = .allocate(capacity: count)
        target = .allocate(capacity: count)
        lengths = .allocate(capacity: buckets)
        places = .allocate(capacity: buckets)
        products = .allocate(capacity: Self.batch)
        denominators = .allocate(capacity: Self.batch)
        inputs = .allocate(capacity: Self.batch)
        outputs = .allocate(capacity: Self.batch)
        kinds = .allocate(capacity: Self.batch)
    }

    deinit {
        source.deallocate()
        target.deallocate()
        lengths.deallocate()
        places.deallocate()
        products.deallocate()
        denominators.deallocate()
        inputs.deallocate()
        outputs.deallocate()
        kinds.deallocate()
    }

    /// The sum of digit_i * point_i over one window.
    func sum(_ points: UnsafeBufferPointer<Packed<G>>, _ digits: UnsafeBufferPointer<Int16>) -> JacobianPoint<G> {
        sort(points, digits)
        var longest = (0..<buckets).reduce(0) { max($0, lengths[$1]) }
        while longest > 1 {
            addPairs()
            longest = (longest + 1) / 2
        }
        // The running sum from the top weighs each bucket with its number.
        var running = JacobianPoint<G>.infinity
        var total = JacobianPoint<G>.infinity
        var position = (0..<buckets).reduce(0) { $0 + Int(lengths[$1]) }
        for bucket in stride(from: buckets - 1, through: 0, by: -1) {
            if lengths[bucket] == 1 {
                position -= 1
                running += source[position].affine
            }
            total += running
        }
        return total
    }

    /// Copies the points into `source`, signs applied and grouped by bucket.
    private func sort(_ points: UnsafeBufferPointer<Packed<G>>, _ digits: UnsafeBufferPointer<Int16>) {
        lengths.update(repeating: 0, count: buckets)
        for index in 0..<count where digits[index] != 0 && !points[index].isInfinity {
            lengths[Int(digits[index].magnitude) - 1] += 1
        }
        var position: Int32 = 0
        for bucket in 0..<buckets {
            places[bucket] = position
            position += lengths[bucket]
        }
        for index in 0..<count where digits[index] != 0 && !points[index].isInfinity {
            let digit = digits[index]
            let bucket = Int(digit.magnitude) - 1
            var point = points[index]
            if digit < 0 { point.y = -point.y }
            source[Int(places[bucket])] = point
            places[bucket] += 1
        }
    }

    /// One round: every bucket of n points becomes one of (n + 1) / 2.
    private func addPairs() {
        var read: Int32 = 0
        var write: Int32 = 0
        var pending = 0
        for bucket in 0..<buckets {
            let length = lengths[bucket]
            if length == 0 { continue }
            for _ in 0..<length / 2 {
                inputs[pending] = read
                outputs[pending] = write
                pending += 1
                read += 2
                write += 1
                if pending == Self.batch {
                    addBatch(pending)
                    pending = 0
                }
            }
            if length & 1 == 1 {
                target[Int(write)] = source[Int(read)]
                read += 1
                write += 1
            }
            lengths[bucket] = (length + 1) / 2
        }
        if pending > 0 { addBatch(pending) }
        swap(&source, &target)
    }

    /// target[output] = source[input] + source[input + 1] for the pending pairs.
    private func addBatch(_ pending: Int) {
        var product = F.one
        for k in 0..<pending {
            let left = source + Int(inputs[k])
            let right = left + 1
            var denominator = right.pointee.x - left.pointee.x
            var kind = Addition.chord
            if left.pointee.isInfinity {
                kind = .keepRight
            } else if right.pointee.isInfinity {
                kind = .keepLeft
            } else if denominator.isZero {
                kind = left.pointee.y == right.pointee.y && !left.pointee.y.isZero ? .tangent : .vanish
                denominator = left.pointee.y.doubled()
            }
            kinds[k] = kind
            if kind != .chord && kind != .tangent { denominator = .one }
            denominators[k] = denominator
            products[k] = product
            product = product * denominator
        }
        // Every factor is a difference of unequal coordinates, twice a coordinate that is not zero, or one.
        guard var inverse = product.inverse() else { preconditionFailure("a product of non-zero factors is not zero") }
        for k in stride(from: pending - 1, through: 0, by: -1) {
            let reciprocal = inverse * products[k]
            inverse = inverse * denominators[k]
            let left = source + Int(inputs[k])
            let right = left + 1
            let slope: F
            switch kinds[k] {
            case .chord:
                slope = (right.pointee.y - left.pointee.y) * reciprocal
            case .tangent:
                let square = left.pointee.x.squared()
                slope = (square.doubled() + square + G.a) * reciprocal
            case .keepLeft:
                target[Int(outputs[k])] = left.pointee
                continue
            case .keepRight:
                target[Int(outputs[k])] = right.pointee
                continue
            case .vanish:
                target[Int(outputs[k])] = .infinity
                continue
            }
            let x = slope.squared() - left.pointee.x - right.pointee.x
            let y = slope * (left.pointee.x - x) - left.pointee.y
            target[Int(outputs[k])] = Packed(x: x, y: y)
        }
    }
}
