// The bounds of a replay spec and the checks that concern more than one member.
public import Codecs
internal import Commitments

extension ReplaySpec {
    /// The largest values that a spec may hold. Counts bound the work of reading, sizes the work of running.
    enum Bounds {
        static let sources = 16
        static let slots = 256
        static let steps = 4096
        /// Kernel launches of one run, repeats counted out.
        static let launches = 16_384
        static let arguments = 32
        static let dimensions = 8
        /// OpenCL C text in bytes.
        static let sourceBytes: UInt64 = 1 << 20
        /// Memory of a device or of all slots, in bytes: 1 TiB.
        static let memoryBytes: UInt64 = 1 << 40
        /// Bytes that an npy file may hold beyond its elements.
        static let npyHeaderBytes: UInt64 = 1 << 16
        /// Work-items of one launch.
        static let globalItems: UInt64 = 1 << 40
        /// Work-items of one group: the least that OpenCL devices in use offer.
        static let localItems: UInt64 = 1024
        /// Local memory of one argument in bytes: the least that a device has (OpenCL 1.2 §4.2).
        static let localBytes: UInt64 = 32 << 10
        static let wallSeconds: Int64 = 86_400
        /// Bytes of written slots over all steps, all of which are hashed: 16 TiB.
        static let tracedBytes: UInt64 = 1 << 44
    }

    static func requireUniqueNames(_ names: [String], _ field: String) throws(ParseError) {
        var seen: Set<String> = []
        for (index, name) in names.enumerated() where !seen.insert(name).inserted {
            throw ParseError(field: "\(field)[\(index)].name", expected: "a name not used before", actual: name)
        }
    }

    /// Checks sums over slots and steps against the spec's own limits.
    func checkTotals(_ reader: JSONReader) throws(ParseError) {
        var memory: UInt64 = 0
        var output: UInt64 = 0
        for slot in slots {
            memory += UInt64(slot.byteCount)
            if slot.role == .output { output += UInt64(slot.byteCount) }
        }
        guard memory <= limits.memoryBytes else {
            let field = reader.path("limits.memoryBytes")
            throw ParseError(
                field: field,
                expected: "at least \(memory) for all slots",
                actual: "\(limits.memoryBytes)"
            )
        }
        guard output <= limits.outputBytes else {
            let field = reader.path("limits.outputBytes")
            throw ParseError(
                field: field,
                expected: "at least \(output) for all outputs",
                actual: "\(limits.outputBytes)"
            )
        }
        var traced: UInt64 = 0
        var written: Set<Int> = []
        for (index, step) in steps.enumerated() {
            let count = repeats.first { $0.steps.contains(index) }?.count ?? 1
            for slot in step.writtenSlots {
                // At most 2^40 bytes, 2^5 slots of a step and 2^14 launches: no sum overflows before it is compared.
                traced += UInt64(slots[slot].byteCount) * UInt64(count)
                written.insert(slot)
            }
            guard traced <= Bounds.tracedBytes else { break }
        }
        guard traced <= Bounds.tracedBytes else {
            let field = reader.path("steps")
            throw ParseError(field: field, expected: "at most \(Bounds.tracedBytes) written bytes", actual: "\(traced)")
        }
        if replayClass == .integer {
            for (index, slot) in slots.enumerated() where slot.type.isFloatingPoint {
                let field = reader.path("slots[\(index)].dtype")
                throw ParseError(field: field, expected: "an integer type in class integer", actual: slot.type.rawValue)
            }
        }
        guard !outputSlots.isEmpty else {
            throw ParseError(field: reader.path("slots"), expected: "a slot with role out", actual: "none")
        }
        for index in outputSlots where !written.contains(index) {
            let field = reader.path("slots[\(index)]")
            throw ParseError(field: field, expected: "an output that a step writes", actual: "no step writes it")
        }
    }
}

extension ReplaySpec.Slot {
    static func elementCount(shape: [UInt64], type: ElementType, _ field: String) throws(ParseError) -> Int {
        guard !shape.isEmpty else { throw ParseError(field: field, expected: "at least one length", actual: "none") }
        var count: UInt64 = 1
        for length in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard !overflow, product <= ReplaySpec.Bounds.memoryBytes / UInt64(type.byteCount) else {
                let expected = "at most \(ReplaySpec.Bounds.memoryBytes) bytes"
                throw ParseError(field: field, expected: expected, actual: "more")
            }
            count = product
        }
        return Int(count)
    }

    /// Checks that a file of `length` bytes can hold this slot's elements in `format`.
    func checkFileLength(_ length: UInt64, format: Format, _ field: String) throws(ParseError) {
        let content = UInt64(byteCount)
        switch format {
        case .raw:
            guard length == content else {
                throw ParseError(field: field, expected: "\(content) for the slot's shape", actual: "\(length)")
            }
        case .npy:
            guard length > content, length <= content + ReplaySpec.Bounds.npyHeaderBytes else {
                let expected = "\(content) and a header for the slot's shape"
                throw ParseError(field: field, expected: expected, actual: "\(length)")
            }
        }
    }
}

