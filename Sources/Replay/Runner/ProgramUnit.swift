// What is compiled ahead, so that the run stage starts no compiler and no linker.

/// One compiled program: a source, made ready for the work-group shapes of the steps that use it.
///
/// PoCL makes a specialised binary per work-group shape. Ahead of a launch it does so only for the shapes in
/// `POCL_BINARY_SPECIALIZE_WG` (PoCL documentation, "Tuning PoCL behavior with ENV variables"), and for each shape either with
/// narrow indices ("small grid") or without, never both in one program. So a source that is launched over small and large
/// ranges makes two programs.
package struct ProgramUnit: Hashable, Sendable {
    /// The source's index in the spec.
    package let source: Int
    /// Whether the program is for ranges whose every dimension is small.
    package let isSmallGrid: Bool
    /// The work-group shapes.
    package let shapes: [[UInt64]]

    /// PoCL counts a range as small while every dimension is below 2^16 − 1.
    private static let smallGridLimit: UInt64 = 65_535

    /// The value of `POCL_BINARY_SPECIALIZE_WG`: `64-1-1-goffs0-smallgrid,…`.
    package var specialization: String {
        shapes.map { shape in
            let lengths = (0..<3).map { String($0 < shape.count ? shape[$0] : 1) }
            return lengths.joined(separator: "-") + "-goffs0" + (isSmallGrid ? "-smallgrid" : "")
        }.joined(separator: ",")
    }

    /// The programs that the steps of `spec` need, by source and then size of range.
    package static func needed(by spec: ReplaySpec) -> [ProgramUnit] {
        spec.sources.indices.flatMap { source in
            [true, false].compactMap { isSmall in
                let steps = spec.steps.filter { $0.source == source && isSmallGrid($0) == isSmall }
                let shapes = Set(steps.map { step in (0..<3).map { $0 < step.local.count ? step.local[$0] : 1 } })
                guard !shapes.isEmpty else { return nil }
                let sorted = shapes.sorted { $0.lexicographicallyPrecedes($1) }
                return ProgramUnit(source: source, isSmallGrid: isSmall, shapes: sorted)
            }
        }
    }

    /// The index in `units` of the program that `step` runs.
    package static func index(of step: ReplaySpec.Step, in units: [ProgramUnit]) -> Int? {
        units.firstIndex { $0.source == step.source && $0.isSmallGrid == isSmallGrid(step) }
    }

    private static func isSmallGrid(_ step: ReplaySpec.Step) -> Bool {
        step.global.allSatisfy { $0 < smallGridLimit }
    }
}
