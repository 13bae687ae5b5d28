// Trust policies (c2sp.org/tlog-policy): which logs count and which witnesses must have seen a checkpoint. A policy is a file
// of the verifier's own; nothing in a proof can widen it.
public import Codecs
public import Signatures

/// Logs, witnesses and the quorum rule.
public struct LogPolicy: Sendable {
    /// A log or witness key. Sigsum writes the bare key in hexadecimal and fixes the name elsewhere.
    public enum Key: Hashable, Sendable {
        case note(NoteKey)
        case bare(VerifyingKey)

        /// The key without its name.
        public var verifyingKey: VerifyingKey {
            switch self {
            case .note(let key): key.key
            case .bare(let key): key
            }
        }
    }

    /// A rule over witnesses and earlier groups.
    public struct Group: Sendable, Equatable {
        /// How many members must have seen a checkpoint.
        public var threshold: Int
        /// The names of witnesses and groups.
        public var members: [String]
    }

    /// The logs whose checkpoints count.
    public private(set) var logs: [Key] = []
    /// The witnesses by name.
    public private(set) var witnesses: [String: Key] = [:]
    /// The groups by name.
    public private(set) var groups: [String: Group] = [:]
    /// The witness or group that must have seen a checkpoint; `nil` when none is needed.
    public private(set) var quorum: String?

