// Why the market refuses an event.
public import Codecs
public import Commitments
public import Ledger

/// A refusal by the market engine, or the failure that stopped it.
public enum MarketError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No open job has this id.
    case unknownJob(Digest)
    /// The node has not registered.
    case unknownNode(String)
    /// The key is not in the engine's validator set.
    case unknownValidator(String)
    /// The job is in another phase than the event needs.
    case wrongPhase(job: Digest, expected: String, actual: String)
    /// The sender does not hold the job's current lease: another attempt, another node, or a lease that ended.
    case staleLease(job: Digest, expected: String, actual: String)
    /// The same id was used before with another content.
    case conflict(field: String, expected: String, actual: String)
    /// A field of an event has a value that the market does not take.
    case refused(ParseError)
    /// The ledger said no.
    case ledger(LedgerError)
    /// An earlier event failed half way; see `Engine.stopped`.
    case stopped(reason: String)

    public var description: String {
        switch self {
        case .unknownJob(let id): "job: expected an open job, found none with id \(id)"
        case .unknownNode(let key): "node: expected a registered node, found \(key)"
        case .unknownValidator(let key): "validator: expected a member of the validator set, found \(key)"
        case .wrongPhase(let job, let expected, let actual): "job \(job): expected phase \(expected), found \(actual)"
        case .staleLease(let job, let expected, let actual):
            "lease of job \(job): expected \(expected), found \(actual)"
        case .conflict(let field, let expected, let actual): "\(field): expected \(expected), found \(actual)"
        case .refused(let error): error.description
        case .ledger(let error): error.description
        case .stopped(let reason): "the market is stopped: \(reason)"
        }
    }
}
