// The rows in which jobs and nodes survive a restart.
public import Codecs
internal import Commitments
internal import Ledger
internal import Receipts
internal import Replay
internal import Signatures

extension Job {
    /// The kind of an open job's row.
    public static let recordKind = "job"

    /// The job as a JSON object.
    public var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.hex),
            "name": .string(name),
            "requester": .string(requester.text),
            "account": .string(account.text),
            "nonce": .string(nonce.hex),
            "orderDigest": .string(orderDigest.hex),
            "specDigest": .string(specDigest.hex),
            "currency": .string(currency),
            "held": .string(String(held)),
            "workUnits": .string(String(workUnits)),
            "maxPerMegaUnit": .string(String(maxPerMegaUnit)),
            "device": .object([
                "type": .string(device.kind.rawValue),
                "memoryBytes": .string(String(device.memoryBytes)),
            ]),
            "deadlines": .object([
                "uploadSeconds": .integer(deadlines.uploadSeconds),
                "matchSeconds": .integer(deadlines.matchSeconds),
                "runSeconds": .integer(deadlines.runSeconds),
                "verifySeconds": .integer(deadlines.verifySeconds),
            ]),
            "attemptsAllowed": .integer(attemptsAllowed),
            "submittedAt": .integer(submittedAt),
            "phase": .string(phase.rawValue),
            "deadline": .integer(deadline),
            "attempt": .integer(attempt),
            "draws": .integer(draws),
            "history": .array(history.map(\.json)),
        ]
        if let assignment { object["assignment"] = assignment.json }
        if let claim {
            object["claim"] = .object([
                "executionDigest": .string(claim.executionDigest.hex),
                "outputRoot": .string(claim.outputRoot.hex),
            ])
        }
        if let validator { object["validator"] = .string(validator.text) }
        return .object(object)
    }

    /// Reads a job's row.
    public init(_ value: JSONValue, _ field: String = "job") throws(ParseError) {
        var reader = try JSONReader(value, field)
        id = try reader.digest("id")
        name = try reader.string("name")
        requester = try reader.key("requester")
        account = try AccountID(text: try reader.string("account"), field: reader.path("account"))
        nonce = try reader.digest("nonce")
        orderDigest = try reader.digest("orderDigest")
        specDigest = try reader.digest("specDigest")
        currency = try reader.string("currency")
        held = try reader.amount("held")
        workUnits = try reader.decimal("workUnits")
        maxPerMegaUnit = try reader.decimal("maxPerMegaUnit")
        var requirement = try reader.object("device")
        device = ReplaySpec.DeviceRequirement(
            kind: try requirement.choice("type"),
            memoryBytes: try requirement.decimal("memoryBytes")
        )
        try requirement.finish()
        var limits = try reader.object("deadlines")
        var windows = JobSpec.Deadlines()
        windows.uploadSeconds = try limits.integer("uploadSeconds")
        windows.matchSeconds = try limits.integer("matchSeconds")
        windows.runSeconds = try limits.integer("runSeconds")
        windows.verifySeconds = try limits.integer("verifySeconds")
        try limits.finish()
        deadlines = windows
        attemptsAllowed = try reader.count("attemptsAllowed")
        submittedAt = try reader.integer("submittedAt")
        phase = try reader.choice("phase")
        deadline = try reader.integer("deadline")
        attempt = try reader.count("attempt")
        draws = try reader.count("draws")
        history = try reader.array("history", max: 64) { (value, path) throws(ParseError) -> PastAttempt in
            try PastAttempt(value, path)
        }
        if let value = reader.optionalValue("assignment") {
            assignment = try Assignment(value, reader.path("assignment"))
        }
        if let value = reader.optionalValue("claim") {
            var inner = try JSONReader(value, reader.path("claim"))
            claim = Claim(
                executionDigest: try inner.digest("executionDigest"),
                outputRoot: try inner.digest("outputRoot")
            )
            try inner.finish()
        }
        if reader.has("validator") { validator = try reader.key("validator") }
        try reader.finish()
        try checkPhase(field)
    }

    /// Refuses a row whose parts do not fit its phase: the engine could not end such a job.
    private func checkPhase(_ field: String) throws(ParseError) {
        func demand(_ name: String, _ isThere: Bool, _ isWanted: Bool) throws(ParseError) {
            guard isThere != isWanted else { return }
            throw ParseError(
                field: "\(field).\(name)",
                expected: isWanted ? "one in phase \(phase.rawValue)" : "none in phase \(phase.rawValue)",
                actual: isThere ? "one" : "none"
            )
        }
        try demand("assignment", assignment != nil, [.assigned, .committed, .verifying].contains(phase))
        try demand("claim", claim != nil, [.committed, .verifying].contains(phase))
        if phase != .verifying { try demand("validator", validator != nil, false) }
        guard phase != .final else {
            throw ParseError(field: "\(field).phase", expected: "the phase of an open job", actual: phase.rawValue)
        }
        guard held > 0 else { throw ParseError(field: "\(field).held", expected: "more than 0", actual: "\(held)") }
        guard attempt >= 1 || assignment == nil, attempt <= attemptsAllowed else {
            let expected = "1 to \(attemptsAllowed) with a lease, 0 before the first one"
            throw ParseError(field: "\(field).attempt", expected: expected, actual: "\(attempt)")
        }
    }
}

extension Job.Assignment {
    var json: JSONValue {
        .object([
            "node": .string(node.text),
            "pricePerMegaUnit": .string(String(pricePerMegaUnit)),
            "stake": .string(String(stake)),
            "grantedAt": .integer(grantedAt),
            "expiresAt": .integer(expiresAt),
        ])
    }

    init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        node = try reader.key("node")
        pricePerMegaUnit = try reader.decimal("pricePerMegaUnit")
        stake = try reader.amount("stake")
        grantedAt = try reader.integer("grantedAt")
        expiresAt = try reader.integer("expiresAt")
        try reader.finish()
    }
}

extension Job.PastAttempt {
    var json: JSONValue {
        .object(["attempt": .integer(attempt), "node": .string(node.text), "end": .string(end)])
    }

    init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        attempt = try reader.count("attempt")
        node = try reader.key("node")
        end = try reader.string("end", maxBytes: 32)
        try reader.finish()
    }
}

extension Node {
    /// The kind of a node's row.
    public static let recordKind = "node"

    /// The node as a JSON object.
    public var json: JSONValue {
        .object([
            "node": .string(key.text),
            "deviceType": .string(deviceKind.rawValue),
            "memoryBytes": .string(String(memoryBytes)),
            "askPerMegaUnit": .string(String(askPerMegaUnit)),
        ])
    }

    /// Reads a node.
    public init(_ value: JSONValue, _ field: String = "node") throws(ParseError) {
        var reader = try JSONReader(value, field)
        key = try reader.key("node")
        deviceKind = try reader.choice("deviceType")
        memoryBytes = try reader.decimal("memoryBytes")
        askPerMegaUnit = try reader.decimal("askPerMegaUnit")
        try reader.finish()
    }
}

extension JSONReader {
    mutating func digest(_ name: String) throws(ParseError) -> Digest {
        try Digest(hex: try string(name), field: path(name))
    }

    mutating func key(_ name: String) throws(ParseError) -> VerifyingKey {
        try VerifyingKey(text: try string(name), field: path(name))
    }

    mutating func amount(_ name: String) throws(ParseError) -> Int64 {
        Int64(try decimal(name, in: 0...UInt64(Int64.max)))
    }

    mutating func count(_ name: String) throws(ParseError) -> UInt32 {
        UInt32(try integer(name, in: 0...Int64(UInt32.max)))
    }
}
