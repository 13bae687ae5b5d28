// Many pieces of evidence at once, on several threads of Swift's pool.

public import Codecs

extension AttestationVerifier {
    /// One piece of evidence of a batch with what it must carry.
    public struct Request: Sendable {
        /// The evidence.
        public var evidence: [UInt8]
        /// What it must carry.
        public var expectations: Expectations

        /// Makes a request.
        public init(evidence: [UInt8], expectations: Expectations) {
            self.evidence = evidence
            self.expectations = expectations
        }
    }

    /// How many requests a worker takes at a time: enough to make handing out cheap, few enough to end together.
    private static let sliceCount = 64

    /// Appraises many pieces of evidence; the results stand in the order of the requests and do not depend on `workers`.
    public func verify(
        batch requests: [Request],
        workers: Int
    ) async -> [Result<AttestationResult, ParseError>] {
        let starts = Array(stride(from: 0, to: requests.count, by: Self.sliceCount))
        return await withTaskGroup(of: (Int, [Result<AttestationResult, ParseError>]).self) { group in
            var next = 0
            func add() {
                guard next < starts.count else { return }
                let start = starts[next]
                next += 1
                let slice = requests[start..<min(start + Self.sliceCount, requests.count)]
                group.addTask { (start, slice.map { self.result(of: $0) }) }
            }
            for _ in 0..<max(workers, 1) { add() }
            var slices: [Int: [Result<AttestationResult, ParseError>]] = [:]
            while let (start, results) = await group.next() {
                slices[start] = results
                add()
            }
            return starts.flatMap { slices[$0] ?? [] }
        }
    }

    private func result(of request: Request) -> Result<AttestationResult, ParseError> {
        do throws(ParseError) {
            return .success(try verify(request.evidence, expecting: request.expectations))
        } catch {
            return .failure(error)
        }
    }
}
