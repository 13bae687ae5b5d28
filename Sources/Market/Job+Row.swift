// The rows in which jobs and nodes survive a restart: a byte for the version, then every field in a fixed order. A million of
// them are read at a start, so they are no text.
public import Codecs
internal import Commitments
internal import Dispatch
public import Ledger
internal import Receipts
internal import Replay
internal import Signatures
internal import Synchronization

extension Job {
    /// The kind of an open job's row.
    public static let recordKind = "job"
    private static let version: UInt8 = 1

    /// The job's row.
    public var row: [UInt8] {
        var row: [UInt8] = [Self.version]
        row.reserveCapacity(640)
        row.append(id)
        row.append(text: name)
        row.append(requester)
        row += account.bytes
        row.append(nonce)
        row.append(orderDigest)
        row.append(specDigest)
        row.append(text: currency)
        row.appendBigEndian(workUnits)
        row.appendBigEndian(maxPerMegaUnit)
        row.append(choice: device.kind)
        row.appendBigEndian(device.memoryBytes)
        for seconds in [
            deadlines.uploadSeconds, deadlines.matchSeconds, deadlines.runSeconds, deadlines.verifySeconds,
        ] {
            row.appendBigEndian(seconds)
        }
        row.append(terms)
        row.appendBigEndian(attemptsAllowed)
        row.appendBigEndian(submittedAt)
        row.appendBigEndian(held)
        row.appendBigEndian(topUps)
        row.append(choice: phase)
        row.appendBigEndian(deadline)
        row.appendBigEndian(attempt)
        row.appendBigEndian(draws)
        row.append(UInt8(truncatingIfNeeded: history.count))
        for past in history {
            row.appendBigEndian(past.attempt)
            row.append(past.node)
            row.append(text: past.end)
            row.appendBigEndian(past.penalty)
        }
        row.append(optional: assignment) { row, assignment in
            row.append(assignment.node)
            row.appendBigEndian(assignment.pricePerMegaUnit)
            row.appendBigEndian(assignment.stake)
            row.appendBigEndian(assignment.grantedAt)
            row.appendBigEndian(assignment.expiresAt)
        }
        row.append(optional: claim) { row, claim in
            row.append(claim.executionDigest)
            row.append(claim.outputRoot)
            row.appendBigEndian(claim.workUnits)
        }
        row.append(optional: reading) { row, reading in
            row.append(reading.digest)
            row.appendBigEndian(reading.sequence)
            row.appendBigEndian(reading.workUnits)
            row.appendBigEndian(reading.wallMicroseconds)
        }
        row.append(optional: yield) { row, yield in row.append(choice: yield) }
        row.append(optional: validator) { row, validator in row.append(validator) }
        if let finding {
            row.append(finding.verdictDigest)
            row.append(text: finding.reason.code)
            row.append(text: finding.reason.text)
        }
        return row
    }

    /// Reads the rows of many jobs, on every core: a start waits for it.
    /// - Parameter records: rows of kind `recordKind`; others are passed over.
    /// - Throws: what `init(row:)` throws for one of the damaged rows.
    public static func decode(_ records: [Record]) throws(ParseError) -> [Job] {
        let size = 4096
        let pieces = (records.count + size - 1) / size
        let done = Mutex<[Int: Result<[Job], ParseError>]>([:])
        DispatchQueue.concurrentPerform(iterations: pieces) { piece in
            let part = Result { () throws(ParseError) in
                let rows = records[piece * size..<min(records.count, (piece + 1) * size)]
                var jobs: [Job] = []
                jobs.reserveCapacity(rows.count)
                for record in rows where record.kind == recordKind { jobs.append(try Job(row: record.body ?? [])) }
                return jobs
            }
            done.withLock { $0[piece] = part }
        }
        let parts = done.withLock { $0 }
        var jobs: [Job] = []
        jobs.reserveCapacity(records.count)
        for piece in 0..<pieces { if let part = parts[piece] { jobs += try part.get() } }
        return jobs
    }

