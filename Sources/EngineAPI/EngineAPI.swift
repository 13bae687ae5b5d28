// What an engine does for requesters, nodes and validators, as one protocol. The scheduler implements it; the HTTP server
// offers it; the HTTP client speaks it. Everything that matters is a signed document, so the transport needs no trust.
public import Commitments

/// The calls that an engine answers.
///
/// Every call may be repeated: the same content gets the same answer and changes nothing twice.
public protocol EngineAPI: Sendable {
    /// Who this engine is and by which rules it works.
    func engine() async throws(EngineError) -> EngineDescription

    // MARK: Accounts

    /// Does what a signed request asks of accounts: `open`, `credit`, `withdraw`.
    /// - Parameter request: a DSSE envelope over an `EngineRequest`.
    func account(request: [UInt8]) async throws(EngineError) -> AccountView
    /// An account by its id (32 hexadecimal digits).
    func account(id: String) async throws(EngineError) -> AccountView

    // MARK: Jobs

    /// Orders a job: the money is held before this returns.
    /// - Parameters:
    ///   - order: a DSSE envelope over an `Order`.
    ///   - spec: the sealed job spec, exactly the bytes that the order names.
    func submit(order: [UInt8], spec: [UInt8]) async throws(EngineError) -> JobView
    /// Hands over a file that the spec names.
    func putFile(job: Digest, cid: CID, bytes: [UInt8]) async throws(EngineError) -> JobView
    /// A file of the job: an input, a source, or an output once it is there.
    func file(job: Digest, cid: CID) async throws(EngineError) -> [UInt8]
    /// Adds money and time to a metered job.
    /// - Parameter topUp: a DSSE envelope over a `TopUp`.
    func topUp(job: Digest, topUp: [UInt8]) async throws(EngineError) -> JobView
    /// Ends a job on its requester's wish, by a signed request: `close`.
    func close(job: Digest, request: [UInt8]) async throws(EngineError) -> JobView
    /// Where a job stands.
    func job(id: Digest) async throws(EngineError) -> JobView
    /// Jobs, newest first.
    func jobs(limit: Int) async throws(EngineError) -> [JobView]
    /// The receipt bundle of a job that has ended.
    func receipt(job: Digest) async throws(EngineError) -> [UInt8]
    /// The offline proof (c2sp.org/tlog-proof) that a receipt is in the engine's log.
    /// - Parameter receipt: the receipt's digest.
    /// - Throws: `notFound`: `log.none` for an engine that keeps no log, `log.pending` when the receipt is not in it, yet or ever.
    func logProof(receipt: Digest) async throws(EngineError) -> [UInt8]

    // MARK: Nodes

    /// Registers a node or asks for work, by a signed request: `register`, `poll`, `abandon`.
    /// - Returns: the lease that the node holds; `nil` when there is none.
    func node(request: [UInt8]) async throws(EngineError) -> LeasedWork?
    /// The nodes that have registered.
    func nodes() async throws(EngineError) -> [NodeView]
    /// Takes a node's meter reading.
    /// - Parameter reading: a DSSE envelope over a `MeterReading`.
    /// - Returns: the job, with what its hold covers and whether the node is to stop.
    func read(job: Digest, reading: [UInt8]) async throws(EngineError) -> JobView
    /// Binds a node to its result.
    /// - Parameters:
    ///   - execution: a DSSE envelope over an `Execution` statement.
    ///   - trace: the trace document whose root the statement names.
    func commit(job: Digest, execution: [UInt8], trace: [UInt8]) async throws(EngineError) -> JobView
    /// Hands over an output that the execution statement names.
    func putOutput(job: Digest, cid: CID, bytes: [UInt8]) async throws(EngineError) -> JobView

    // MARK: Validators

    /// Asks for an execution to verify, by a signed request: `poll`.
    func validator(request: [UInt8]) async throws(EngineError) -> VerificationWork?
    /// Hands in a verdict.
    /// - Parameter verdict: a DSSE envelope over a `VerdictStatement`.
    func judge(job: Digest, verdict: [UInt8]) async throws(EngineError) -> JobView
}

extension EngineAPI {
    /// Most engines' core keeps no log; whoever serves one answers in its place.
    public func logProof(receipt: Digest) async throws(EngineError) -> [UInt8] {
        throw EngineError(.notFound, "log.none", "this engine keeps no log of its receipts")
    }
}
