// Compares outputs by the rules of a spec. Everything is computed in double precision with indices ascending, so that every
// appraiser who has the same bytes says the same.

/// How far a claimed output is from the appraiser's own, by the output's rule.
public struct OutputAgreement: Sendable, Equatable {
    /// The output's index among the slots.
    public var slot: Int
    /// Whether the rule holds.
    public var isWithin: Bool
    /// The largest difference as a part of what the rule allows; 1 is the bound. For rows of largest elements the largest of
    /// the three measures.
    public var worst: Double
    /// The elements, rows or choices that are beyond the bound.
    public var outliers: UInt64
    /// The first element that is beyond it.
    public var firstOutlier: Int?

    /// `worst` in thousandths, rounded up: `0.312`, or `more than the whole`.
    public var text: String {
        guard worst.isFinite, worst < 1_000_000 else { return "more than the whole" }
        let thousandths = Int((worst * 1000).rounded(.up))
        let rest = String(1000 + thousandths % 1000).dropFirst()
        return "\(thousandths / 1000).\(rest)"
    }

    /// Compares every output of a class that is not bit-exact; empty for one that is.
    public static func all(
        claimedOutputs: [String: [UInt8]],
        replayed: Execution,
        spec: ReplaySpec
    ) -> [OutputAgreement] {
        spec.agreements.map { agreement in
            compare(
                agreement,
                claimed: claimedOutputs,
                replayed: replayed.outputs,
                inputs: replayed.comparedInputs,
                spec: spec
            )
        }
    }

    /// Compares one output.
    /// - Parameters:
    ///   - claimed, replayed: outputs by slot name.
    ///   - inputs: the content of input slots by index, for rules that refer to them.
    /// - Returns: a result that is not within when bytes are missing or of another length.
    public static func compare(
        _ agreement: Agreement,
        claimed: [String: [UInt8]],
        replayed: [String: [UInt8]],
        inputs: [Int: [UInt8]],
        spec: ReplaySpec
    ) -> OutputAgreement {
        let slot = spec.slots[agreement.slot]
        var result = OutputAgreement(slot: agreement.slot, isWithin: false, worst: .infinity, outliers: 0)
        guard let theirs = claimed[slot.name], let mine = replayed[slot.name], theirs.count == slot.byteCount,
            mine.count == slot.byteCount
        else { return result }
        let width = Int(slot.shape.last ?? 1)
        switch agreement.rule {
        case .bits:
            let first = theirs.indices.first { theirs[$0] != mine[$0] }.map { $0 / slot.type.byteCount }
            return OutputAgreement(
                slot: agreement.slot,
                isWithin: first == nil,
                worst: first == nil ? 0 : .infinity,
                outliers: first == nil ? 0 : 1,
                firstOutlier: first
            )
        case .product(let left, let right, let tau, let allowed):
            guard let a = inputs[left], let b = inputs[right], a.count == spec.slots[left].byteCount,
                b.count == spec.slots[right].byteCount
            else { return result }
            let rows = rowNorms(numbers(a, spec.slots[left].type), width: Int(spec.slots[left].shape[1]))
            let columns = columnNorms(numbers(b, spec.slots[right].type), width: width)
            result.count(numbers(theirs, slot.type), numbers(mine, slot.type), allowed) {
                tau * rows[$0 / width] * columns[$0 % width]
            }
        case .row(let tau, let allowed):
            let values = numbers(mine, slot.type)
            let norms = rowNorms(values, width: width)
            result.count(numbers(theirs, slot.type), values, allowed) { tau * norms[$0 / width] }
        case .choice(let scores, let tau):
            let table = spec.slots[scores]
            guard let values = replayed[table.name], values.count == table.byteCount else { return result }
            result.countChoices(
                integers(theirs, slot.type),
                numbers(values, table.type),
                width: Int(table.shape.last ?? 1),
                tau: tau
            )
        case .largest(let sketch):
            result.countRows(numbers(theirs, slot.type), numbers(mine, slot.type), width: width, sketch)
        }
        return result
    }

    /// Counts the elements whose difference is above `bound`.
    private mutating func count(
        _ claimed: [Double],
        _ replayed: [Double],
        _ allowed: UInt64,
        bound: (Int) -> Double
    ) {
        worst = 0
        for index in replayed.indices {
            let limit = bound(index)
            let part = Self.part(claimed[index], replayed[index], of: limit)
            worst = max(worst, part)
            if part > 1 { note(index) }
        }
        isWithin = outliers <= allowed
    }

    /// The difference as a part of `limit`. Equal values differ by nothing, infinities and NaN from all others by more than
    /// any bound.
    private static func part(_ claimed: Double, _ replayed: Double, of limit: Double) -> Double {
        if claimed == replayed || (claimed.isNaN && replayed.isNaN) { return 0 }
        guard claimed.isFinite, replayed.isFinite, limit.isFinite, limit > 0 else { return .infinity }
        return abs(claimed - replayed) / limit
    }

