// Puts together the OpenCL C of a program from the library's parts: what the chosen kernels need, and no other kernel.
internal import CExactOps

/// One part of the library as text: what is common to its kernels, and each of them.
struct KernelText: Sendable {
    /// Everything outside kernels.
    let common: String
    /// The kernels by name, with the comment before each.
    let kernels: [String: String]

    /// Splits a text. A kernel begins with `__kernel` at the start of a line and ends with a line that is `}`.
    init(_ text: String) {
        var common: [Substring] = []
        var kernels: [String: String] = [:]
        var open: [Substring]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("__kernel") {
                var comment: [Substring] = []
                while let last = common.last, last.hasPrefix("//") { comment.insert(common.removeLast(), at: 0) }
                open = comment
            }
            guard var lines = open else {
                common.append(line)
                continue
            }
            lines.append(line)
            open = lines
            guard line == "}" else { continue }
            let body = lines.joined(separator: "\n")
            if let name = Self.name(lines) { kernels[name] = body }
            open = nil
        }
        self.common = Self.withoutEmptyRuns(common)
        self.kernels = kernels
    }

    private static func name(_ lines: [Substring]) -> String? {
        guard let head = lines.first(where: { $0.hasPrefix("void ") }), let end = head.firstIndex(of: "(") else {
            return nil
        }
        return String(head[..<end].dropFirst("void ".count))
    }

    private static func withoutEmptyRuns(_ lines: [Substring]) -> String {
        var kept: [Substring] = []
        for line in lines where !(line.isEmpty && kept.last?.isEmpty ?? true) { kept.append(line) }
        return kept.joined(separator: "\n")
    }

    /// The parts by name.
    static let parts: [String: KernelText] = {
        let names = [
            "functions", "trigonometry", "matmul", "integer", "rows", "attention", "grids", "elements", "random",
            "probe", "vector", "tiled",
        ]
        return Dictionary(uniqueKeysWithValues: names.map { ($0, KernelText(read($0))) })
    }()

    private static func read(_ part: String) -> String {
        var length = 0
        guard let text = assay_exact_text(part, &length) else { return "" }
        return text.withMemoryRebound(to: UInt8.self, capacity: length) { bytes in
            String(decoding: UnsafeBufferPointer(start: bytes, count: length), as: UTF8.self)
        }
    }

    /// The same text with vectors of 16 for scalars: `float` becomes `float16`, and the library's own functions get names
    /// that end in `_16`. It is for functions without branches and without memory.
    static func for16Lanes(_ text: String) -> String {
        var result = ""
        var word = ""
        func flush() {
            switch word {
            case "float", "int", "as_int", "as_float": result += word + "16"
            case _ where word.hasPrefix("exact_"): result += word + "_16"
            default: result += word
            }
            word = ""
        }
        for character in text {
            if character == "_" || character.isLetter || character.isNumber {
                word.append(character)
            } else {
                flush()
                result.append(character)
            }
        }
        flush()
        return result
    }

    /// The program with `kernels` in one schedule.
    static func program(_ kernels: Set<ExactKernel>, _ schedule: Schedule, group: UInt64) -> String {
        let chosen = kernels.sorted { $0.rawValue < $1.rawValue }
        var sections = ["#define GROUP \(group)"]
        let needsFloats = chosen.contains { !$0.isInteger }
        // In this order, because the later ones call the earlier ones.
        for part in ["functions", "trigonometry", "matmul", "rows", "random", "probe"] where needsFloats {
            let isOptional = part == "random" || part == "probe"
            if !isOptional || chosen.contains(where: { $0.part == part }) { sections.append(parts[part]?.common ?? "") }
        }
        if chosen.contains(where: \.isInteger) { sections.append(parts["integer"]?.common ?? "") }
        if schedule == .vector, needsFloats { sections.append(for16Lanes(parts["functions"]?.common ?? "")) }
        if schedule != .definition, needsFloats { sections.append(parts[schedule.rawValue]?.common ?? "") }
        for kernel in chosen {
            let part = schedule == .definition ? kernel.part : schedule.rawValue
            sections.append(parts[part]?.kernels[kernel.function(schedule)] ?? "")
        }
        return sections.joined(separator: "\n") + "\n"
    }

    /// Whether `source` is what `program` makes of the kernels that stand in it, byte for byte.
    static func isProgram(_ source: [UInt8]) -> Bool {
        let text = String(decoding: source, as: UTF8.self)
        let head = "#define GROUP "
        guard text.hasPrefix(head), let line = text.split(separator: "\n").first,
            let group = UInt64(line.dropFirst(head.count))
        else { return false }
        let names = KernelText(text).kernels.keys
        let kernels = Set(names.compactMap { ExactKernel(function: $0) })
        return Schedule.allCases.contains { schedule in
            Set(kernels.map { $0.function(schedule) }) == Set(names)
                && Array(program(kernels, schedule, group: group).utf8) == source
        }
    }
}
