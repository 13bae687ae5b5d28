// The rules for a replayable kernel, applied to its text before any compiler sees it. The rules keep results the same on every
// device; they are not what keeps a hostile kernel in: that is the sandbox.

/// Checks kernel sources against the rules.
public enum Admission {
    /// The most breaches that are listed for one source.
    private static let faultsMax = 64

    /// Every breach in the sources of `spec`, in the order of the sources and of their lines; empty when all are admitted.
    /// - Parameter sources: the text of each source, in the spec's order.
    public static func faults(in spec: ReplaySpec, sources: [[UInt8]]) -> [AdmissionFault] {
        var faults: [AdmissionFault] = []
        for (index, source) in spec.sources.enumerated() {
            guard sources.indices.contains(index) else {
                faults.append(
                    AdmissionFault(rule: .kernelMissing, source: source.name, line: 0, detail: "no text for the source")
                )
                continue
            }
            do throws(TokenizedKernel.Fault) {
                let kernel = try TokenizedKernel(sources[index])
                var check = SourceCheck(name: source.name, kernel: kernel, replayClass: spec.replayClass)
                check.apply()
                check.checkSteps(of: spec, source: index)
                faults += check.faults.sorted { $0.line < $1.line }.prefix(faultsMax)
            } catch {
                faults.append(
                    AdmissionFault(rule: error.rule, source: source.name, line: error.line, detail: error.detail)
                )
            }
        }
        return faults
    }
}

/// The rules over one source. Each rule is one method; they all look at the same tokens.
struct SourceCheck {
    let name: String
    let kernel: TokenizedKernel
    let replayClass: ReplaySpec.Class
    let macros: KernelMacros
    let index: TokenIndex
    private(set) var faults: [AdmissionFault] = []
    /// The most breaches that are noted; one would do to refuse.
    private static let faultsMax = 256

    init(name: String, kernel: TokenizedKernel, replayClass: ReplaySpec.Class) {
        self.name = name
        self.kernel = kernel
        self.replayClass = replayClass
        macros = KernelMacros(kernel.directives)
        index = TokenIndex(kernel.tokens)
    }

    /// Notes a breach; one of each rule per line is enough.
    mutating func report(_ rule: AdmissionFault.Rule, _ line: Int, column: Int = 0, _ detail: String) {
        guard faults.count < Self.faultsMax else { return }
        guard line == 0 || !faults.contains(where: { $0.rule == rule && $0.line == line }) else { return }
        faults.append(AdmissionFault(rule: rule, source: name, line: line, column: column, detail: detail))
    }

    /// Notes a breach at a token.
    private mutating func report(_ rule: AdmissionFault.Rule, _ token: KernelToken, _ detail: String) {
        report(rule, token.line, column: token.column, detail)
    }

    /// Applies every rule that concerns the text alone.
    mutating func apply() {
        checkDirectives()
        for token in kernel.tokens { checkToken(token) }
        for directive in kernel.directives {
            for token in directive.tokens { checkToken(token) }
        }
        checkPointerCasts()
        checkDeclarations()
        checkAttributes()
        checkAtomics()
        for problem in macros.problems { report(.macroExpansion, problem.line, problem.detail) }
        if macros.expandedCount(kernel.tokens) > KernelMacros.expandedTokensMax {
            report(.macroExpansion, 0, "more than \(KernelMacros.expandedTokensMax) tokens after expansion")
        }
    }

    // MARK: Directives

    private mutating func checkDirectives() {
        for directive in kernel.directives {
            switch directive.name {
            case "define": checkDefinition(directive)
            case "if", "elif", "ifdef", "ifndef": checkCondition(directive)
            case "else", "endif": break
            case "include", "include_next", "import": report(.include, directive.line, "#\(directive.name)")
            case "pragma": report(.pragma, directive.line, "#pragma")
            case "undef": report(.macroName, directive.line, "#undef")
            default: report(.directive, directive.line, "#\(directive.name)")
            }
        }
        for (name, line) in macros.repeated { report(.macroName, line, "\(name) is defined twice") }
    }

