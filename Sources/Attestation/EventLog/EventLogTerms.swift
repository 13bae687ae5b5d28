// What a policy demands of the event log that explains attested registers.
public import Codecs

/// Terms about an event log.
public struct EventLogTerms: Sendable, Equatable {
    /// The attested registers that the log must reproduce; `any` demands none.
    public var registers: Allowed<UInt64>
    /// Whether the log must have one good separator on each register that firmware closes.
    public var separators: FlagRule
    /// Whether the log must show that firmware handed over to the operating system.
    public var exitBootServices: FlagRule

    /// Makes the terms.
    public init(registers: Allowed<UInt64>, separators: FlagRule, exitBootServices: FlagRule) {
        self.registers = registers
        self.separators = separators
        self.exitBootServices = exitBootServices
    }

    init(_ reader: inout JSONReader, registers name: String) throws(ParseError) {
        registers = try reader.allowedIntegers(name)
        separators = try Self.demand("separators", &reader)
        exitBootServices = try Self.demand("exitBootServices", &reader)
    }

    /// `"any"` or `true`: nobody can want a log to be bad.
    private static func demand(_ name: String, _ reader: inout JSONReader) throws(ParseError) -> FlagRule {
        let rule = try reader.flagRule(name)
        guard rule != .must(false) else {
            throw ParseError(field: reader.path(name), expected: "\"any\" or true", actual: "false")
        }
        return rule
    }

    /// Judges event logs against attested registers: the first log that satisfies every term counts; when none does, the
    /// lines of the first one say why.
    /// - Parameters:
    ///   - attested: the attested registers by the index that policies use.
    ///   - fallback: the registers that are replayed when only separators or the hand-over are demanded: a log that
    ///     reproduces nothing proves nothing.
    ///   - shift: what is added to a policy's index to get the log's: 1 for a CCEL, where RTMR0 is register 1.
    func judge(
        logs: [[UInt8]],
        bank: HashAlgorithm,
        kind: EventLogReplay.Registers,
        attested: [Int: [UInt8]],
        fallback: Range<Int>,
        shift: Int,
        id: String,
        into findings: inout Findings
    ) {
        let wanted: [UInt64]
        switch registers {
        case .any:
            guard separators != .any || exitBootServices != .any else {
                findings.notApplicable(id, why: "any accepted", source: TCGEventLog.source)
                return
            }
            wanted = fallback.map { UInt64($0) }
        case .only(let registers):
            guard !registers.isEmpty else {
                findings.require(
                    id,
                    false,
                    expected: "registers to reproduce",
                    actual: "nothing is accepted (empty list)"
                )
                return
            }
            wanted = registers
        }
        guard !logs.isEmpty else {
            findings.missing(id, expected: "an event log", source: TCGEventLog.source)
            return
        }
        var first: Findings?
        for bytes in logs {
            var lines = Findings()
            judge(bytes, bank, kind, wanted, attested, shift, id, into: &lines)
            if lines.isClean {
                findings.append(lines)
                return
            }
            first = first ?? lines
        }
        if let first { findings.append(first) }
    }

    private func judge(
        _ bytes: [UInt8],
        _ bank: HashAlgorithm,
        _ kind: EventLogReplay.Registers,
        _ wanted: [UInt64],
        _ attested: [Int: [UInt8]],
        _ shift: Int,
        _ id: String,
        into lines: inout Findings
    ) {
        let log: TCGEventLog
        do throws(ParseError) { log = try TCGEventLog(parsing: bytes) } catch {
            lines.malformed(id, error, source: TCGEventLog.source)
            return
        }
        var expected: [Int: [UInt8]] = [:]
        for register in wanted {
            guard let index = Int(exactly: register), let value = attested[index] else {
                lines.require(
                    "\(id).replay[\(register)]",
                    false,
                    expected: "an attested register",
                    actual: "not attested in bank \(bank.rawValue)",
                    source: TCGEventLog.source
                )
                continue
            }
            expected[index + shift] = value
        }
        guard !expected.isEmpty else { return }
        log.verifyReplay(id: id, bank: bank, registers: kind, expected: expected, into: &lines)
        if separators == .must(true) {
            log.verifySeparators(id: id, bank: bank, registers: kind, into: &lines)
        }
        if exitBootServices == .must(true) {
            log.verifyExitBootServices(id: id, bank: bank, registers: kind, into: &lines)
        }
    }
}

/// The section `tdx-event-log` of a policy: what the CCEL of a TD must reproduce. Registers are RTMR0 to RTMR3 as 0 to 3.
/// Without the section a TD's event log is not looked at.
public struct TDXEventLogPolicy: FamilyPolicy, Equatable {
    public static let section = "tdx-event-log"

    /// The terms.
    public var log: EventLogTerms

    /// Makes a section.
    public init(log: EventLogTerms) {
        self.log = log
    }

    public init(_ reader: inout JSONReader) throws(ParseError) {
        log = try EventLogTerms(&reader, registers: "registers")
    }

    /// Judges the logs among the collateral against the registers of a TD report.
    func judge(_ report: TDReport, logs: [[UInt8]], into findings: inout Findings) {
        log.judge(
            logs: logs,
            bank: .sha384,
            kind: .ccel,
            attested: Dictionary(uniqueKeysWithValues: (0..<4).map { ($0, Array(report.rtMr($0))) }),
            fallback: 0..<2,
            shift: 1,
            id: "tdx.eventLog",
            into: &findings
        )
    }
}
