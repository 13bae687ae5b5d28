// Reads what Oclgrind writes about a run: one entry per finding, with kernel, line and column.

enum SimulatorLog {
    /// The most bytes that are read.
    static let bytesMax = 256 << 10
    /// The most findings that are kept.
    private static let faultsMax = 32

    /// The findings in `log`, one of each rule per place.
    /// - Parameter names: the source of each kernel, by its name.
    static func faults(in log: String, sources names: [String: String]) -> [AdmissionFault] {
        var faults: [AdmissionFault] = []
        var entry: [Substring] = []
        func close() {
            defer { entry = [] }
            guard let fault = fault(entry, names), faults.count < faultsMax else { return }
            let isKnown = faults.contains {
                $0.rule == fault.rule && $0.line == fault.line && $0.source == fault.source
            }
            if !isKnown { faults.append(fault) }
        }
        for line in log.split(separator: "\n", omittingEmptySubsequences: true) {
            // Details of an entry are indented.
            if let first = line.first, first != "\t", first != " " { close() }
            entry.append(line)
        }
        close()
        return faults
    }

    private static func fault(_ lines: [Substring], _ names: [String: String]) -> AdmissionFault? {
        guard let title = lines.first, let rule = rule(title) else { return nil }
        var kernel = ""
        var place: (line: Int, column: Int) = (0, 0)
        for line in lines.dropFirst() {
            let words = line.split { $0 == " " || $0 == "\t" || $0 == "(" || $0 == ")" }
            if kernel.isEmpty, words.count == 2, words[0] == "Kernel:" { kernel = String(words[1]) }
            if place.line == 0, words.count >= 5, words[0] == "At", words[1] == "line", words[3] == "column" {
                place = (Int(words[2]) ?? 0, Int(words[4]) ?? 0)
            }
        }
        return AdmissionFault(
            rule: rule,
            source: names[kernel] ?? "",
            line: place.line,
            column: place.column,
            detail: "\(kernel): \(title)"
        )
    }

    /// The rule that a finding's first line speaks of; `nil` for what is no finding.
    private static func rule(_ title: Substring) -> AdmissionFault.Rule? {
        if title.hasPrefix("Invalid read") || title.hasPrefix("Invalid write") { return .outOfBounds }
        if title.contains("data race") { return .dataRace }
        if title.contains("divergence detected") { return .barrierDivergence }
        let lower = title.lowercased()
        if lower.contains("uninitialized") { return .uninitialisedMemory }
        // "Oclgrind: n errors generated" and its like only count.
        if lower.hasPrefix("oclgrind") || lower.contains("error limit") { return nil }
        return .invalidOperation
    }
}
