// The job spec (`job.json`, schema `assay.job/1`): what is to be computed, how it will be believed, what may be paid.
public import Codecs
public import Commitments
public import Replay

/// What a requester wants done.
///
/// The authored form may leave out deadlines, attempts and the length and identifier of files; the sealed form has all of
/// them, and its compact bytes are what the job's name binds.
public struct JobSpec: Sendable, Equatable {
    /// The schema that this code reads and writes.
    public static let schema = "assay.job/1"
    /// The most bytes of a `job.json`.
    public static let maxBytes = 1 << 20
    /// The most attempts at a job.
    public static let maxAttempts: Int64 = 5

    /// The most that may be paid.
    public struct Price: Sendable, Equatable {
        /// The currency's code.
        public var currency: String
        /// Minor units per 10^6 work units.
        public var maxPerMegaUnit: UInt64
    }

    /// How long each stage may take, in seconds (1 to 86400).
    public struct Deadlines: Sendable, Equatable {
        /// From the order until all inputs are there.
        public var uploadSeconds: Int64 = 600
        /// Until a node has leased the job.
        public var matchSeconds: Int64 = 600
        /// From the lease until the result is there.
        public var runSeconds: Int64 = 600
        /// From the result until the verdict.
        public var verifySeconds: Int64 = 600

        /// The default for every stage: ten minutes.
        public init() {}
    }

    /// A name for people.
    public let name: String
    /// The computation.
    public private(set) var replay: ReplaySpec
    /// What must hold before the result is believed.
    public private(set) var evidence: EvidenceDemand
    /// The most that may be paid.
    public let price: Price
    /// How long each stage may take.
    public let deadlines: Deadlines
    /// How many nodes may try before the job is given up.
    public let attempts: Int64
    /// How it is paid for beside the price.
    public let terms: Terms
    /// Members that Assay does not read; kept as they are.
    public let ext: JSONObject?
    /// What is set aside before the job is offered: ⌈work units × highest price / 10^6⌉ minor units, at least 1; for a metered
    /// job with a deposit, of the deposit's work units.
    public let holdAmount: UInt64

    /// Reads a spec, authored or sealed.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        try self.init(try JSONValue(parsing: bytes, limits: JSONLimits(bytes: Self.maxBytes)))
    }

    /// Reads a spec, authored or sealed.
    /// - Throws: `ParseError` with the path of the first member that is missing, unknown, of another type or out of bounds.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        try reader.constant("schema", Self.schema)
        name = try reader.code("name")
        replay = try ReplaySpec(try reader.value("replay"), reader.path("replay"))
        evidence = try EvidenceDemand(try reader.value("evidence"), reader.path("evidence"))
        var offer = try reader.object("price")
        price = Price(currency: try offer.code("currency"), maxPerMegaUnit: try offer.amount("maxPerMegaUnit"))
        try offer.finish()
        deadlines =
            if reader.has("deadlines") {
                try Deadlines(try reader.value("deadlines"), reader.path("deadlines"))
            } else {
                Deadlines()
            }
        if reader.has("attempts") {
            attempts = try reader.attempt("attempts")
        } else {
            attempts = 1
        }
        terms =
            if reader.has("terms") {
                try Terms(try reader.value("terms"), reader.path("terms"), workUnits: replay.workUnits)
            } else {
                Terms()
            }
        // The outputs of a run that was cut short are slots for which a spec with bounds states none.
        guard replay.replayClass.isBitExact || !terms.allowsPrefix else {
            let expected = "a bit-exact class under terms that allow a part"
            throw ParseError(
                field: reader.path("replay.class"),
                expected: expected,
                actual: replay.replayClass.rawValue
            )
        }
        if reader.has("ext") {
            guard case .object(let members) = try reader.value("ext") else {
                throw ParseError(field: reader.path("ext"), expected: "an object", actual: "another value")
            }
            ext = members
        } else {
            ext = nil
        }
        try reader.finish()
        guard evidence.proofs.isEmpty || !terms.allowsPrefix else {
            let expected = "terms under which the whole job is done: a proof is about all of it"
            throw ParseError(field: reader.path("terms"), expected: expected, actual: "terms that allow a part")
        }
        guard Charge.amount(workUnits: replay.workUnits, pricePerMegaUnit: price.maxPerMegaUnit) != nil,
            let cost = Charge.amount(
                workUnits: terms.depositUnits ?? replay.workUnits,
                pricePerMegaUnit: price.maxPerMegaUnit
            )
        else {
            throw ParseError(
                field: reader.path("price.maxPerMegaUnit"),
                expected: "a price at which the whole job costs at most \(maxAmount)",
                actual: "\(price.maxPerMegaUnit) for \(replay.workUnits) work units"
            )
        }
        holdAmount = max(1, cost)
    }

    /// Whether every file has its length and identifier.
    public var isSealed: Bool { replay.isSealed && evidence.files.allSatisfy { $0.identity != nil } }

    /// The same spec with the length and identifier of every file filled in.
    /// - Throws: `ParseError` when a file is missing or is not what the spec already says about it.
    public func sealing(
        with files: [String: ArtefactIdentity]
    ) throws(ParseError) -> JobSpec {
        var copy = self
        do throws(ParseError) {
            copy.replay = try replay.sealing(with: files.mapValues { ($0.byteCount, $0.cid) })
        } catch {
            throw error.within("replay")
        }
        copy.evidence = try evidence.sealing(with: files)
        return copy
    }

    /// The spec as a JSON object, with every default written out.
    public var json: JSONValue {
        var object: JSONObject = [
            "schema": .string(Self.schema),
            "name": .string(name),
            "replay": replay.json,
            "evidence": evidence.json,
            "price": .object([
                "currency": .string(price.currency),
                "maxPerMegaUnit": .string(String(price.maxPerMegaUnit)),
            ]),
            "deadlines": deadlines.json,
            "attempts": .integer(attempts),
        ]
        if terms != Terms() { object["terms"] = terms.json }
        if let ext { object["ext"] = .object(ext) }
        return .object(object)
    }

    /// Every file of the folder that the spec names: those of the computation first, then those of the evidence.
    public var files: [JobFile] {
        replay.artefacts.map { JobFile(path: $0.file, byteCount: $0.byteCount, cid: $0.cid) } + evidence.files
    }

    /// The same spec over another computation.
    func replacing(_ replay: ReplaySpec) -> JobSpec {
        var copy = self
        copy.replay = replay
        return copy
    }

    /// The identities of the computation's files in the order of `replay.artefacts`; `nil` before sealing.
    public var inputs: [ArtefactIdentity]? {
        var identities: [ArtefactIdentity] = []
        for artefact in replay.artefacts {
            guard let cid = artefact.cid, let byteCount = artefact.byteCount else { return nil }
            identities.append(ArtefactIdentity(cid: cid, byteCount: byteCount))
        }
        return identities
    }
}