    private mutating func checkDefinition(_ directive: KernelDirective) {
        guard let macro = directive.tokens.first, macro.kind == .identifier else {
            report(.macroName, directive.line, "a definition without a name")
            return
        }
        let isTaken =
            KernelNames.keywords.contains(macro.text) || KernelNames.types.contains(macro.text)
            || KernelNames.attributes.contains(macro.text) || macro.text.hasPrefix("_")
            || macro.text.hasPrefix("assay_") || macro.text.hasPrefix("get_") || macro.text == "defined"
        if isTaken { report(.macroName, directive.line, "\(macro.text) means something already") }
        for token in directive.tokens where token.text == "##" || token.text == "#" {
            report(.tokenPasting, token, "\(token.text) in the definition of \(macro.text)")
        }
        let body = macros.definitions[macro.text]?.body ?? []
        var last = body[...]
        while let word = last.last, KernelNames.qualifiers.contains(word.text) { last = last.dropLast() }
        if last.last?.text == "*" {
            report(.pointerCast, directive.line, "\(macro.text) ends in *, which hides a pointer type")
        }
        for token in body where token.text.hasPrefix("atomic_") || token.text.hasPrefix("atom_") {
            report(.atomicResult, token, "\(token.text) in a macro")
        }
    }

    private mutating func checkCondition(_ directive: KernelDirective) {
        for token in directive.tokens where token.kind == .identifier && token.text != "defined" {
            guard macros.definitions[token.text] == nil else { continue }
            report(.deviceCondition, token, "\(token.text) is not defined in this source")
        }
    }

    // MARK: Single tokens

    private mutating func checkToken(_ token: KernelToken) {
        switch token.kind {
        case .string: report(.stringLiteral, token, "a string literal")
        case .number:
            if replayClass == .integer, Self.isFloatingLiteral(token.text) {
                report(.floatingPoint, token, token.text)
            }
        case .identifier:
            if let rule = rule(forIdentifier: token.text) { report(rule, token, token.text) }
        case .character, .punctuator: break
        }
    }

    private static func isFloatingLiteral(_ text: String) -> Bool {
        let lower = text.lowercased()
        if lower.hasPrefix("0x") { return lower.contains("p") || lower.contains(".") }
        return lower.contains(".") || lower.contains("e") || lower.hasSuffix("f")
    }

    private func rule(forIdentifier text: String) -> AdmissionFault.Rule? {
        switch text {
        case "asm", "__asm", "__asm__": return .assembler
        case "printf": return .printf
        case "extern": return .externalDeclaration
        case "union": return .union
        case "sampler_t", "pipe": return .image
        default: break
        }
        let hasPrefix = { (prefixes: [String]) in prefixes.contains { text.hasPrefix($0) } }
        // A class with bounds is for what these compute.
        if replayClass.isBitExact {
            if hasPrefix(["native_", "half_"]) { return .implementationDefinedMath }
            if KernelNames.inexact.contains(text) { return .inexactMath }
            if KernelNames.unspecified.contains(text) { return .unspecifiedContraction }
        }
        if KernelNames.pointerSizedIntegers.contains(text) { return .pointerCast }
        let halfFunctions = ["vload_half", "vstore_half", "vloada_half", "vstorea_half", "convert_half", "as_half"]
        if KernelNames.halfTypes.contains(text) || hasPrefix(halfFunctions) { return .halfPrecision }
        if hasPrefix(["atomic_", "atom_"]), !KernelNames.orderFreeAtomics.contains(text) { return .atomicExchange }
        if hasPrefix(["image"]) && text.hasSuffix("_t") { return .image }
        if hasPrefix(["read_image", "write_image", "get_image", "read_pipe", "write_pipe"]) { return .image }
        if text != "work_group_size_hint",
            hasPrefix([
                "work_group_", "sub_group_", "get_sub_group", "get_num_sub_groups", "get_max_sub_group", "intel_",
            ])
        {
            return .groupCollective
        }
        if text.hasPrefix("_"), !KernelNames.languageUnderscores.contains(text) { return .reservedIdentifier }
        if text.hasPrefix("assay_"), !Prelude.functions.contains(text) { return .reservedIdentifier }
        if replayClass == .integer {
            let floating = ["INFINITY", "NAN", "HUGE_VAL", "HUGE_VALF", "MAXFLOAT", "assay_relu", "assay_to_i32"]
            if KernelNames.floatingTypes.contains(text) || floating.contains(text)
                || hasPrefix(["as_float", "as_double", "convert_float", "convert_double", "M_", "assay_f"])
            {
                return .floatingPoint
            }
        }
        return nil
    }

    // MARK: Shapes of more than one token

