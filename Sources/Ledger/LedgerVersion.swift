// Which steps a ledger's tables have had, against those that this program knows.

enum LedgerVersion {
    /// What is wrong with a ledger that has had the steps `found`, for a program that knows `known`; `nil` when nothing is.
    /// - Parameter canStep: whether the steps that it lacks are about to be taken.
    static func mismatch(found: Set<String>, known: [String], canStep: Bool, place: String = "") -> LedgerError? {
        let later = found.subtracting(known).sorted()
        if !later.isEmpty {
            let detail = "\(place)expected a ledger of this version, found one of a later version with \(list(later))"
            return .noLedger(.otherVersion, detail: detail)
        }
        let lacking = known.filter { !found.contains($0) }
        guard !canStep, !lacking.isEmpty else { return nil }
        let detail =
            "\(place)expected a ledger of this version, found one of an earlier version without \(list(lacking))"
        return .noLedger(.otherVersion, detail: detail + "; assayd brings it up to date when it starts on it")
    }

    private static func list(_ steps: [String]) -> String {
        (steps.count == 1 ? "the step " : "the steps ") + steps.map { "'\($0)'" }.joined(separator: ", ")
    }
}
