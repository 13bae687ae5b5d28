// What admission found out about the kernels of a job: stage by stage, with every reason for which it refuses.
public import Codecs
public import Commitments

/// The stages of admission, cheapest first. A stage runs only when the ones before it found nothing.
public enum AdmissionStage: String, Sendable, CaseIterable {
    /// Size limits and the rules for the text.
    case rules
    /// Compiling in the sandbox.
    case compile
    /// A simulated run over a small range, which sees every access to memory.
    case dryRun = "dry-run"
    /// The device against the simulator, a second work-group shape, and slots filled with a pattern.
    case differential
}

/// The result of admission for one set of sources and the steps that launch them.
public struct AdmissionReport: Sendable, Equatable {
    /// How a stage ended.
    public enum Result: String, Sendable, CaseIterable {
        case passed
        case refused
        /// It did not run, or came to no end that says anything.
        case skipped
    }

    /// One stage.
    public struct Stage: Sendable, Equatable {
        /// Which one.
        public var stage: AdmissionStage
        /// How it ended.
        public var result: Result
        /// What was done, or why nothing was.
        public var detail: String

        /// Reports a stage.
        public init(_ stage: AdmissionStage, _ result: Result, _ detail: String) {
            self.stage = stage
            self.result = result
            self.detail = detail
        }
    }

    /// What the report is about: sources, prelude, options, class, and the steps with their shapes.
    public var key: Digest
    /// The stages in order.
    public var stages: [Stage]
    /// Every breach that was found.
    public var faults: [AdmissionFault]
    /// The device of the compile and differential stages, when they ran.
    public var device: String?
    /// The simulator of the dry run, when it ran.
    public var simulator: String?

    /// Reports an admission.
    public init(key: Digest, stages: [Stage], faults: [AdmissionFault], device: String?, simulator: String?) {
        self.key = key
        self.stages = stages
        self.faults = faults
        self.device = device
        self.simulator = simulator
    }

    /// Whether no stage refused.
    public var isAdmitted: Bool { faults.isEmpty }
    /// Whether every stage passed.
    public var isComplete: Bool {
        stages.count == AdmissionStage.allCases.count && stages.allSatisfy { $0.result == .passed }
    }

    /// What a verdict says about it: the stages that passed, and why others did not.
    public var summary: String {
        let passed = stages.filter { $0.result == .passed }.map(\.stage.rawValue).joined(separator: ", ")
        let rest = stages.filter { $0.result != .passed }.map {
            "\($0.stage.rawValue) \($0.result.rawValue): \($0.detail)"
        }
        return ([passed.isEmpty ? "nothing passed" : passed + " passed"] + rest).joined(separator: "; ")
    }

    /// The report as a JSON object.
    public var json: JSONValue {
        var object: JSONObject = [
            "schema": .string(Self.schema),
            "key": .string(key.hex),
            "admitted": .bool(isAdmitted),
            "complete": .bool(isComplete),
            "stages": .array(
                stages.map { stage in
                    .object([
                        "stage": .string(stage.stage.rawValue), "result": .string(stage.result.rawValue),
                        "detail": .string(stage.detail),
                    ])
                }
            ),
            "faults": .array(faults.map(\.json)),
        ]
        if let device { object["device"] = .string(device) }
        if let simulator { object["simulator"] = .string(simulator) }
        return .object(object)
    }

    /// The schema of the JSON form.
    public static let schema = "assay.admission/1"

    /// Reads a report.
    /// - Throws: `ParseError` also when `admitted` or `complete` contradict the stages and faults.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        let schema = try reader.string("schema", maxBytes: 64)
        guard schema == Self.schema else {
            throw ParseError(field: reader.path("schema"), expected: Self.schema, actual: schema)
        }
        key = try Digest(try reader.hex("key", count: Digest.count), field: reader.path("key"))
        let admitted = try reader.bool("admitted")
        let complete = try reader.bool("complete")
        stages = try reader.array("stages", max: AdmissionStage.allCases.count) {
            (value, path) throws(ParseError) -> Stage in
            var entry = try JSONReader(value, path)
            let stage = Stage(
                try entry.choice("stage"),
                try entry.choice("result"),
                try entry.string("detail", maxBytes: 4096)
            )
            try entry.finish()
            return stage
        }
        faults = try reader.array("faults", max: 1024) { (value, path) throws(ParseError) -> AdmissionFault in
            try AdmissionFault(value, path)
        }
        device = try reader.optionalString("device", maxBytes: 1024)
        simulator = try reader.optionalString("simulator", maxBytes: 1024)
        try reader.finish()
        guard admitted == isAdmitted, complete == isComplete else {
            throw ParseError(field: reader.path("admitted"), expected: "what the stages say", actual: "a contradiction")
        }
    }
}

/// How an attempt at admission ended.
public enum AdmissionOutcome: Sendable, Equatable {
    /// There is a report, be it a refusal.
    case reported(AdmissionReport)
    /// Nothing was found out, and nobody is to blame: no device, no worker.
    case failed(RunFailure)
}

/// Keeps reports, so that sources are admitted once.
public protocol AdmissionCache: Sendable {
    /// The report with this key, if there is one that can be trusted.
    func report(for key: Digest) -> AdmissionReport?
    /// Keeps a report. A cache that cannot is only slower.
    func insert(_ report: AdmissionReport)
}