    /// Reads a job's row.
    /// - Throws: `ParseError` when it is damaged, of another version, or its parts do not fit its phase.
    public init(row: [UInt8]) throws(ParseError) {
        var reader = ByteReader(row)
        let version = try reader.readByte("job.version")
        guard version == Self.version else {
            throw ParseError(field: "job.version", expected: "\(Self.version)", actual: "\(version)")
        }
        id = try reader.digest("job.id")
        name = try reader.text("job.name")
        requester = try reader.key("job.requester")
        account = try AccountID(bytes: Array(try reader.read(16, "job.account")))
        nonce = try reader.digest("job.nonce")
        orderDigest = try reader.digest("job.orderDigest")
        specDigest = try reader.digest("job.specDigest")
        currency = try reader.text("job.currency")
        workUnits = try reader.number("job.workUnits")
        maxPerMegaUnit = try reader.number("job.maxPerMegaUnit")
        device = ReplaySpec.DeviceRequirement(
            kind: try reader.choice("job.device"),
            memoryBytes: try reader.number("job.device")
        )
        var windows = JobSpec.Deadlines()
        windows.uploadSeconds = try reader.signed("job.deadlines")
        windows.matchSeconds = try reader.signed("job.deadlines")
        windows.runSeconds = try reader.signed("job.deadlines")
        windows.verifySeconds = try reader.signed("job.deadlines")
        deadlines = windows
        terms = try reader.terms("job.terms")
        attemptsAllowed = try reader.number("job.attemptsAllowed")
        submittedAt = try reader.signed("job.submittedAt")
        held = try reader.signed("job.held")
        topUps = try reader.number("job.topUps")
        phase = try reader.choice("job.phase")
        deadline = try reader.signed("job.deadline")
        attempt = try reader.number("job.attempt")
        draws = try reader.number("job.draws")
        for _ in 0..<(try reader.readByte("job.history")) {
            history.append(
                PastAttempt(
                    attempt: try reader.number("job.history.attempt"),
                    node: try reader.key("job.history.node"),
                    end: try reader.text("job.history.end"),
                    penalty: try reader.signed("job.history.penalty")
                )
            )
        }
        if try reader.flag("job.assignment") {
            assignment = Assignment(
                node: try reader.key("job.assignment.node"),
                pricePerMegaUnit: try reader.number("job.assignment.pricePerMegaUnit"),
                stake: try reader.signed("job.assignment.stake"),
                grantedAt: try reader.signed("job.assignment.grantedAt"),
                expiresAt: try reader.signed("job.assignment.expiresAt")
            )
        }
        if try reader.flag("job.claim") {
            claim = Claim(
                executionDigest: try reader.digest("job.claim.executionDigest"),
                outputRoot: try reader.digest("job.claim.outputRoot"),
                workUnits: try reader.number("job.claim.workUnits")
            )
        }
        if try reader.flag("job.reading") {
            reading = Reading(
                digest: try reader.digest("job.reading.digest"),
                sequence: try reader.signed("job.reading.sequence"),
                workUnits: try reader.number("job.reading.workUnits"),
                wallMicroseconds: try reader.number("job.reading.wallMicroseconds")
            )
        }
        if try reader.flag("job.yield") { yield = try reader.choice("job.yield") }
        if try reader.flag("job.validator") { validator = try reader.key("job.validator") }
        if phase == .judged { finding = try reader.finding("job.finding") }
        try reader.finish("job")
        try checkPhase()
    }

    /// Refuses a row whose parts do not fit its phase: the engine could not end such a job.
    private func checkPhase() throws(ParseError) {
        func demand(_ name: String, _ isThere: Bool, _ isWanted: Bool) throws(ParseError) {
            guard isThere != isWanted else { return }
            throw ParseError(
                field: "job.\(name)",
                expected: isWanted ? "one in phase \(phase.rawValue)" : "none in phase \(phase.rawValue)",
                actual: isThere ? "one" : "none"
            )
        }
        try demand("assignment", assignment != nil, [.assigned, .committed, .verifying, .judged].contains(phase))
        try demand("claim", claim != nil, [.committed, .verifying, .judged].contains(phase))
        if assignment == nil {
            try demand("reading", reading != nil, false)
            try demand("yield", yield != nil, false)
        }
        if phase != .verifying { try demand("validator", validator != nil, phase == .judged) }
        if terms.gang?.settles != .together { try demand("finding", phase == .judged, false) }
        guard phase != .final else {
            throw ParseError(field: "job.phase", expected: "the phase of an open job", actual: phase.rawValue)
        }
        guard held > 0 else { throw ParseError(field: "job.held", expected: "more than 0", actual: "\(held)") }
        guard history.allSatisfy({ $0.penalty >= 0 }), assignment?.stake ?? 0 >= 0 else {
            throw ParseError(field: "job.stake", expected: "no negative amount", actual: "one")
        }
        guard attempt >= 1 || assignment == nil, attempt <= attemptsAllowed else {
            let expected = "1 to \(attemptsAllowed) with a lease, 0 before the first one"
            throw ParseError(field: "job.attempt", expected: expected, actual: "\(attempt)")
        }
    }
}

extension Node {
    /// The kind of a node's row.
    public static let recordKind = "node"
    private static let version: UInt8 = 1

    /// The node's row.
    public var row: [UInt8] {
        var row: [UInt8] = [Self.version]
        row.append(key)
        row.append(choice: deviceKind)
        row.appendBigEndian(memoryBytes)
        row.appendBigEndian(askPerMegaUnit)
        return row
    }

