// What an engine hands to nodes and validators: the documents of a job, as they were signed.
public import Codecs
public import Commitments
internal import Receipts

/// A lease and what is needed to fulfil it.
public struct LeasedWork: Sendable, Equatable {
    public var job: Digest
    /// DSSE envelope over the `Lease`, signed by the engine.
    public var lease: [UInt8]
    /// DSSE envelope over the `Order`, signed by the requester.
    public var order: [UInt8]
    /// The sealed job spec.
    public var spec: [UInt8]
    /// DSSE envelopes over the requester's `TopUp`s, in the order of their numbers.
    public var topUps: [[UInt8]]
    /// Whether the node is to hand over what it has.
    public var yields: Bool

    /// Packs a lease.
    public init(
        job: Digest,
        lease: [UInt8],
        order: [UInt8],
        spec: [UInt8],
        topUps: [[UInt8]] = [],
        yields: Bool = false
    ) {
        self.job = job
        self.lease = lease
        self.order = order
        self.spec = spec
        self.topUps = topUps
        self.yields = yields
    }

    /// The work as a JSON object; documents are in base 64, so that their bytes stay as they were signed.
    public var json: JSONValue {
        var object: JSONObject = [
            "job": .string(job.hex),
            "lease": .string(Base64.encode(lease)),
            "order": .string(Base64.encode(order)),
            "spec": .string(Base64.encode(spec)),
        ]
        if !topUps.isEmpty { object["topUps"] = .array(topUps.map { .string(Base64.encode($0)) }) }
        if yields { object["yields"] = .bool(true) }
        return .object(object)
    }

    /// Reads a lease.
    public init(_ value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value, "work")
        job = try Digest(hex: try reader.string("job"), field: "work.job")
        lease = try reader.base64("lease")
        order = try reader.base64("order")
        spec = try reader.base64("spec")
        topUps = []
        if reader.has("topUps") {
            topUps = try reader.array("topUps", max: TopUp.maxCount) {
                (value, path) throws(ParseError) -> [UInt8] in
                guard case .string(let text) = value, text.utf8.count <= 16 << 20 else {
                    throw ParseError(field: path, expected: "a string", actual: value.typeName)
                }
                return try Base64.decode(text, field: path)
            }
        }
        yields = reader.has("yields") ? try reader.bool("yields") : false
        try reader.finish()
    }
}

/// An execution and what is needed to verify it.
public struct VerificationWork: Sendable, Equatable {
    public var job: Digest
    /// DSSE envelope over the `Lease`, signed by the engine.
    public var lease: [UInt8]
    /// DSSE envelope over the `Order`, signed by the requester.
    public var order: [UInt8]
    /// The sealed job spec.
    public var spec: [UInt8]
    /// DSSE envelope over the `Execution` statement, signed by the node.
    public var execution: [UInt8]
    /// The trace document.
    public var trace: [UInt8]
    /// DSSE envelope over the `CommitmentStatement`, signed by the engine; `nil` when nothing is drawn.
    public var commitment: [UInt8]?

    /// Packs an execution.
    public init(
        job: Digest,
        lease: [UInt8],
        order: [UInt8],
        spec: [UInt8],
        execution: [UInt8],
        trace: [UInt8],
        commitment: [UInt8]? = nil
    ) {
        self.job = job
        self.lease = lease
        self.order = order
        self.spec = spec
        self.execution = execution
        self.trace = trace
        self.commitment = commitment
    }

    /// The work as a JSON object; documents are in base 64.
    public var json: JSONValue {
        var object: JSONObject = [
            "job": .string(job.hex),
            "lease": .string(Base64.encode(lease)),
            "order": .string(Base64.encode(order)),
            "spec": .string(Base64.encode(spec)),
            "execution": .string(Base64.encode(execution)),
            "trace": .string(Base64.encode(trace)),
        ]
        if let commitment { object["commitment"] = .string(Base64.encode(commitment)) }
        return .object(object)
    }

    /// Reads an execution.
    public init(_ value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value, "work")
        job = try Digest(hex: try reader.string("job"), field: "work.job")
        lease = try reader.base64("lease")
        order = try reader.base64("order")
        spec = try reader.base64("spec")
        execution = try reader.base64("execution")
        trace = try reader.base64("trace")
        commitment = reader.has("commitment") ? try reader.base64("commitment") : nil
        try reader.finish()
    }
}

extension JSONReader {
    /// Bytes in base 64, at most 16 MiB of text.
    public mutating func base64(_ name: String) throws(ParseError) -> [UInt8] {
        try Base64.decode(try string(name, maxBytes: 16 << 20), field: path(name))
    }
}
