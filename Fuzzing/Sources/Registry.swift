// Every fuzzer. An area's targets stand in a file of their own; a new area is one line here.

enum Registry {
    /// All targets, each name once.
    static let targets: [FuzzTarget] =
        codecs + commitments + signatures + proofs + receipts + replay + transparencyLog
}