extension ReplaySpec.Step {
    /// A slot that a kernel writes may stand in its argument list only once, or the result depends on the schedule.
    func requireNoAlias(slots: [ReplaySpec.Slot], _ field: String) throws(ParseError) {
        var bound: Set<Int> = []
        let written = Set(writtenSlots)
        guard !written.isEmpty else {
            throw ParseError(field: field, expected: "a slot with access write or readwrite", actual: "none")
        }
        let expected = "a written slot only once among the arguments"
        for (position, argument) in arguments.enumerated() {
            switch argument {
            case .slot(let index, _) where !bound.insert(index).inserted && written.contains(index):
                throw ParseError(field: "\(field)[\(position)].slot", expected: expected, actual: slots[index].name)
            case .slotByIteration(let indices):
                guard let index = indices.first(where: written.contains) else { continue }
                throw ParseError(field: "\(field)[\(position)].slots", expected: expected, actual: slots[index].name)
            default: continue
            }
        }
    }
}

extension JSONReader {
    /// A name: a letter or `_`, then letters, digits, `_`, `.` and `-`, at most 64 bytes.
    mutating func name(_ member: String) throws(ParseError) -> String {
        let text = try string(member, maxBytes: 64)
        guard Self.isIdentifier(text, extra: [UInt8(ascii: "."), UInt8(ascii: "-")]) else {
            throw ParseError(field: path(member), expected: "a name of letters, digits, _ . -", actual: text)
        }
        return text
    }

    /// A C identifier of at most 64 bytes.
    mutating func identifier(_ member: String) throws(ParseError) -> String {
        let text = try string(member, maxBytes: 64)
        guard Self.isIdentifier(text, extra: []) else {
            throw ParseError(field: path(member), expected: "a C identifier", actual: text)
        }
        return text
    }

    private static func isIdentifier(_ text: String, extra: [UInt8]) -> Bool {
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): break
            case UInt8(ascii: "0")...UInt8(ascii: "9") where index > 0: break
            case _ where index > 0 && extra.contains(byte): break
            default: return false
            }
        }
        return !text.isEmpty
    }

    /// A path below the job folder: parts of letters, digits, `_ . -` joined by `/`, none of them `.` or `..`.
    public mutating func relativePath(_ member: String) throws(ParseError) -> String {
        let text = try string(member, maxBytes: 255)
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let isSafe = parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".."
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
                        true
                    default: false
                    }
                }
        }
        guard isSafe else {
            throw ParseError(field: path(member), expected: "a relative path of plain names", actual: text)
        }
        return text
    }

    /// A decimal string, or `nil` when the member is missing.
    mutating func optionalDecimal(_ member: String, in range: ClosedRange<UInt64>) throws(ParseError) -> UInt64? {
        guard has(member) else {
            _ = optionalValue(member)
            return nil
        }
        return try decimal(member, in: range)
    }

    /// A content identifier, or `nil` when the member is missing.
    mutating func optionalCID(_ member: String) throws(ParseError) -> CID? {
        guard let text = try optionalString(member, maxBytes: 128) else { return nil }
        return try CID(text: text, field: path(member))
    }

    /// A signed integer as a decimal string.
    mutating func signed<T: FixedWidthInteger>(_ member: String) throws(ParseError) -> T {
        let text = try string(member, maxBytes: 20)
        guard let number = T(text), String(number) == text else {
            throw ParseError(field: path(member), expected: "a decimal string from \(T.min) to \(T.max)", actual: text)
        }
        return number
    }

    /// The bits of a floating-point number: `0x` and `2 × count` lower-case hexadecimal digits.
    mutating func bits(_ member: String, count: Int) throws(ParseError) -> UInt64 {
        let text = try string(member, maxBytes: 18)
        guard text.hasPrefix("0x") else {
            throw ParseError(field: path(member), expected: "0x and \(2 * count) digits", actual: text)
        }
        return try Hex.decode(text.dropFirst(2), count: count, field: path(member)).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// One to three positive lengths whose product is at most `maxItems`.
    mutating func range(_ member: String, maxItems: UInt64) throws(ParseError) -> [UInt64] {
        let lengths = try array(member, max: 3) { (value, path) throws(ParseError) -> UInt64 in
            guard case .number(let number) = value, let length = number.integer, length > 0 else {
                throw ParseError(field: path, expected: "a positive integer", actual: value.typeName)
            }
            return UInt64(length)
        }
        var items: UInt64 = 1
        for length in lengths {
            let (product, overflow) = items.multipliedReportingOverflow(by: length)
            guard !overflow, product <= maxItems else {
                throw ParseError(field: path(member), expected: "at most \(maxItems) work-items", actual: "more")
            }
            items = product
        }
        guard !lengths.isEmpty else {
            throw ParseError(field: path(member), expected: "one to three lengths", actual: "none")
        }
        return lengths
    }
}
