// A second work-group shape for the kernels of a job, and the source rewritten for it: what a result must not depend on.

/// The steps that are tried with another work-group shape.
struct WorkGroupShapes {
    /// The other shape by index of the step.
    private(set) var shapes: [Int: [UInt64]] = [:]
    /// The sources with `reqd_work_group_size` rewritten, in the spec's order.
    private(set) var sources: [[UInt8]]

    /// Names whose value or effect follows from the shape of a work-group.
    private static let shapeWords: Set<String> = [
        "barrier", "mem_fence", "read_mem_fence", "write_mem_fence", "local", "__local", "get_local_id",
        "get_local_size", "get_group_id", "get_num_groups", "async_work_group_copy", "async_work_group_strided_copy",
        "wait_group_events",
    ]

    /// Chooses shapes for the steps of `spec`, whose ranges are already small.
    ///
    /// A kernel that uses nothing that depends on the shape gets one that halves its own. For every other kernel the author
    /// alone can say which shapes are right: the step's `alternativeLocal`.
    init(_ spec: ReplaySpec, sources: [[UInt8]]) {
        self.sources = sources
        for (index, text) in sources.enumerated() {
            guard let kernel = try? TokenizedKernel(text) else { continue }
            let directives = kernel.directives.flatMap(\.tokens)
            let isFree = !(kernel.tokens + directives).contains { Self.shapeWords.contains($0.text) }
            var byKernel: [String: [UInt64]] = [:]
            var chosen: [Int: [UInt64]] = [:]
            var kept: Set<String> = []
            for (number, step) in spec.steps.enumerated() where step.source == index {
                guard let shape = step.alternativeLocal ?? (isFree ? Self.half(step) : nil), shape != step.local,
                    byKernel[step.kernel] ?? shape == shape
                else {
                    kept.insert(step.kernel)
                    continue
                }
                byKernel[step.kernel] = shape
                chosen[number] = shape
            }
            // All steps of a kernel change shape, or none does: the attribute is the kernel's.
            for name in kept { byKernel[name] = nil }
            for (number, shape) in chosen where byKernel[spec.steps[number].kernel] != nil { shapes[number] = shape }
            self.sources[index] = Self.rewrite(text, kernel, byKernel)
        }
    }

    /// A shape of half as many work-items, or of two where the step has one.
    private static func half(_ step: ReplaySpec.Step) -> [UInt64]? {
        var shape = step.local
        if let dimension = shape.lastIndex(where: { $0.isMultiple(of: 2) }) {
            shape[dimension] /= 2
            return shape
        }
        guard let dimension = shape.indices.first(where: { step.global[$0].isMultiple(of: 2 * shape[$0]) }) else {
            return nil
        }
        shape[dimension] *= 2
        return shape
    }

    private static func rewrite(_ text: [UInt8], _ kernel: TokenizedKernel, _ shapes: [String: [UInt64]]) -> [UInt8] {
        let index = TokenIndex(kernel.tokens)
        let signatures = KernelSignature.all(in: index, macros: KernelMacros(kernel.directives))
        var result = text
        // From the end, so that places before it stay where they are.
        for signature in signatures.reversed() {
            guard let shape = shapes[signature.name], let range = signature.workGroupSizeText else { continue }
            let lengths = (0..<3).map { String($0 < shape.count ? shape[$0] : 1) }.joined(separator: ", ")
            result.replaceSubrange(range, with: lengths.utf8)
        }
        return result
    }
}
