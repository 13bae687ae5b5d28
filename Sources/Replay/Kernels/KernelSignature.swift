// Reads the heads of kernel functions, and compares them with the steps that launch them.

/// The head of one `__kernel` function.
struct KernelSignature: Equatable {
    struct Parameter: Equatable {
        let isPointer: Bool
        /// Whether the pointer's target is `const` or in constant memory.
        let isConstant: Bool
        let isLocal: Bool
        let type: ElementType?
        let text: String
    }

    /// The most kernels that one source may hold.
    static let countMax = 256

    let name: String
    let parameters: [Parameter]
    /// `reqd_work_group_size`, if there is one that can be read.
    let workGroupSize: [UInt64]?
    /// The bytes of its three numbers in the source; `nil` when there are none.
    let workGroupSizeText: Range<Int>?
    let line: Int

    /// The heads in `tokens`, in order.
    static func all(in index: TokenIndex, macros: KernelMacros) -> [KernelSignature] {
        let tokens = index.tokens
        return tokens.indices.compactMap { start in
            guard isKernelWord(tokens[start]) else { return nil }
            return KernelSignature(index, at: start, macros: macros)
        }
    }

    private static func isKernelWord(_ token: KernelToken) -> Bool {
        token.text == "__kernel" || token.text == "kernel"
    }

    private init?(_ index: TokenIndex, at start: Int, macros: KernelMacros) {
        let tokens = index.tokens
        var position = start + 1
        var size: [UInt64]?
        var sizeText: Range<Int>?
        var name: KernelToken?
        var parameters: [Parameter] = []
        while position < tokens.count, tokens[position].text != "{", tokens[position].text != ";",
            !Self.isKernelWord(tokens[position])
        {
            let token = tokens[position]
            let next = position + 1 < tokens.count ? tokens[position + 1].text : ""
            if token.text == "__attribute__", let end = index.matching(position + 1) {
                if let found = Self.workGroupSize(tokens[position...end], macros: macros) {
                    (size, sizeText) = found
                }
                position = end
            } else if name == nil, token.kind == .identifier, next == "(", let end = index.matching(position + 1) {
                name = token
                parameters = Self.parameters(Array(tokens[(position + 2)..<end]))
                position = end
            }
            position += 1
        }
        guard let name else { return nil }
        self.name = name.text
        self.parameters = parameters
        workGroupSize = size
        workGroupSizeText = sizeText
        line = tokens[start].line
    }

    private static func workGroupSize(
        _ attribute: ArraySlice<KernelToken>,
        macros: KernelMacros
    ) -> ([UInt64], Range<Int>)? {
        guard let word = attribute.firstIndex(where: { $0.text == "reqd_work_group_size" }) else { return nil }
        let arguments = attribute[(word + 1)...].prefix { $0.text != ")" }.dropFirst()
        let parts = arguments.split(omittingEmptySubsequences: false) { $0.text == "," }
        let lengths = parts.compactMap { part -> UInt64? in
            guard part.count == 1, let token = part.first else { return nil }
            return integer(macros.number(token.text) ?? token)
        }
        guard lengths.count == 3, parts.count == 3, let first = arguments.first, let last = arguments.last else {
            return nil
        }
        return (lengths, first.range.lowerBound..<last.range.upperBound)
    }

    private static func integer(_ token: KernelToken) -> UInt64? {
        var digits = token.text.lowercased()[...]
        while let last = digits.last, last == "u" || last == "l" { digits = digits.dropLast() }
        return digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
    }

