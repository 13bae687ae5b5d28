// Asks the vendors' services for what a plan needs: bounded, again after "not now", and nothing counts unless it parsed.

public import Attestation
public import Codecs
internal import Transfer

/// Why something that was asked for did not come.
public enum CollateralError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no such thing at the service (status 404 and its like).
    case notThere(status: Int)
    /// The service refuses for now, and still did after the last attempt.
    case busy(status: Int)
    /// No connection, or it broke off.
    case unreachable(String)
    /// It took too long.
    case timeout
    /// The answer is longer than is read.
    case tooLarge
    /// What came is not what was asked for.
    case malformed(ParseError)
    /// The caller gave up.
    case cancelled

    /// Whether another try later may end otherwise.
    public var isTemporary: Bool {
        switch self {
        case .busy, .unreachable, .timeout: true
        default: false
        }
    }

    public var description: String {
        switch self {
        case .notThere(let status): "the service has none (HTTP status \(status))"
        case .busy(let status): "the service refuses for now (HTTP status \(status))"
        case .unreachable(let detail): "the service cannot be reached: \(detail)"
        case .timeout: "the service did not answer in time"
        case .tooLarge: "the answer is longer than is read"
        case .malformed(let error): "the answer is something else: \(error)"
        case .cancelled: "given up"
        }
    }
}

/// What came of a plan.
public struct CollateralFetch: Sendable {
    /// The bundle: what was there before and is not replaced, and what came.
    public var bundle: CollateralBundle
    /// What came.
    public var fetched: [CollateralNeed] = []
    /// What was there already, current.
    public var kept: [CollateralNeed] = []
    /// What did not come.
    public var failures: [(need: CollateralNeed, error: CollateralError)] = []
}

/// A client of the vendors' services.
public struct CollateralClient: Sendable {
    /// How patient it is.
    public struct Patience: Sendable {
        /// The longest that one exchange may take.
        public var timeoutMilliseconds = 30_000
        /// How often one thing is asked for, the first time included.
        public var attempts = 4
        /// The longest that is waited before another attempt, whatever the service asks for.
        public var maxWaitMilliseconds = 60_000

        /// Half a minute, four attempts, a minute between them at most.
        public init() {}
    }

    /// The services.
    public let endpoints: CollateralEndpoints
    private let patience: Patience
    private let pool = TransferPool(size: 1)
    private let pause: @Sendable (_ milliseconds: Int) async throws -> Void

    /// Makes a client. Nothing is sent yet.
    /// - Parameter pause: waits; throws when the caller gives up.
    public init(
        _ endpoints: CollateralEndpoints,
        patience: Patience = Patience(),
        pause: @escaping @Sendable (_ milliseconds: Int) async throws -> Void
    ) {
        self.endpoints = endpoints
        self.patience = patience
        self.pause = pause
    }

    /// Fetches what `bundle` does not have current at `time`. What came before a failure is in the result, so another run
    /// asks only for the rest.
    /// - Parameter progress: called before each need with how many are done.
    public func fetch(
        _ plan: CollateralPlan,
        into bundle: CollateralBundle = CollateralBundle(),
        at time: Timestamp,
        progress: @Sendable (_ done: Int, _ of: Int, _ next: CollateralNeed) -> Void = { _, _, _ in }
    ) async -> CollateralFetch {
        var result = CollateralFetch(bundle: bundle)
        for (index, need) in plan.needs.enumerated() {
            progress(index, plan.needs.count, need)
            if need.isMet(by: result.bundle, at: time) {
                result.kept.append(need)
                continue
            }
            do throws(CollateralError) {
                guard let items = try await items(for: need) else { continue }
                // What it replaces is out of date; a list or a TCB info of another time stays in its own bundle.
                result.bundle.items.removeAll { need.accepts($0) || items.contains($0) }
                result.bundle.items += items
                result.fetched.append(need)
            } catch {
                result.failures.append((need, error))
                if error == .cancelled { break }
            }
        }
        return result
    }

    /// Asks until an answer came, the service says no, or patience ends; `nil` when the endpoints leave it out.
    private func items(for need: CollateralNeed) async throws(CollateralError) -> [CollateralItem]? {
        let request: TransferRequest
        do throws(ParseError) {
            guard let made = try endpoints.request(for: need, timeoutMilliseconds: patience.timeoutMilliseconds) else {
                return nil
            }
            request = made
        } catch {
            throw .malformed(error)
        }
        var last = CollateralError.timeout
        for attempt in 1...max(patience.attempts, 1) {
            var wait = 500 << min(attempt - 1, 6)
            let outcome: Result<TransferResponse, TransferError>
            do throws(TransferError) { outcome = .success(try await pool.perform(request)) } catch {
                outcome = .failure(error)
            }
            switch outcome {
            case .success(let answer) where answer.status == 200: return try Self.read(answer, need)
            case .success(let answer) where answer.status == 429 || answer.status >= 500:
                last = .busy(status: answer.status)
                if let seconds = answer.headers["retry-after"].flatMap({ Int($0) }), seconds >= 0 {
                    wait = min(seconds, 86_400) * 1000
                }
            case .success(let answer): throw .notThere(status: answer.status)
            case .failure(.unreachable(let detail)): last = .unreachable(detail)
            case .failure(.timeout): last = .timeout
            case .failure(.tooLarge): throw .tooLarge
            case .failure(.cancelled): throw .cancelled
            }
            guard attempt < patience.attempts else { break }
            do { try await pause(min(wait, patience.maxWaitMilliseconds)) } catch { throw .cancelled }
        }
        throw last
    }

    private static func read(
        _ answer: TransferResponse,
        _ need: CollateralNeed
    ) throws(CollateralError) -> [CollateralItem] {
        do throws(ParseError) { return try need.items(in: answer) } catch { throw .malformed(error) }
    }
}
