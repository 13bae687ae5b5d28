// The engine's receipts in a transparency log: out of the ledger's outbox into the log, each once, to the witnesses, and back
// as offline proofs.
//
// What makes a crash harmless: the message is written with the settlement; the log's queue takes a receipt by its digest once
// for ever; the message goes only after that is durable. A message that is delivered again finds its entry there.
internal import Codecs
public import Commitments
public import Ledger
public import LogKeeping
public import Logging
internal import Receipts
internal import Signatures
public import TransparencyLog

/// The log of an engine's receipts at work.
public actor ReceiptLog {
    /// Who is asked to cosign every checkpoint.
    public struct Witness: Sendable {
        /// Where it answers, for messages.
        public var url: String
        /// Its key.
        public var key: NoteKey
        /// Posts a body to its `add-checkpoint`.
        public var send: @Sendable (_ body: [UInt8]) async throws -> (status: Int, body: [UInt8])

        /// A witness that `send` reaches.
        public init(
            url: String,
            key: NoteKey,
            send: @escaping @Sendable (_ body: [UInt8]) async throws -> (status: Int, body: [UInt8])
        ) {
            self.url = url
            self.key = key
            self.send = send
        }
    }

    /// The log in numbers.
    public struct Standing: Sendable, Equatable {
        /// The entries under the public checkpoint.
        public var size: UInt64
        /// How many witnesses have cosigned it.
        public var cosigners: Int
        /// How many are asked.
        public var witnesses: Int
        /// What keeps receipts out of the log; `nil` while nothing does.
        public var trouble: String?
    }

    /// The kind of the messages in the outbox.
    static let messageKind = "receipt.log"
    /// How many messages are taken at a time.
    private static let batchMax = 1000
    /// How long a witness that did not cosign is left alone.
    private static let patience = Duration.seconds(30)

    /// The log's writer.
    public nonisolated let keeper: LogKeeper
    private let store: any LedgerStore
    private let witnesses: [Witness]
    private let log: Logger
    /// The latest checkpoint that every witness was asked about: what proofs are made under.
    private var witnessed: SignedCheckpoint?
    private var askAgain: [String: ContinuousClock.Instant] = [:]
    private var told: [String: String] = [:]
    private var trouble: String?
    private var hasIntegrated = false

    /// A log that takes the receipts of `store`. Nothing is done before `run`.
    public init(keeper: LogKeeper, store: any LedgerStore, witnesses: [Witness], log: Logger) {
        self.keeper = keeper
        self.store = store
        self.witnesses = witnesses
        self.log = log
    }

    /// What goes into the outbox with a settlement.
    static func message(for receipt: Signed<Receipt>, at time: Int64) -> OutboxMessage {
        OutboxMessage(
            id: WorkID(deriving: Array(messageKind.utf8), receipt.digest.bytes),
            kind: messageKind,
            body: receipt.digest.bytes + receipt.logEntry,
            at: time
        )
    }

    /// Logs receipts until the task is cancelled. What fails is tried again, and nothing is lost meanwhile.
    public func run() async {
        while !Task.isCancelled {
            var pause = Duration.milliseconds(250)
            do {
                if try await deliver() == Self.batchMax { pause = .zero }
                trouble = nil
            } catch {
                let text = "\(error)"
                if trouble != text, !Task.isCancelled { log.error("log: \(text)") }
                trouble = text
                pause = .seconds(2)
            }
            try? await Task.sleep(for: pause)
        }
    }

    /// Moves what waits in the outbox into the log and publishes it.
    /// - Returns: how many receipts there were.
    @discardableResult
    public func deliver() async throws -> Int {
        let messages = try store.outbox(kind: Self.messageKind, limit: Self.batchMax)
        if !messages.isEmpty {
            _ = try await keeper.append(
                once: messages.map { message in
                    (Array(message.body.prefix(32)), Array(message.body.dropFirst(32)))
                }
            )
            try await store.commit(Batch(delivered: messages.map(\.id)))
        }
        if !messages.isEmpty || !hasIntegrated {
            _ = try await keeper.integrate()
            hasIntegrated = true
        }
        try await witness()
        return messages.count
    }

    /// The offline proof that a receipt is in the log, under the latest checkpoint that went to the witnesses.
    /// - Returns: `nil` for a receipt that is not under it, yet or ever.
    public func proof(receipt: Digest) async throws(LogError) -> LogProof? {
        guard let witnessed, let index = try await keeper.index(of: receipt.bytes),
            index < witnessed.checkpoint.size
        else { return nil }
        return try await keeper.proof(index: index, under: witnessed)
    }

    /// The log in numbers.
    public var standing: Standing {
        Standing(
            size: witnessed?.checkpoint.size ?? 0,
            cosigners: witnessed.map { signed in witnesses.count { Self.hasSigned($0, signed) } } ?? 0,
            witnesses: witnesses.count,
            trouble: trouble
        )
    }

    // MARK: Witnesses

    private static func hasSigned(_ witness: Witness, _ signed: SignedCheckpoint) -> Bool {
        signed.note.signatures.contains { $0.name == witness.key.name && $0.keyID == witness.key.keyID }
    }

    /// Brings the public checkpoint to every witness that has not cosigned it.
    private func witness() async throws {
        guard let signed = try keeper.folder.checkpoint(), signed.checkpoint.size > 0 else { return }
        let now = ContinuousClock.now
        let asked = witnesses.filter { witness in
            !Self.hasSigned(witness, signed) && askAgain[witness.url].map { $0 <= now } ?? true
        }
        if !asked.isEmpty {
            let keeper = keeper
            let answers = await withTaskGroup(of: (String, String?).self) { group in
                for witness in asked {
                    group.addTask { (witness.url, await Self.ask(witness, about: signed, keeper)) }
                }
                return await group.reduce(into: [(String, String?)]()) { $0.append($1) }
            }
            for (url, refusal) in answers {
                askAgain[url] = refusal == nil ? nil : ContinuousClock.now + Self.patience
                if let refusal, told[url] != refusal { log.error("log: witness \(url): \(refusal)") }
                told[url] = refusal
            }
        }
        witnessed = try keeper.folder.checkpoint()
    }

    /// - Returns: why the witness did not cosign; `nil` when it did.
    private static func ask(_ witness: Witness, about signed: SignedCheckpoint, _ keeper: LogKeeper) async -> String? {
        do {
            switch try await keeper.cosign(signed, by: witness.key, send: witness.send) {
            case .cosigned, .late: return nil
            case .splitView(let known):
                return "it has seen another history of this log: its \(known) entries are no prefix of "
                    + "\(signed.checkpoint.size)"
            case .refused(let status, let reason): return "status \(status): \(reason.prefix(200))"
            case .malformed(let reason): return reason
            case .unproved: return "there is no proof to send"
            }
        } catch {
            return "\(error)"
        }
    }
}
