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
    /// What the event log must reproduce and contain.
    public var log: EventLogTerms

    /// Makes the terms; registers without one may have any value.
    public init(
        bank: HashAlgorithm,
        pcrs: [Int: Allowed<[UInt8]>],
        log: EventLogTerms
    ) {
        self.bank = bank
        self.pcrs = pcrs
        self.log = log
    }

    init(_ reader: inout JSONReader) throws(ParseError) {
        bank = try reader.choice("bank")
        guard bank != .sha1 else {
            throw ParseError(field: reader.path("bank"), expected: "sha-256, sha-384 or sha-512", actual: "sha-1")
        }
        log = try EventLogTerms(&reader, registers: "eventLogRegisters")
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

    /// Judges the event logs against the quoted registers.
    func judge(logs: [[UInt8]], quoted: [Int: [UInt8]], id: String, into findings: inout Findings) {
        log.judge(
            logs: logs,
            bank: bank,
            kind: .tpm,
            attested: quoted,
            fallback: Self.firmwareRegisters,
            shift: 0,
            id: id + ".eventLog",
            into: &findings
        )
    }
}