    /// Reads a node's row.
    public init(row: [UInt8]) throws(ParseError) {
        var reader = ByteReader(row)
        let version = try reader.readByte("node.version")
        guard version == Self.version else {
            throw ParseError(field: "node.version", expected: "\(Self.version)", actual: "\(version)")
        }
        key = try reader.key("node.key")
        deviceKind = try reader.choice("node.deviceType")
        memoryBytes = try reader.number("node.memoryBytes")
        askPerMegaUnit = try reader.number("node.askPerMegaUnit")
        try reader.finish("node")
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ digest: Digest) {
        digest.withUnsafeBytes { append(contentsOf: $0) }
    }

    fileprivate mutating func append(_ key: VerifyingKey) { self += key.bytes }

    /// A length and UTF-8.
    fileprivate mutating func append(text: String) {
        appendVarint(UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    /// The name of a case: the rows outlive the order of the cases.
    fileprivate mutating func append(choice: some RawRepresentable<String>) { append(text: choice.rawValue) }

    fileprivate mutating func append<Value>(optional: Value?, _ write: (inout [UInt8], Value) -> Void) {
        append(optional == nil ? 0 : 1)
        if let optional { write(&self, optional) }
    }

    fileprivate mutating func append(_ terms: JobSpec.Terms) {
        append(choice: terms.mode)
        append(optional: terms.depositUnits) { row, units in row.appendBigEndian(units) }
        append(terms.isPreemptible ? 1 : 0)
        appendBigEndian(terms.bond)
        // 0 for none, else how it settles.
        append(terms.gang.map { $0.settles == .each ? 1 : 2 } ?? 0)
        if let gang = terms.gang {
            append(gang.group)
            appendBigEndian(gang.size)
            appendBigEndian(gang.index)
        }
    }
}

extension ByteReader {
    fileprivate mutating func number<T: FixedWidthInteger & UnsignedInteger>(_ field: String) throws(ParseError) -> T {
        // Loaded as a whole: a row has more than twenty numbers, and a start reads a million rows.
        try read(T.bitWidth / 8, field).withUnsafeBytes { T(bigEndian: $0.loadUnaligned(as: T.self)) }
    }

    fileprivate mutating func digest(_ field: String) throws(ParseError) -> Digest {
        try Digest(try read(Digest.count, field), field: field)
    }

    fileprivate mutating func key(_ field: String) throws(ParseError) -> VerifyingKey {
        try VerifyingKey(bytes: Array(try read(32, field)), field: field)
    }

    fileprivate mutating func text(_ field: String) throws(ParseError) -> String {
        let count = try readVarint(field)
        guard count <= 1024 else { throw ParseError(field: field, expected: "at most 1024 bytes", actual: "\(count)") }
        let bytes = try read(Int(count), field)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ParseError(field: field, expected: "UTF-8", actual: "other bytes")
        }
        return text
    }

    fileprivate mutating func choice<Value: RawRepresentable<String>>(_ field: String) throws(ParseError) -> Value {
        let text = try text(field)
        guard let value = Value(rawValue: text) else {
            throw ParseError(field: field, expected: "a known word", actual: text)
        }
        return value
    }

    fileprivate mutating func signed(_ field: String) throws(ParseError) -> Int64 {
        Int64(bitPattern: try number(field))
    }

    fileprivate mutating func flag(_ field: String) throws(ParseError) -> Bool {
        let byte = try readByte(field)
        guard byte <= 1 else { throw ParseError(field: field, expected: "0 or 1", actual: "\(byte)") }
        return byte == 1
    }

    fileprivate mutating func finding(_ field: String) throws(ParseError) -> Job.Finding {
        let verdict = try digest(field)
        let (code, text) = (try text(field), try text(field))
        let reason = Reason(code: code, text: text)
        guard reason.code == code, reason.text == text else {
            throw ParseError(field: field, expected: "a reason", actual: code)
        }
        return Job.Finding(verdictDigest: verdict, reason: reason)
    }

    fileprivate mutating func terms(_ field: String) throws(ParseError) -> JobSpec.Terms {
        var terms = JobSpec.Terms()
        terms.mode = try choice(field)
        if try flag(field) { terms.depositUnits = try number(field) }
        terms.isPreemptible = try flag(field)
        terms.bond = try number(field)
        guard terms.bond <= UInt64(Int64.max) else {
            throw ParseError(field: field, expected: "a bond below 2^63", actual: "\(terms.bond)")
        }
        let gang = try readByte(field)
        guard gang > 0 else { return terms }
        guard gang <= 2 else { throw ParseError(field: field, expected: "0 to 2", actual: "\(gang)") }
        terms.gang = JobSpec.Gang(
            group: try digest(field),
            size: try signed(field),
            index: try signed(field),
            settles: gang == 1 ? .each : .together
        )
        return terms
    }
}
