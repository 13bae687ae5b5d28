// What a policy says about the registers of a TPM and about the event log that explains them.
internal import Codecs

/// Acceptable register values, and what an event log must reproduce.
public struct RegisterPolicy: Sendable, Equatable {
    /// The registers that a policy has to write a term for: those that firmware and boot loader extend.
    public static let firmwareRegisters = 0..<8

    /// The bank that is judged. SHA-1 banks are never judged.
    public var bank: HashAlgorithm
    /// Acceptable values by register.
    public var pcrs: [Int: Allowed<[UInt8]>]
    /// The registers that an event log must reproduce; `any` needs no log.
    public var eventLogRegisters: Allowed<UInt64>
    /// Whether the log must have one good separator on each register that firmware closes.
    public var separators: FlagRule
    /// Whether the log must show that firmware handed over to the operating system.
    public var exitBootServices: FlagRule

    /// Makes the terms; registers without one may have any value.
    public init(
        bank: HashAlgorithm,
        pcrs: [Int: Allowed<[UInt8]>],
        eventLogRegisters: Allowed<UInt64>,
        separators: FlagRule,
        exitBootServices: FlagRule
    ) {
        self.bank = bank
        self.pcrs = pcrs
        self.eventLogRegisters = eventLogRegisters
        self.separators = separators
        self.exitBootServices = exitBootServices
    }

    init(_ reader: inout JSONReader) throws(ParseError) {
        bank = try reader.choice("bank")
        guard bank != .sha1 else {
            throw ParseError(field: reader.path("bank"), expected: "sha-256, sha-384 or sha-512", actual: "sha-1")
        }
        eventLogRegisters = try reader.allowedIntegers("eventLogRegisters")
        separators = try reader.flagRule("separators")
        exitBootServices = try reader.flagRule("exitBootServices")
        var registers = try reader.object("pcrs")
        pcrs = [:]
        for index in 0..<24 {
            guard Self.firmwareRegisters.contains(index) || registers.has(String(index)) else { continue }
            pcrs[index] = try registers.allowedBytes(String(index), count: bank.digestCount)
        }
        try registers.finish()
    }

    /// Judges the *quoted* registers; one that the policy names and no quote covers is refused.
    func judge(_ quoted: [Int: [UInt8]], id: String, into findings: inout Findings) {
        for (index, rule) in pcrs.sorted(by: { $0.key < $1.key }) {
            findings.requireAllowed("\(id).pcr[\(index)]", rule, quoted[index] ?? [], source: TPMQuote.source)
        }
    }

    /// Judges the event logs: the first that reproduces the demanded registers counts; when none does, the lines of the
    /// first one say why.
    func judge(logs: [[UInt8]], quoted: [Int: [UInt8]], id: String, into findings: inout Findings) {
        let wanted: [UInt64]
        switch eventLogRegisters {
        case .any:
            guard separators != .any || exitBootServices != .any else {
                findings.notApplicable(id + ".eventLog", why: "any accepted", source: TCGEventLog.source)
                return
            }
            wanted = Self.firmwareRegisters.map { UInt64($0) }
        case .only(let registers):
            guard !registers.isEmpty else {
                findings.require(
                    id + ".eventLog",
                    false,
                    expected: "registers to reproduce",
                    actual: "nothing is accepted (empty list)"
                )
                return
            }
            wanted = registers
        }
        guard !logs.isEmpty else {
            findings.missing(id + ".eventLog", expected: "an event log", source: TCGEventLog.source)
            return
        }
        var first: Findings?
        for bytes in logs {
            var lines = Findings()
            judge(log: bytes, wanted: wanted, quoted: quoted, id: id + ".eventLog", into: &lines)
            if lines.isClean {
                findings.append(lines)
                return
            }
            first = first ?? lines
        }
        if let first { findings.append(first) }
    }

    private func judge(
        log bytes: [UInt8],
        wanted: [UInt64],
        quoted: [Int: [UInt8]],
        id: String,
        into lines: inout Findings
    ) {
        let log: TCGEventLog
        do throws(ParseError) { log = try TCGEventLog(parsing: bytes) } catch {
            lines.malformed(id, error, source: TCGEventLog.source)
            return
        }
        var expected: [Int: [UInt8]] = [:]
        for register in wanted {
            guard let index = Int(exactly: register), let value = quoted[index] else {
                lines.require(
                    "\(id).replay[\(register)]",
                    false,
                    expected: "a quoted register",
                    actual: "not quoted in bank \(bank.rawValue)",
                    source: TPMQuote.source
                )
                continue
            }
            expected[index] = value
        }
        guard !expected.isEmpty else { return }
        log.verifyReplay(id: id, bank: bank, registers: .tpm, expected: expected, into: &lines)
        if separators == .must(true) {
            log.verifySeparators(id: id, bank: bank, registers: .tpm, into: &lines)
        }
        if exitBootServices == .must(true) {
            log.verifyExitBootServices(id: id, bank: bank, registers: .tpm, into: &lines)
        }
    }
}