    private mutating func checkPointerCasts() {
        let tokens = kernel.tokens
        var isTypedef = false
        for (position, token) in tokens.enumerated() {
            switch token.text {
            case "*":
                var next = position + 1
                while next < tokens.count, KernelNames.qualifiers.contains(tokens[next].text) { next += 1 }
                if next < tokens.count, tokens[next].text == ")" {
                    report(.pointerCast, token, "a cast to a pointer, or a parameter without a name")
                }
                if isTypedef { report(.pointerCast, token, "a typedef of a pointer") }
            case "(":
                if isCastStart(position), let end = index.matching(position), index.hasStar(from: position, to: end) {
                    report(.pointerCast, token, "a cast to a pointer")
                }
                if position + 1 < tokens.count, tokens[position + 1].text == "{" {
                    report(.statementExpression, token, "({")
                }
            case "typedef": isTypedef = true
            case ";": isTypedef = false
            default: break
            }
        }
    }

    /// Whether `(` at `index` stands where an expression does and is followed by a type.
    private func isCastStart(_ index: Int) -> Bool {
        let tokens = kernel.tokens
        guard index + 1 < tokens.count else { return false }
        let first = tokens[index + 1].text
        guard KernelNames.types.contains(first) || KernelNames.qualifiers.contains(first) else { return false }
        guard index > 0, tokens[index - 1].kind == .identifier else { return true }
        let previous = tokens[index - 1].text
        if previous == "for" { return false }
        return KernelNames.statementWords.contains(previous) || macros.definitions[previous] != nil
    }

    /// A declared function without a body would be looked for in the driver's own library.
    private mutating func checkDeclarations() {
        let tokens = kernel.tokens
        var depth = 0
        var hasInitializer = false
        for (index, token) in tokens.enumerated() {
            switch token.text {
            case "{": depth += 1
            case "}":
                depth -= 1
                if depth == 0 { hasInitializer = false }
            case "=": if depth == 0 { hasInitializer = true }
            case ";" where depth == 0:
                if index > 0, tokens[index - 1].text == ")", !hasInitializer {
                    report(.externalDeclaration, token, "a function that is declared and not defined here")
                }
                hasInitializer = false
            case "(" where depth > 0:
                if isLocalDeclaration(index) {
                    report(
                        .externalDeclaration,
                        token,
                        "a function declared inside another: \(tokens[index - 1].text)"
                    )
                }
            default: break
            }
        }
    }

    /// Whether `(` at `index`, inside a function's body, opens the parameters of a declaration: `type name (`.
    private func isLocalDeclaration(_ index: Int) -> Bool {
        let tokens = kernel.tokens
        guard index >= 2, tokens[index - 1].kind == .identifier,
            !KernelNames.keywords.contains(tokens[index - 1].text)
        else { return false }
        var before = index - 2
        var hasStar = false
        while before >= 0, tokens[before].text == "*" {
            hasStar = true
            before -= 1
        }
        guard before >= 0, tokens[before].kind == .identifier else { return false }
        let word = tokens[before].text
        if hasStar { return KernelNames.types.contains(word) || KernelNames.qualifiers.contains(word) }
        return !KernelNames.statementWords.contains(word)
    }

    private mutating func checkAttributes() {
        let tokens = kernel.tokens
        for (index, token) in tokens.enumerated() where token.text == "__attribute__" {
            guard index + 2 < tokens.count, tokens[index + 1].text == "(", tokens[index + 2].text == "(",
                let end = self.index.matching(index + 2)
            else {
                report(.attribute, token, "an attribute that is not written ((…))")
                continue
            }
            var position = index + 3
            while position < end {
                let word = tokens[position]
                if word.kind == .identifier, !KernelNames.attributes.contains(word.text) {
                    report(.attribute, word, word.text)
                }
                position += 1
                if position < end, tokens[position].text == "(", let close = self.index.matching(position) {
                    position = close + 1
                }
            }
        }
        for directive in kernel.directives {
            for token in directive.tokens where token.text == "__attribute__" {
                report(.attribute, token, "an attribute in a macro")
            }
        }
    }

    /// An atomic operation may stand only as a statement of its own, where nothing can see its value.
    private mutating func checkAtomics() {
        let tokens = kernel.tokens
        var parentheses = 0
        for (index, token) in tokens.enumerated() {
            if token.text == "(" { parentheses += 1 }
            if token.text == ")" { parentheses -= 1 }
            guard KernelNames.orderFreeAtomics.contains(token.text) else { continue }
            let before = index > 0 ? tokens[index - 1].text : ";"
            let isStatement =
                parentheses == 0 && [";", "{", "}", "else"].contains(before) && index + 1 < tokens.count
                && tokens[index + 1].text == "("
                && self.index.matching(index + 1).map { $0 + 1 < tokens.count && tokens[$0 + 1].text == ";" } ?? false
            if !isStatement {
                report(.atomicResult, token, "\(token.text) is not a statement of its own in braces")
            }
        }
    }
}
