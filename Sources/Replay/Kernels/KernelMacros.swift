// The macros that a source defines, and how much text they could become. Nothing is expanded: the size alone is computed.

/// The `#define`s of one source.
struct KernelMacros {
    /// The most tokens that a source may become.
    static let expandedTokensMax: UInt64 = 1 << 18

    /// One definition.
    struct Definition {
        let parameters: [String]?
        let body: [KernelToken]
    }

    private(set) var definitions: [String: Definition] = [:]
    /// Names that are defined more than once, with the line of the later definition.
    private(set) var repeated: [(name: String, line: Int)] = []
    /// Why the sizes below could not be computed.
    private(set) var problems: [(line: Int, detail: String)] = []
    private var sizes: [String: UInt64] = [:]
    /// The most definitions that one source may hold.
    private static let definitionsMax = 512

    init(_ directives: [KernelDirective]) {
        for directive in directives where directive.name == "define" {
            guard let name = directive.tokens.first, name.kind == .identifier else { continue }
            guard definitions[name.text] == nil else {
                repeated.append((name.text, directive.line))
                continue
            }
            var body = Array(directive.tokens.dropFirst())
            var parameters: [String]?
            if directive.isFunctionLike, let close = TokenIndex(body).matching(0) {
                parameters = body[1..<close].filter { $0.kind == .identifier }.map(\.text)
                body = Array(body[(close + 1)...])
            }
            definitions[name.text] = Definition(parameters: parameters, body: body)
        }
        guard definitions.count <= Self.definitionsMax else {
            problems.append((0, "\(definitions.count) definitions, at most \(Self.definitionsMax) are read"))
            return
        }
        var open: Set<String> = []
        for name in definitions.keys.sorted() { _ = size(of: name, open: &open) }
    }

    /// The number that an object-like macro stands for, if it stands for one.
    func number(_ name: String) -> KernelToken? {
        guard let macro = definitions[name], macro.parameters == nil, macro.body.count == 1 else { return nil }
        return macro.body[0].kind == .number ? macro.body[0] : nil
    }

    /// An upper bound on the number of tokens that `tokens` become.
    func expandedCount(_ tokens: [KernelToken]) -> UInt64 {
        count(tokens) { sizes[$0] ?? 1 }
    }

    /// The size of what a macro becomes. The depth of the recursion is bounded by the number of definitions.
    private mutating func size(of name: String, open: inout Set<String>) -> UInt64 {
        if let known = sizes[name] { return known }
        guard let macro = definitions[name] else { return 1 }
        guard open.insert(name).inserted else {
            problems.append((macro.body.first?.line ?? 0, "\(name) is defined by itself"))
            return 1
        }
        var inner: [String: UInt64] = [:]
        for token in macro.body where definitions[token.text] != nil && inner[token.text] == nil {
            inner[token.text] = size(of: token.text, open: &open)
        }
        open.remove(name)
        let total = max(1, count(macro.body) { inner[$0] ?? 1 })
        sizes[name] = total
        return total
    }

    /// Sums the sizes of `tokens`; what stands in the arguments of a macro counts as often as the macro repeats an argument.
    private func count(_ tokens: [KernelToken], _ size: (String) -> UInt64) -> UInt64 {
        let limit = Self.expandedTokensMax + 1
        var total: UInt64 = 0
        var factor: UInt64 = 1
        var closers: [(depth: Int, factor: UInt64)] = []
        var depth = 0
        var pending: UInt64?
        for token in tokens {
            switch token.text {
            case "(":
                depth += 1
                if let repeats = pending {
                    closers.append((depth, factor))
                    factor = min(limit, factor * max(1, repeats))
                }
                pending = nil
            case ")":
                if let last = closers.last, last.depth == depth {
                    factor = last.factor
                    closers.removeLast()
                }
                depth -= 1
                pending = nil
            default:
                pending = nil
                if token.kind == .identifier, let macro = definitions[token.text], let parameters = macro.parameters {
                    pending = UInt64(macro.body.count { parameters.contains($0.text) })
                }
            }
            let own = token.kind == .identifier && definitions[token.text] != nil ? size(token.text) : 1
            total = min(limit, total + min(limit, factor * min(limit, own)))
        }
        return total
    }
}