    /// Reads a policy file.
    ///
    /// Refused: unknown lines, names defined twice or used before their definition, a witness or log key twice under whatever
    /// name, a name that is member of two groups, thresholds out of range, none or two quorum lines, more than 256 lines of
    /// any kind, keys of the wrong algorithm.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        guard bytes.count <= 1 << 18, bytes.allSatisfy({ $0 == 0x09 || $0 == 0x0a || ($0 >= 0x20 && $0 != 0x7f) })
        else {
            throw ParseError(field: "policy", expected: "text of at most 256 KiB", actual: "\(bytes.count) bytes")
        }
        guard bytes.isEmpty || bytes.last == 0x0a else {
            throw ParseError(field: "policy", expected: "a newline at the end", actual: "none")
        }
        var used: Set<String> = []
        var hasQuorum = false
        for (number, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            let words = line.split { $0 == 0x20 || $0 == 0x09 }.map { String(decoding: $0, as: UTF8.self) }
            guard let keyword = words.first, !keyword.hasPrefix("#") else { continue }
            let field = "line \(number + 1)"
            func refuse(_ expected: String) -> ParseError {
                ParseError(field: field, expected: expected, actual: words.joined(separator: " "))
            }
            guard logs.count + witnesses.count + groups.count < 256 else { throw refuse("at most 256 definitions") }
            switch keyword {
            case "log":
                guard words.count == 2 || words.count == 3 else { throw refuse("log KEY [URL]") }
                let key = try Self.key(words[1], .ed25519, field)
                guard !logs.contains(where: { $0.verifyingKey == key.verifyingKey }) else {
                    throw refuse("each log once")
                }
                logs.append(key)
            case "witness":
                guard words.count == 3 || words.count == 4 else { throw refuse("witness NAME KEY [URL]") }
                let key = try Self.key(words[2], .cosignature, field)
                guard isFree(words[1]) else { throw refuse("a new name") }
                guard !witnesses.values.contains(where: { $0.verifyingKey == key.verifyingKey }) else {
                    throw refuse("each witness once")
                }
                witnesses[words[1]] = key
            case "group":
                guard words.count >= 4 else { throw refuse("group NAME all|any|K MEMBER...") }
                let members = Array(words.dropFirst(3))
                guard isFree(words[1]) else { throw refuse("a new name") }
                for member in members {
                    guard witnesses[member] != nil || groups[member] != nil else {
                        throw refuse("members defined above")
                    }
                    guard used.insert(member).inserted else { throw refuse("each name in one group") }
                }
                let threshold: Int
                switch words[2] {
                case "all": threshold = members.count
                case "any": threshold = 1
                default:
                    guard let count = Int(words[2]), String(count) == words[2], (1...members.count).contains(count)
                    else {
                        throw refuse("a threshold from 1 to \(members.count)")
                    }
                    threshold = count
                }
                groups[words[1]] = Group(threshold: threshold, members: members)
            case "quorum":
                guard words.count == 2, !hasQuorum else { throw refuse("one line 'quorum NAME'") }
                hasQuorum = true
                if words[1] != "none" {
                    guard witnesses[words[1]] != nil || groups[words[1]] != nil else {
                        throw refuse("a name defined above")
                    }
                    quorum = words[1]
                }
            default: throw refuse("log, witness, group or quorum")
            }
        }
        guard hasQuorum else { throw ParseError(field: "quorum", expected: "a quorum line", actual: "none") }
    }

    /// Reads a policy that is given line by line.
    public init(lines: [String]) throws(ParseError) {
        try self.init(parsing: Array(lines.map { $0 + "\n" }.joined().utf8))
    }

    private func isFree(_ name: String) -> Bool {
        name != "none" && witnesses[name] == nil && groups[name] == nil
    }

    private static func key(
        _ text: String,
        _ algorithm: NoteKey.Algorithm,
        _ field: String
    ) throws(ParseError) -> Key {
        if text.utf8.count == 64, let bytes = try? Hex.decode(text, count: 32) {
            return .bare(try VerifyingKey(bytes: bytes, field: field))
        }
        let key = try NoteKey(text: text, field: field)
        guard key.algorithm == algorithm else {
            throw ParseError(
                field: field,
                expected: "signature type \(algorithm.rawValue)",
                actual: "\(key.algorithm.rawValue)"
            )
        }
        return .note(key)
    }

    /// Why a checkpoint is not believed under the policy.
    public enum Refusal: Error, Equatable, Sendable {
        /// The policy lists no log; an empty list refuses.
        case noLogs
        /// No listed log of this origin signed, or a listed key's signature is not valid.
        case log(NoteError)
        /// A listed witness's signature is not valid.
        case witness(NoteError)
        /// The witnesses that signed do not make the quorum.
        case quorum(missing: String, seenBy: [String])
    }

    /// What a policy found in a checkpoint that it believes.
    public struct Acceptance: Sendable, Equatable {
        /// The log that signed.
        public var log: NoteKey
        /// The witnesses that cosigned, with their times in seconds since 1970.
        public var witnesses: [String: Int64]
    }

    /// Believes a checkpoint or says why not. Bare keys cannot be matched with signature lines, so they count for nothing here.
    public func verify(_ signed: SignedCheckpoint) throws(Refusal) -> Acceptance {
        let logKeys = logs.compactMap { key -> NoteKey? in
            guard case .note(let key) = key else { return nil }
            return key
        }
        guard !logKeys.isEmpty else { throw .noLogs }
        // A log's key speaks for the origin that is its name and for no other.
        let own = logKeys.filter { $0.name == signed.checkpoint.origin }
        let logSignatures: SignedNote.Verification
        do {
            logSignatures = try signed.note.verify(own)
        } catch {
            throw .log(error)
        }
        guard let log = logSignatures.verified.first?.key else { throw .log(.unsigned) }
        var seen: [String: Int64] = [:]
        for (name, key) in witnesses {
            guard case .note(let key) = key else { continue }
            do throws(NoteError) {
                for (_, signature) in try signed.note.verify([key]).verified {
                    seen[name] = NoteKey.cosignatureTime(signature)
                }
            } catch {
                if error != .unsigned { throw .witness(error) }
            }
        }
        if let quorum, !isSatisfied(quorum, by: seen) {
            throw .quorum(missing: quorum, seenBy: seen.keys.sorted())
        }
        return Acceptance(log: log, witnesses: seen)
    }

    private func isSatisfied(_ name: String, by seen: [String: Int64]) -> Bool {
        // Groups name only what stands above them, so that this ends.
        guard let group = groups[name] else { return seen[name] != nil }
        return group.members.filter { isSatisfied($0, by: seen) }.count >= group.threshold
    }
}
