// What an engine hands to nodes and validators: the documents of a job, as they were signed.
public import Codecs
public import Commitments

/// A lease and what is needed to fulfil it.
public struct LeasedWork: Sendable, Equatable {
    public var job: Digest
    /// DSSE envelope over the `Lease`, signed by the engine.
    public var lease: [UInt8]
    /// DSSE envelope over the `Order`, signed by the requester.
    public var order: [UInt8]
    /// The sealed job spec.
    public var spec: [UInt8]

    /// Packs a lease.
    public init(job: Digest, lease: [UInt8], order: [UInt8], spec: [UInt8]) {
        self.job = job
        self.lease = lease
        self.order = order
        self.spec = spec
    }

    /// The work as a JSON object; documents are in base 64, so that their bytes stay as they were signed.
    public var json: JSONValue {
        .object([
            "job": .string(job.hex),
            "lease": .string(Base64.encode(lease)),
            "order": .string(Base64.encode(order)),
            "spec": .string(Base64.encode(spec)),
        ])
    }

    /// Reads a lease.
    public init(_ value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value, "work")
        job = try Digest(hex: try reader.string("job"), field: "work.job")
        lease = try reader.base64("lease")
        order = try reader.base64("order")
        spec = try reader.base64("spec")
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
