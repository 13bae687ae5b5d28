// Replays an event log: the register values that its digests lead to (TCG PC Client Platform Firmware Profile §10.1).
public import Codecs

extension HashAlgorithm {
    /// The function with this TCG algorithm id.
    public init?(tcg algorithm: UInt16) {
        switch algorithm {
        case TCGAlgorithm.sha1: self = .sha1
        case TCGAlgorithm.sha256: self = .sha256
        case TCGAlgorithm.sha384: self = .sha384
        case TCGAlgorithm.sha512: self = .sha512
        default: return nil
        }
    }
}

/// Register values by replay of one bank of an event log.
public struct EventLogReplay: Sendable {
    /// What kind of registers the log extends.
    public enum Registers: Sendable {
        /// PCRs of a TPM: 0–16 and 23 start at zero, 17–22 at all ones; a StartupLocality event sets the start of PCR 0.
        case tpm
        /// CC measurement registers of a CCEL: 1 is RTMR0, up to 4 for RTMR3; all start at zero.
        case ccel
    }

    /// The values of the registers that at least one event extended.
    public let values: [Int: [UInt8]]
    /// The bank that was replayed.
    public let algorithm: HashAlgorithm

    /// Replays the `algorithm` bank of `log`.
    /// - Throws: `ParseError` when the log has no such bank, an event lacks its digest, or a StartupLocality event is not
    ///   the single, well-formed first event on PCR 0 that the profile allows.
    public init(_ log: TCGEventLog, bank algorithm: HashAlgorithm, registers: Registers) throws(ParseError) {
        let identifier = algorithm.tcgIdentifier
        guard log.banks[identifier] == algorithm.digestCount else {
            let names = log.banks.keys.sorted().map { String($0, radix: 16) }.joined(separator: ", ")
            throw ParseError(field: "eventLog", expected: "a bank \(algorithm.rawValue)", actual: "banks \(names)")
        }
        var values: [Int: [UInt8]] = [:]
        var hasLocality = false
        let zero = [UInt8](repeating: 0, count: algorithm.digestCount)
        for (index, event) in log.events.enumerated() {
            let register = Int(event.register)
            if event.kind == TCGEvent.Kind.noAction {
                if registers == .tpm, let locality = try Self.startupLocality(event, index) {
                    guard !hasLocality, values[0] == nil else {
                        throw ParseError(
                            field: "eventLog.events[\(index)]",
                            expected: "one StartupLocality event before PCR 0 is extended",
                            actual: "another one"
                        )
                    }
                    hasLocality = true
                    values[0] = zero.dropLast() + [locality]
                }
                continue
            }
            guard let digest = event.digests[identifier] else {
                let actual = "none for \(algorithm.rawValue)"
                throw ParseError(field: "eventLog.events[\(index)]", expected: "a digest of each bank", actual: actual)
            }
            let isDynamic = registers == .tpm && (17...22).contains(register)
            let start = isDynamic ? [UInt8](repeating: 0xff, count: algorithm.digestCount) : zero
            values[register] = algorithm.digest((values[register] ?? start)[...], digest[...])
        }
        self.values = values
        self.algorithm = algorithm
    }

    /// The locality of a StartupLocality event; `nil` for other EV_NO_ACTION events.
    private static func startupLocality(_ event: TCGEvent, _ index: Int) throws(ParseError) -> UInt8? {
        let signature = Array("StartupLocality\0".utf8)
        guard event.data.starts(with: signature) else { return nil }
        guard event.register == 0, event.data.count == signature.count + 1, let locality = event.data.last,
            [0, 3, 4].contains(locality)
        else {
            throw ParseError(
                field: "eventLog.events[\(index)]",
                expected: "StartupLocality 0, 3 or 4 on PCR 0",
                actual: "another one"
            )
        }
        return locality
    }
}

extension HashAlgorithm {
    /// The TCG algorithm id of this function.
    public var tcgIdentifier: UInt16 {
        switch self {
        case .sha1: TCGAlgorithm.sha1
        case .sha256: TCGAlgorithm.sha256
        case .sha384: TCGAlgorithm.sha384
        case .sha512: TCGAlgorithm.sha512
        }
    }
}

extension TCGEvent {
    /// Whether the event measures its own data: its digest is the hash of `data`. Only then do the data say what was
    /// measured; for any other event they are an unauthenticated remark.
    public func isDataMeasured(_ algorithm: HashAlgorithm) -> Bool {
        digests[algorithm.tcgIdentifier] == algorithm.digest(data)
    }
}
