// The engine's calls, answered by a member of a fleet: changes by the leader alone, reads by everybody.
public import Commitments
public import EngineAPI

extension SchedulerSeat: EngineAPI {
    public func engine() async throws(EngineError) -> EngineDescription { described }

    public func account(request: [UInt8]) async throws(EngineError) -> AccountView {
        try await ask { (leader) throws(EngineError) in try await leader.account(request: request) }
    }

    public func account(id: String) async throws(EngineError) -> AccountView {
        try await look { (leader) throws(EngineError) in
            try await leader.account(id: id)
        } else: { (store) throws(EngineError) in
            try store.account(id)
        }
    }

    public func submit(order: [UInt8], spec: [UInt8]) async throws(EngineError) -> JobView {
        try await ask { (leader) throws(EngineError) in try await leader.submit(order: order, spec: spec) }
    }

    public func putFile(job: Digest, cid: CID, bytes: [UInt8]) async throws(EngineError) -> JobView {
        try await ask { (leader) throws(EngineError) in try await leader.putFile(job: job, cid: cid, bytes: bytes) }
    }

    public func file(job: Digest, cid: CID) async throws(EngineError) -> [UInt8] {
        try await look { (leader) throws(EngineError) in
            try await leader.file(job: job, cid: cid)
        } else: { (store) throws(EngineError) in
            try store.file(job, cid)
        }
    }

    public func topUp(job: Digest, topUp: [UInt8]) async throws(EngineError) -> JobView {
        try await ask { (leader) throws(EngineError) in try await leader.topUp(job: job, topUp: topUp) }
    }

    public func close(job: Digest, request: [UInt8]) async throws(EngineError) -> JobView {
        try await ask { (leader) throws(EngineError) in try await leader.close(job: job, request: request) }
    }

    public func job(id: Digest) async throws(EngineError) -> JobView {
        try await look { (leader) throws(EngineError) in
            try await leader.job(id: id)
        } else: { (store) throws(EngineError) in
            try store.job(id)
        }
    }

    public func jobs(limit: Int) async throws(EngineError) -> [JobView] {
        try await look { (leader) throws(EngineError) in
            try await leader.jobs(limit: limit)
        } else: { (store) throws(EngineError) in
            try store.jobs(limit)
        }
    }

    public func receipt(job: Digest) async throws(EngineError) -> [UInt8] {
        try await look { (leader) throws(EngineError) in
            try await leader.receipt(job: job)
        } else: { (store) throws(EngineError) in
            try store.receipt(job)
        }
    }

    public func node(request: [UInt8]) async throws(EngineError) -> LeasedWork? {
        try await ask { (leader) throws(EngineError) in try await leader.node(request: request) }
    }

    public func nodes() async throws(EngineError) -> [NodeView] {
        try await look { (leader) throws(EngineError) in
            try await leader.nodes()
        } else: { (store) throws(EngineError) in
            try store.nodes()
        }
    }

    public func read(job: Digest, reading: [UInt8]) async throws(EngineError) -> JobView {
        try await ask { (leader) throws(EngineError) in try await leader.read(job: job, reading: reading) }
    }

    public func commit(job: Digest, execution: [UInt8], trace: [UInt8]) async throws(EngineError) -> JobView {
        try await ask { (leader) throws(EngineError) in
            try await leader.commit(job: job, execution: execution, trace: trace)
        }
    }

    public func putOutput(job: Digest, cid: CID, bytes: [UInt8]) async throws(EngineError) -> JobView {
        try await ask { (leader) throws(EngineError) in try await leader.putOutput(job: job, cid: cid, bytes: bytes) }
    }

    public func validator(request: [UInt8]) async throws(EngineError) -> VerificationWork? {
        try await ask { (leader) throws(EngineError) in try await leader.validator(request: request) }
    }

    public func judge(job: Digest, verdict: [UInt8]) async throws(EngineError) -> JobView {
        try await ask { (leader) throws(EngineError) in try await leader.judge(job: job, verdict: verdict) }
    }
}