extension JobSpec.Deadlines {
    /// Reads deadlines; a stage that is not named has its default.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        uploadSeconds = try Self.seconds("uploadSeconds", &reader) ?? uploadSeconds
        matchSeconds = try Self.seconds("matchSeconds", &reader) ?? matchSeconds
        runSeconds = try Self.seconds("runSeconds", &reader) ?? runSeconds
        verifySeconds = try Self.seconds("verifySeconds", &reader) ?? verifySeconds
        try reader.finish()
    }

    private static func seconds(_ name: String, _ reader: inout JSONReader) throws(ParseError) -> Int64? {
        guard reader.has(name) else {
            _ = reader.optionalValue(name)
            return nil
        }
        return try reader.integer(name, in: 1...86_400)
    }

    /// The deadlines as a JSON object.
    public var json: JSONValue {
        .object([
            "uploadSeconds": .integer(uploadSeconds),
            "matchSeconds": .integer(matchSeconds),
            "runSeconds": .integer(runSeconds),
            "verifySeconds": .integer(verifySeconds),
        ])
    }
}

/// A sealed spec together with exactly the bytes that the job's name binds.
public struct SealedJob: Sendable, Equatable {
    /// The spec.
    public let spec: JobSpec
    /// Its bytes.
    public let bytes: [UInt8]
    /// The length and identifier of every file of the computation, in the order of `spec.replay.artefacts`.
    public let inputs: [ArtefactIdentity]
    /// Every file of the job folder, in the order of `spec.files`.
    public let files: [SealedFile]
    /// Whether `spec` is only the beginning of what `bytes` say.
    public let isPart: Bool

    /// Writes a sealed spec in its compact form.
    /// - Throws: `ParseError` when the spec is not sealed.
    public init(_ spec: JobSpec) throws(ParseError) {
        try self.init(parsing: spec.json.serialized())
    }

    /// Reads the bytes of a sealed spec.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        let spec = try JobSpec(parsing: bytes)
        guard let inputs = spec.inputs else {
            throw ParseError(
                field: "replay",
                expected: "bytes and cid of every source and input",
                actual: "a spec that is not sealed"
            )
        }
        files = try spec.files.map { (file) throws(ParseError) -> SealedFile in
            guard let identity = file.identity else {
                let expected = "bytes and cid of \(file.path)"
                throw ParseError(field: "evidence", expected: expected, actual: "a spec that is not sealed")
            }
            return SealedFile(path: file.path, identity: identity)
        }
        self.spec = spec
        self.bytes = bytes
        self.inputs = inputs
        isPart = false
    }

    init(spec: JobSpec, bytes: [UInt8], inputs: [ArtefactIdentity], files: [SealedFile], isPart: Bool) {
        self.spec = spec
        self.bytes = bytes
        self.inputs = inputs
        self.files = files
        self.isPart = isPart
    }

    /// SHA-256 of `bytes`.
    public var digest: Digest { SHA256.hash(bytes) }
    /// The root over the inputs.
    public var inputRoot: Digest { ArtefactIdentity.root(of: inputs) }
}
