// What comes out of a run: an execution, a refusal, or a failure that says nothing about the result.
package import Codecs

/// A run that came to its end.
public struct Execution: Sendable, Equatable {
    /// The output slots' canonical bytes by slot name: little-endian elements, every NaN the same.
    public var outputs: [String: [UInt8]]
    /// The commitments to every step.
    public var trace: Trace
    /// The device that computed.
    public var device: DeviceDescription
    /// What shut the run in.
    public var sandbox: SandboxReport
    /// Time from the start of the run stage to its last byte, in microseconds.
    public var wallMicroseconds: UInt64
    /// The spec's own measure of the work.
    public var workUnits: UInt64
    /// The content of the input slots to which the spec's agreements refer, by slot index; empty in a bit-exact class.
    public var comparedInputs: [Int: [UInt8]]
    /// What the worker took; `nil` from a runner that does not measure it.
    public var usage: ResourceUsage?
    /// What compiler and driver wrote to the worker's standard error during the run, at most 16 KiB.
    public var diagnostics: [UInt8] = []
    /// By how much of admission the kernels went.
    public var admission = KernelAdmission.rulesAlone

    /// Describes an execution.
    public init(
        outputs: [String: [UInt8]],
        trace: Trace,
        device: DeviceDescription,
        sandbox: SandboxReport,
        wallMicroseconds: UInt64,
        workUnits: UInt64,
        comparedInputs: [Int: [UInt8]] = [:]
    ) {
        self.outputs = outputs
        self.trace = trace
        self.device = device
        self.sandbox = sandbox
        self.wallMicroseconds = wallMicroseconds
        self.workUnits = workUnits
        self.comparedInputs = comparedInputs
    }
}

/// By how much of admission the kernels of a run went.
public struct KernelAdmission: Sendable, Equatable {
    /// The stages that passed, and why others did not.
    public var summary: String
    /// Whether every stage passed.
    public var isComplete: Bool

    /// States an admission.
    public init(summary: String, isComplete: Bool) {
        self.summary = summary
        self.isComplete = isComplete
    }

    /// The rules for the text, which every runner applies, and nothing else.
    public static let rulesAlone = KernelAdmission(summary: "rules passed; no other stage was tried", isComplete: false)
}

/// What a worker says that its run took. The kernels run in the same process, so this is no more than a claim.
public struct ResourceUsage: Sendable, Equatable {
    /// Processor time over all threads, in microseconds.
    public var processorMicroseconds: UInt64
    /// The most memory that was held at once, in bytes.
    public var peakMemoryBytes: UInt64

    /// Makes a reading.
    public init(processorMicroseconds: UInt64, peakMemoryBytes: UInt64) {
        self.processorMicroseconds = processorMicroseconds
        self.peakMemoryBytes = peakMemoryBytes
    }

    package init(_ value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value, "usage")
        processorMicroseconds = try reader.decimal("processorMicroseconds")
        peakMemoryBytes = try reader.decimal("peakMemoryBytes")
        try reader.finish()
    }

    package var json: JSONValue {
        .object([
            "processorMicroseconds": .string(String(processorMicroseconds)),
            "peakMemoryBytes": .string(String(peakMemoryBytes)),
        ])
    }
}

/// Why a run ended without a result. None of these says that anybody cheated: the outcome of a verdict on them is
/// `inconclusive`.
public struct RunFailure: Error, Equatable, CustomStringConvertible {
    /// The kinds of failure, as they stand in documents.
    public enum Reason: String, Sendable, CaseIterable {
        /// No device of the kind, size or conformance that the job needs.
        case noDevice
        /// The device's compiler refused the program.
        case compile
        /// The worker could not be started or cannot be shut in as asked.
        case sandbox
        /// A signal ended the worker: a fault, or a forbidden system call.
        case crashed
        /// The wall clock ran out.
        case timeout
        /// The device or the address space was too small.
        case outOfMemory
        /// The device refused a call.
        case device
        /// The worker's answer broke the protocol.
        case protocolViolation
        /// A file that the spec names is missing or is not what the spec says.
        case input
        /// The caller gave up.
        case cancelled
    }

    /// The kind.
    public var reason: Reason
    /// A sentence for people: printable ASCII, at most 4096 characters.
    public var detail: String

    /// Describes a failure; `detail` is cut and cleaned, because part of it may come from the worker.
    public init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = Self.printable(detail)
    }

    public var description: String { "\(reason.rawValue): \(detail)" }

    private static func printable(_ text: String) -> String {
        String(
            decoding: text.utf8.prefix(4096).map { $0 >= 0x20 && $0 < 0x7f || $0 == 0x0a ? $0 : 0x3f },
            as: UTF8.self
        )
    }
}

/// How a run ended.
public enum RunOutcome: Sendable, Equatable {
    /// It has a result.
    case completed(Execution)
    /// The requester's kernels break the rules for replay; nothing was run.
    case refused([AdmissionFault])
    /// It has no result, and nobody is to blame.
    case failed(RunFailure)
}

/// Something that executes replay specs.
public protocol Runner: Sendable {
    /// Executes `spec`.
    /// - Parameter files: the content of every file that `spec.artefacts` names, by path.
    func run(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> RunOutcome
}