    private static func parameters(_ tokens: [KernelToken]) -> [Parameter] {
        guard !tokens.isEmpty, tokens.map(\.text) != ["void"] else { return [] }
        var parts: [[KernelToken]] = [[]]
        var depth = 0
        for token in tokens {
            if token.text == "(" { depth += 1 }
            if token.text == ")" { depth -= 1 }
            if token.text == ",", depth == 0 { parts.append([]) } else { parts[parts.count - 1].append(token) }
        }
        return parts.map { part in
            let words = part.map(\.text)
            let star = words.firstIndex(of: "*")
            let target = Array(words[..<(star ?? max(0, words.count - 1))])
            return Parameter(
                isPointer: star != nil && words.count { $0 == "*" } == 1,
                isConstant: target.contains("const") || target.contains("__constant") || target.contains("constant"),
                isLocal: target.contains("__local") || target.contains("local"),
                // A vector is as good as its elements behind a pointer, and never what a scalar argument is.
                type: star == nil && target.contains { $0.last?.isNumber ?? false }
                    ? nil : KernelNames.elementType(target),
                text: words.joined(separator: " ")
            )
        }
    }
}

extension SourceCheck {
    /// Checks the kernels that the steps of `spec` launch from the source at `index`, and that every kernel fixes its
    /// work-group size.
    mutating func checkSteps(of spec: ReplaySpec, source index: Int) {
        let heads = kernel.tokens.count { $0.text == "__kernel" || $0.text == "kernel" }
        guard heads <= KernelSignature.countMax else {
            report(.sourceSize, 0, "\(heads) kernels, at most \(KernelSignature.countMax) are read")
            return
        }
        let signatures = KernelSignature.all(in: self.index, macros: macros)
        for signature in signatures where signature.workGroupSize == nil {
            report(.workGroupSize, signature.line, "\(signature.name) has no reqd_work_group_size of three numbers")
        }
        let byName = Dictionary(grouping: signatures, by: \.name)
        for (number, step) in spec.steps.enumerated() where step.source == index {
            let named = byName[step.kernel] ?? []
            guard named.count == 1, let signature = named.first else {
                report(.kernelMissing, 0, "step \(number) needs \(step.kernel), which is here \(named.count) times")
                continue
            }
            let local = (0..<3).map { $0 < step.local.count ? step.local[$0] : 1 }
            if let size = signature.workGroupSize, size != local {
                report(.workGroupSize, signature.line, "\(step.kernel) needs \(size), step \(number) has \(local)")
            }
            checkArguments(of: step, number: number, signature: signature, spec: spec)
        }
    }

    private mutating func checkArguments(
        of step: ReplaySpec.Step,
        number: Int,
        signature: KernelSignature,
        spec: ReplaySpec
    ) {
        guard step.arguments.count == signature.parameters.count else {
            let counts =
                "step \(number) gives \(step.arguments.count) arguments to \(signature.parameters.count) parameters"
            report(.arguments, signature.line, "\(step.kernel): \(counts)")
            return
        }
        for (position, (argument, parameter)) in zip(step.arguments, signature.parameters).enumerated() {
            let isFitting = parameter.takes(argument, slots: spec.slots)
            if !isFitting {
                let place = "step \(number), argument \(position)"
                report(.arguments, signature.line, "\(step.kernel): \(place) is not a \(parameter.text)")
            }
        }
    }
}

extension KernelSignature.Parameter {
    /// Whether an argument of a step fits.
    fileprivate func takes(_ argument: ReplaySpec.Argument, slots: [ReplaySpec.Slot]) -> Bool {
        switch argument {
        case .slot(let slot, let access):
            // A pointer to non-constant memory is a slot that the step writes, whatever the step says.
            isPointer && !isLocal && isConstant == (access == .read) && type == slots[slot].type
        case .slotByIteration(let indices):
            isPointer && !isLocal && isConstant && indices.allSatisfy { type == slots[$0].type }
        case .local(let byteCount):
            isPointer && isLocal && type.map { byteCount.isMultiple(of: UInt64($0.byteCount)) } ?? false
        case .i32: !isPointer && type == .i32
        case .u32: !isPointer && type == .u32
        case .i64: !isPointer && type == .i64
        case .u64, .seedWord: !isPointer && type == .u64
        case .f32: !isPointer && type == .f32
        case .f64: !isPointer && type == .f64
        case .counter(let first, _): takes(first, slots: slots)
        }
    }
}
