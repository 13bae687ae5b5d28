// What a log must satisfy beyond reproducing the registers: separators that close the firmware's part, once per register.
internal import Codecs

extension TCGEventLog {
    static let source = "TCG PC Client Platform Firmware Profile §10.4"

    /// The registers that firmware closes with a separator: PCR 0–7; in a CCEL RTMR0 and RTMR1, to which they map.
    private static func firmwareRegisters(_ registers: EventLogReplay.Registers) -> ClosedRange<Int> {
        registers == .tpm ? 0...7 : 1...2
    }

    /// Replays `bank` and compares each register that `expected` names.
    ///
    /// A register that no event extends has its start value, and has to be attested as such.
    public func verifyReplay(
        id: String,
        bank: HashAlgorithm,
        registers: EventLogReplay.Registers,
        expected: [Int: [UInt8]],
        into findings: inout Findings
    ) {
        let replay: EventLogReplay
        do throws(ParseError) {
            replay = try EventLogReplay(self, bank: bank, registers: registers)
        } catch {
            findings.malformed(id + ".replay", error, source: Self.source)
            return
        }
        guard !expected.isEmpty else {
            findings.missing(id + ".replay", expected: "attested registers", source: Self.source)
            return
        }
        for (index, value) in expected.sorted(by: { $0.key < $1.key }) {
            let isDynamic = registers == .tpm && (17...22).contains(index)
            let start = [UInt8](repeating: isDynamic ? 0xff : 0, count: bank.digestCount)
            findings.requireEqual(
                "\(id).replay[\(index)]",
                expected: value,
                actual: replay.values[index] ?? start,
                source: Self.source
            )
        }
        // Events on registers that nobody attested would be believed for nothing.
        let unattested = Set(replay.values.keys).subtracting(expected.keys).sorted()
        if !unattested.isEmpty {
            let names = unattested.map(String.init).joined(separator: ", ")
            findings.notApplicable(id + ".unattested", why: "not covered: registers \(names)", source: Self.source)
        }
    }

    /// Checks the separators: exactly one on each register that firmware closes, whose digest measures its data and whose
    /// data are four bytes of 0x00 or 0xff (anything else marks an error during start).
    public func verifySeparators(
        id: String,
        bank: HashAlgorithm,
        registers: EventLogReplay.Registers,
        into findings: inout Findings
    ) {
        for register in Self.firmwareRegisters(registers) {
            let separators = events.filter {
                $0.kind == TCGEvent.Kind.separator && $0.register == UInt32(register)
            }
            let isGood =
                separators.count == 1
                && separators.allSatisfy { event in
                    event.isDataMeasured(bank)
                        && (event.data == [0, 0, 0, 0] || event.data == [0xff, 0xff, 0xff, 0xff])
                }
            let found = separators.map { Hex.encode($0.data.prefix(8)) }.joined(separator: ", ")
            findings.require(
                "\(id).separator[\(register)]",
                isGood,
                expected: "one measured separator of 00000000 or ffffffff",
                actual: found.isEmpty ? "none" : found,
                source: Self.source
            )
        }
    }

    /// Checks that firmware handed over to the operating system: a measured "Exit Boot Services Returned with Success" on
    /// PCR 5 (in a CCEL on RTMR1). A log without it was cut, or a loader ran outside the measured path.
    public func verifyExitBootServices(
        id: String,
        bank: HashAlgorithm,
        registers: EventLogReplay.Registers,
        into findings: inout Findings
    ) {
        let text = "Exit Boot Services Returned with Success"
        let register: UInt32 = registers == .tpm ? 5 : 2
        let found = events.filter { event in
            event.kind == TCGEvent.Kind.efiAction && event.register == register
                && event.data.elementsEqual(text.utf8) && event.isDataMeasured(bank)
        }
        findings.require(
            id + ".exitBootServices",
            found.count == 1,
            expected: "one measured '\(text)'",
            actual: "\(found.count)",
            source: Self.source
        )
    }
}
