// A witness (c2sp.org/tlog-witness): it cosigns a checkpoint only after a proof that the log kept everything it had shown
// before. The witness is a pure state machine; whoever runs it stores the new state before the answer leaves.
public import Codecs
public import Commitments
public import Signatures

/// The body of an `add-checkpoint` request.
public struct AddCheckpointRequest: Sendable, Equatable {
    /// The size of the checkpoint that the client thinks the witness cosigned last.
    public var oldSize: UInt64
    /// The consistency proof from there.
    public var proof: [Digest]
    /// The new checkpoint.
    public var checkpoint: SignedCheckpoint

    /// A request from its parts.
    public init(oldSize: UInt64, proof: [Digest], checkpoint: SignedCheckpoint) {
        self.oldSize = oldSize
        self.proof = proof
        self.checkpoint = checkpoint
    }

    /// Reads a request: `old SIZE`, up to 63 hashes, an empty line, the checkpoint.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        guard bytes.count <= SignedNote.maxBytes, let text = String(validating: bytes, as: UTF8.self) else {
            throw ParseError(field: "request", expected: "UTF-8 of bounded length", actual: "\(bytes.count) bytes")
        }
        var rest = Substring(text)
        func nextLine() throws(ParseError) -> Substring {
            guard let end = rest.utf8.firstIndex(of: 0x0a) else {
                throw ParseError(field: "request", expected: "another line", actual: "the end")
            }
            defer { rest = rest[rest.utf8.index(after: end)...] }
            return rest[..<end]
        }
        let first = try nextLine()
        guard first.hasPrefix("old ") else {
            throw ParseError(field: "old", expected: "'old' and a size", actual: String(first))
        }
        oldSize = try LogText.number(first.dropFirst(4), "old")
        proof = []
        var line = try nextLine()
        while !line.isEmpty {
            guard proof.count < 63 else {
                throw ParseError(field: "proof", expected: "at most 63 hashes", actual: "more")
            }
            proof.append(try LogText.digest(line, "proof[\(proof.count)]"))
            line = try nextLine()
        }
        checkpoint = try SignedCheckpoint(parsing: Array(rest.utf8))
    }

    /// The request's bytes.
    public var bytes: [UInt8] {
        let head = "old \(oldSize)\n" + proof.map { Base64.encode($0.bytes) + "\n" }.joined() + "\n"
        return Array(head.utf8) + checkpoint.bytes
    }
}

/// What a witness knows: the logs it follows and the last checkpoint it cosigned of each.
public struct WitnessState: Sendable {
    /// The keys that may sign for an origin.
    public var logs: [String: [NoteKey]]
    /// The last cosigned checkpoint of each origin.
    public var latest: [String: Checkpoint]

    /// A witness of logs.
    public init(logs: [String: [NoteKey]], latest: [String: Checkpoint] = [:]) {
        self.logs = logs
        self.latest = latest
    }

    /// The answer to a request. Its status codes are HTTP's.
    public enum Answer: Sendable, Equatable {
        /// 200: the checkpoint is cosigned once this state has been stored.
        case cosign(Checkpoint)
        /// 400: the request does not parse, or its old size exceeds the checkpoint's.
        case badRequest(String)
        /// 403: no key of the origin signed, or its signature is not valid.
        case forbidden(NoteError)
        /// 404: the origin is not followed.
        case unknownOrigin
        /// 409: the old size is not the last cosigned one, which is given.
        case conflict(size: UInt64)
        /// 422: the proof does not show that the old tree is a prefix.
        case unprocessable(String)

        /// The HTTP status.
        public var status: Int {
            switch self {
            case .cosign: 200
            case .badRequest: 400
            case .forbidden: 403
            case .unknownOrigin: 404
            case .conflict: 409
            case .unprocessable: 422
            }
        }
    }

    /// Decides on a request without changing anything.
    ///
    /// The order of the checks is the document's: origin, signature, sizes, proof.
    public func answer(_ request: AddCheckpointRequest) -> Answer {
        let checkpoint = request.checkpoint.checkpoint
        guard let keys = logs[checkpoint.origin] else { return .unknownOrigin }
        do {
            _ = try request.checkpoint.note.verify(keys)
        } catch {
            return .forbidden(error)
        }
        guard request.oldSize <= checkpoint.size else {
            return .badRequest("the old size \(request.oldSize) exceeds the checkpoint's size \(checkpoint.size)")
        }
        let known = latest[checkpoint.origin]
        guard request.oldSize == known?.size ?? 0 else { return .conflict(size: known?.size ?? 0) }
        guard let known, known.size > 0 else {
            // The empty tree is a prefix of every tree: there is nothing to prove.
            return request.proof.isEmpty ? .cosign(checkpoint) : .unprocessable("a proof from size 0 is empty")
        }
        let isConsistent = MerkleTree.verifyConsistency(
            oldSize: known.size,
            newSize: checkpoint.size,
            proof: request.proof,
            oldRoot: known.root,
            newRoot: checkpoint.root
        )
        return isConsistent ? .cosign(checkpoint) : .unprocessable("the tree of \(known.size) entries is not a prefix")
    }

    /// Decides on a request and, when it is to be cosigned, records the checkpoint.
    ///
    /// The caller holds one lock around this call and the storing of the new state, and stores before it answers: otherwise two
    /// requests could roll the log back.
    public mutating func apply(_ request: AddCheckpointRequest) -> Answer {
        let answer = answer(request)
        if case .cosign(let checkpoint) = answer { latest[checkpoint.origin] = checkpoint }
        return answer
    }
}

/// A witness's key at work.
public struct WitnessSigner: Sendable {
    private let signer: NoteSigner

    /// A witness that signs as `name`.
    public init(name: String, key: SigningKey) throws(ParseError) {
        signer = try NoteSigner(name: name, algorithm: .cosignature, key: key)
    }

    /// The key by which others check the cosignatures.
    public var key: NoteKey { signer.key }

    /// The cosignature of a checkpoint that `WitnessState.apply` accepted.
    /// - Parameter time: seconds since 1970, more than zero.
    public func cosign(_ checkpoint: SignedCheckpoint, at time: Int64) throws(KeyError) -> SignedNote.Signature {
        try signer.sign(checkpoint.note, time: time)
    }
}
