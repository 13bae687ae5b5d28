// Splits OpenCL C into tokens as the compiler does (C99 §5.1.1.2, phases 2 and 3), and refuses the text on which two compilers,
// or a compiler and this reader, could disagree. Nothing is expanded.

/// One token of a kernel source.
struct KernelToken: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        case identifier
        case number
        case character
        case string
        case punctuator
    }

    let kind: Kind
    let text: String
    /// From 1.
    let line: Int
    /// The place of its first character in the line, from 1.
    let column: Int
    /// Its bytes in the source, with lines that it was spliced from.
    let range: Range<Int>
}

/// A line that begins with `#`.
struct KernelDirective: Equatable, Sendable {
    /// `define`, `if`, …; empty for a lone `#`.
    let name: String
    /// What follows the name.
    let tokens: [KernelToken]
    /// For `#define`: whether `(` follows the macro's name without a space.
    let isFunctionLike: Bool
    let line: Int
}

/// A kernel source as tokens and directives.
struct TokenizedKernel: Equatable, Sendable {
    /// The most bytes that are read.
    static let bytesMax = 256 << 10
    /// The most tokens that are kept.
    static let tokensMax = 65_536

    /// The tokens outside directives.
    private(set) var tokens: [KernelToken] = []
    private(set) var directives: [KernelDirective] = []

    /// A place at which the text is not what admission reads.
    struct Fault: Error, Equatable {
        let rule: AdmissionFault.Rule
        let line: Int
        let detail: String
    }

    /// Splits `source`.
    /// - Throws: the first `Fault` in the text.
    init(_ source: [UInt8]) throws(Fault) {
        guard source.count <= Self.bytesMax else {
            throw Fault(rule: .sourceSize, line: 0, detail: "\(source.count) bytes, at most \(Self.bytesMax) are read")
        }
        var scanner = Scanner(characters: try Self.splice(source))
        var count = 0
        while let line = try scanner.nextLine() {
            if line.first?.text == "#", line.first?.kind == .punctuator {
                let name = line.count > 1 && line[1].kind == .identifier ? line[1].text : ""
                directives.append(
                    KernelDirective(
                        name: name,
                        tokens: Array(line.dropFirst(name.isEmpty ? 1 : 2)),
                        isFunctionLike: name == "define" && scanner.isFunctionLikeDefinition,
                        line: line[0].line
                    )
                )
            } else {
                tokens += line
            }
            count += line.count
            guard count <= Self.tokensMax else {
                let line = line.first?.line ?? 0
                throw Fault(rule: .sourceSize, line: line, detail: "more than \(Self.tokensMax) tokens")
            }
        }
    }

    /// One character after line splicing, with its line.
    fileprivate struct SourceCharacter {
        let byte: UInt8
        let line: Int
        let column: Int
        let offset: Int
    }

    /// Joins lines that end in a backslash, and refuses bytes that have no one meaning.
    private static func splice(_ source: [UInt8]) throws(Fault) -> [SourceCharacter] {
        var characters: [SourceCharacter] = []
        characters.reserveCapacity(source.count)
        var line = 1
        var lineStart = 0
        var index = 0
        while index < source.count {
            let byte = source[index]
            switch byte {
            case UInt8(ascii: "\\"):
                // Compilers differ on spaces between the backslash and the line's end; neither form is needed.
                guard index + 1 < source.count, source[index + 1] == 0x0a else {
                    throw Fault(rule: .sourceText, line: line, detail: "a backslash that does not end its line")
                }
                index += 1
                line += 1
                lineStart = index + 1
            case 0x0a:
                characters.append(
                    SourceCharacter(byte: byte, line: line, column: index - lineStart + 1, offset: index)
                )
                line += 1
                lineStart = index + 1
            case 0x0d:
                guard index + 1 < source.count, source[index + 1] == 0x0a else {
                    throw Fault(rule: .sourceText, line: line, detail: "a carriage return without a line feed")
                }
            // Above ASCII only comments have a use for; a token of such a byte is refused.
            case 0x09, 0x20...0x7e, 0x80...0xff:
                characters.append(
                    SourceCharacter(byte: byte, line: line, column: index - lineStart + 1, offset: index)
                )
            default:
                let digits = String(byte, radix: 16)
                throw Fault(rule: .sourceText, line: line, detail: "byte 0x\(digits), which is not plain text")
            }
            index += 1
        }
        return characters
    }

    private struct Scanner {
        let characters: [SourceCharacter]
        var position = 0
        var isFunctionLikeDefinition = false

        init(characters: [SourceCharacter]) {
            self.characters = characters
        }

        private func byte(_ offset: Int = 0) -> UInt8? {
            position + offset < characters.count ? characters[position + offset].byte : nil
        }

        /// The tokens up to the end of the line; `nil` at the end of the text.
        mutating func nextLine() throws(Fault) -> [KernelToken]? {
            guard position < characters.count else { return nil }
            var tokens: [KernelToken] = []
            isFunctionLikeDefinition = false
            while let current = byte() {
                switch current {
                case 0x0a:
                    position += 1
                    return tokens
                case 0x20, 0x09: position += 1
                case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "/"):
                    while byte().map({ $0 != 0x0a }) ?? false { position += 1 }
                case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*"): try skipComment()
                default:
                    let start = position
                    tokens.append(try token())
                    if tokens.count == 4, tokens[1].text == "define", tokens[3].text == "(" {
                        let isAdjacent = start > 0 && Self.isNameByte(characters[start - 1].byte)
                        isFunctionLikeDefinition = isAdjacent
                    }
                }
            }
            return tokens
        }