    private mutating func countChoices(_ choices: [Int64], _ scores: [Double], width: Int, tau: Double) {
        worst = 0
        let norms = Self.rowNorms(scores, width: width)
        for (row, choice) in choices.enumerated() {
            let values = scores[row * width..<(row + 1) * width]
            guard choice >= 0, choice < Int64(width), let best = values.max() else {
                worst = .infinity
                note(row)
                continue
            }
            let part = Self.part(values[row * width + Int(choice)], best, of: tau * norms[row])
            worst = max(worst, part)
            if part > 1 { note(row) }
        }
        isWithin = outliers == 0
    }

    private mutating func countRows(_ claimed: [Double], _ replayed: [Double], width: Int, _ sketch: Agreement.Sketch) {
        worst = 0
        for row in 0..<replayed.count / width {
            let range = row * width..<(row + 1) * width
            let theirs = Self.largest(claimed[range], sketch.count)
            let mine = Self.largest(replayed[range], sketch.count)
            let common = mine.compactMap { index, value in theirs[index].map { (value, $0) } }
            // Sign and exponent are the upper nine bits of a bfloat16, the mantissa the lower seven.
            let mismatches = common.count { $0.0 >> 7 != $0.1 >> 7 }
            let differences = common.filter { $0.0 >> 7 == $0.1 >> 7 }.map { abs(Int($0.0 & 127) - Int($0.1 & 127)) }
            let mean = differences.isEmpty ? 0 : 1000 * differences.reduce(0, +) / differences.count
            let missing = sketch.count - common.count
            let parts = [
                Self.part(missing, of: sketch.count - sketch.overlapMin),
                Self.part(mismatches, of: sketch.exponentMismatchesMax),
                Self.part(mean, of: sketch.mantissaMeanMaxMilli),
            ]
            worst = max(worst, parts.max() ?? 0)
            if parts.contains(where: { $0 > 1 }) { note(row * width) }
        }
        isWithin = outliers == 0
    }

    private static func part(_ count: Int, of limit: Int) -> Double {
        if count == 0 { return 0 }
        return limit == 0 ? .infinity : Double(count) / Double(limit)
    }

    private mutating func note(_ element: Int) {
        outliers += 1
        if firstOutlier == nil { firstOutlier = element }
    }

    /// The `count` elements of largest magnitude by index, as bfloat16; the lower index of equals.
    private static func largest(_ row: ArraySlice<Double>, _ count: Int) -> [Int: UInt16] {
        let rounded = row.indices.map { ($0, bfloat16(row[$0])) }
        let sorted = rounded.sorted { left, right in
            (left.1 & 0x7fff, right.0) > (right.1 & 0x7fff, left.0)
        }
        return Dictionary(uniqueKeysWithValues: sorted.prefix(count))
    }

    /// The upper half of the nearest single-precision number, ties to even.
    private static func bfloat16(_ value: Double) -> UInt16 {
        let bits = Float(value).bitPattern
        guard bits & 0x7fff_ffff <= 0x7f80_0000 else { return 0x7fc0 }
        return UInt16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
    }

    private static func rowNorms(_ values: [Double], width: Int) -> [Double] {
        (0..<values.count / width).map { row in
            var sum = 0.0
            for index in row * width..<(row + 1) * width { sum += values[index] * values[index] }
            return sum.squareRoot()
        }
    }

    private static func columnNorms(_ values: [Double], width: Int) -> [Double] {
        var sums = [Double](repeating: 0, count: width)
        for index in values.indices { sums[index % width] += values[index] * values[index] }
        return sums.map { $0.squareRoot() }
    }

    private static func numbers(_ bytes: [UInt8], _ type: ElementType) -> [Double] {
        bytes.withUnsafeBytes { buffer in
            stride(from: 0, to: buffer.count, by: type.byteCount).map { offset in
                if type == .f32 {
                    let bits = UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                    return Double(Float(bitPattern: bits))
                }
                let bits = UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                return Double(bitPattern: bits)
            }
        }
    }

    /// Integers of any type; those beyond `Int64` are beyond every index.
    private static func integers(_ bytes: [UInt8], _ type: ElementType) -> [Int64] {
        let size = type.byteCount
        let isSigned = [ElementType.i8, .i16, .i32, .i64].contains(type)
        return stride(from: 0, to: bytes.count, by: size).map { offset in
            let bits = bytes[offset..<offset + size].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let shift = UInt64(64 - 8 * size)
            if isSigned { return Int64(bitPattern: bits << shift) >> Int64(shift) }
            return Int64(exactly: bits) ?? -1
        }
    }
}