        private mutating func skipComment() throws(Fault) {
            let line = characters[position].line
            position += 2
            while let current = byte() {
                if current == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
                    position += 2
                    return
                }
                position += 1
            }
            throw Fault(rule: .sourceText, line: line, detail: "a comment without an end")
        }

        private mutating func token() throws(Fault) -> KernelToken {
            let first = characters[position]
            let start = position
            switch first.byte {
            case _ where Self.isNameByte(first.byte) && !Self.isDigit(first.byte):
                while let next = byte(), Self.isNameByte(next) { position += 1 }
                return make(.identifier, from: start)
            case _ where Self.isDigit(first.byte), UInt8(ascii: ".") where byte(1).map(Self.isDigit) ?? false:
                scanNumber()
                return make(.number, from: start)
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                position += 1
                while let next = byte(), next != first.byte, next != 0x0a, next < 0x80 { position += 1 }
                guard byte() == first.byte else {
                    throw Fault(rule: .sourceText, line: first.line, detail: "a quotation mark without its pair")
                }
                position += 1
                return make(first.byte == UInt8(ascii: "'") ? .character : .string, from: start)
            default: return try punctuator(start)
            }
        }

        /// A preprocessing number (C99 §6.4.8).
        private mutating func scanNumber() {
            while let next = byte() {
                if Self.isNameByte(next) || next == UInt8(ascii: ".") {
                    position += 1
                } else if next == UInt8(ascii: "+") || next == UInt8(ascii: "-"),
                    "eEpP".utf8.contains(characters[position - 1].byte)
                {
                    position += 1
                } else {
                    return
                }
            }
        }

        private mutating func punctuator(_ start: Int) throws(Fault) -> KernelToken {
            let line = characters[start].line
            let ahead = String(decoding: characters[start...].prefix(3).map(\.byte), as: UTF8.self)
            let digraphs = ["<:", ":>", "<%", "%>", "%:"]
            if digraphs.contains(where: { ahead.hasPrefix($0) }) {
                throw Fault(rule: .sourceText, line: line, detail: "digraph \(ahead.prefix(2))")
            }
            if ahead.hasPrefix("??"), let third = ahead.utf8.dropFirst(2).first, "=/'()!<>-".utf8.contains(third) {
                throw Fault(rule: .sourceText, line: line, detail: "trigraph \(ahead)")
            }
            let known =
                ["...", "<<=", ">>="] + ["##", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||"]
            let compound = ["*=", "/=", "%=", "+=", "-=", "&=", "^=", "|="]
            if let match = (known + compound).first(where: { ahead.hasPrefix($0) }) {
                position += match.utf8.count
                return make(.punctuator, from: start)
            }
            guard "[](){}.&*+-~!/%<>^|?:;=,#".utf8.contains(characters[start].byte) else {
                throw Fault(rule: .sourceText, line: line, detail: "character '\(ahead.prefix(1))'")
            }
            position += 1
            return make(.punctuator, from: start)
        }

        private func make(_ kind: KernelToken.Kind, from start: Int) -> KernelToken {
            let text = String(decoding: characters[start..<position].map(\.byte), as: UTF8.self)
            let first = characters[start]
            return KernelToken(
                kind: kind,
                text: text,
                line: first.line,
                column: first.column,
                range: first.offset..<characters[position - 1].offset + 1
            )
        }

        private static func isDigit(_ byte: UInt8) -> Bool {
            byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
        }

        private static func isNameByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
            default: isDigit(byte)
            }
        }
    }
}

/// Tokens with the pairs of their parentheses, so that every rule passes over a hostile text in linear time.
struct TokenIndex {
    let tokens: [KernelToken]
    private let closers: [Int32]
    private let starsBefore: [Int32]

    init(_ tokens: [KernelToken]) {
        self.tokens = tokens
        var closers = [Int32](repeating: -1, count: tokens.count)
        var starsBefore: [Int32] = []
        starsBefore.reserveCapacity(tokens.count)
        var open: [Int] = []
        var stars: Int32 = 0
        for (index, token) in tokens.enumerated() {
            starsBefore.append(stars)
            switch token.text {
            case "(": open.append(index)
            case ")": if let start = open.popLast() { closers[start] = Int32(index) }
            case "*": stars += 1
            default: break
            }
        }
        self.closers = closers
        self.starsBefore = starsBefore
    }

    /// The index of the parenthesis that closes the one at `open`; `nil` when there is none.
    func matching(_ open: Int) -> Int? {
        guard closers.indices.contains(open), closers[open] >= 0 else { return nil }
        return Int(closers[open])
    }

    /// Whether a `*` stands between two indices.
    func hasStar(from start: Int, to end: Int) -> Bool {
        starsBefore[end] > starsBefore[start]
    }
}
