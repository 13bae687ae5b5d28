// What a policy says about Nitro enclaves: which images, how old the document may be, whether debug mode counts.
public import Codecs

/// The section `nitro` of a policy.
public struct NitroPolicy: FamilyPolicy, Equatable {
    public static let section = EvidenceKind.nitro.rawValue
    /// The registers that AWS documents (image, kernel, application, role, instance, signing certificate); a policy has to
    /// write a term for each.
    public static let documentedRegisters = [0, 1, 2, 3, 4, 8]
    /// How far the document's clock may be ahead of the verification time.
    public static let futureToleranceSeconds: Int64 = 60

    /// Whether the enclave may or must be in debug mode.
    public var debug: FlagRule
    /// Acceptable values by register.
    public var pcrs: [Int: Allowed<[UInt8]>]
    /// The most seconds between the making of the document and the verification.
    public var maxAgeSeconds: Maximum<UInt64>
    /// Whether missing revocation lists leave the question open.
    public var revocation: RevocationRule

    /// Makes a section; registers without a term may have any value.
    public init(
        debug: FlagRule,
        pcrs: [Int: Allowed<[UInt8]>],
        maxAgeSeconds: Maximum<UInt64>,
        revocation: RevocationRule
    ) {
        self.debug = debug
        self.pcrs = pcrs
        self.maxAgeSeconds = maxAgeSeconds
        self.revocation = revocation
    }

    public init(_ reader: inout JSONReader) throws(ParseError) {
        debug = try reader.flagRule("debug")
        maxAgeSeconds = try reader.maximum("maxAgeSeconds")
        revocation = try reader.choice("revocation")
        var registers = try reader.object("pcrs")
        pcrs = [:]
        for index in 0..<32 {
            guard Self.documentedRegisters.contains(index) || registers.has(String(index)) else { continue }
            pcrs[index] = try registers.allowedBytes(String(index), count: 48)
        }
        try registers.finish()
    }

    /// Judges a document. A register that the policy names and the document lacks is refused.
    func judge(_ document: NitroDocument, time: Timestamp, into findings: inout Findings) {
        findings.requireFlag("nitro.policy.debug", debug, document.isDebug, source: NitroDocument.source)
        if debug == .must(false) {
            findings.require(
                "nitro.policy.measured",
                document.unmeasured.isEmpty,
                expected: "PCR0, PCR1 and PCR2 not zero",
                actual: document.unmeasured.isEmpty ? "none zero" : "zero or missing: \(document.unmeasured)",
                source: NitroDocument.source
            )
        }
        for (index, rule) in pcrs.sorted(by: { $0.key < $1.key }) {
            findings.requireAllowed(
                "nitro.policy.pcr[\(index)]",
                rule,
                document.pcrs[index] ?? [],
                source: NitroDocument.source
            )
        }
        let made = Timestamp(seconds: Int64(document.timestampMilliseconds / 1000))
        let age = time.seconds - made.seconds
        guard age >= -Self.futureToleranceSeconds else {
            findings.require(
                "nitro.policy.age",
                false,
                expected: "made before \(time)",
                actual: "made at \(made)",
                source: NitroDocument.source
            )
            return
        }
        findings.requireMaximum("nitro.policy.age", maxAgeSeconds, UInt64(max(age, 0)), source: NitroDocument.source)
        if case .atMost(let seconds) = maxAgeSeconds, let limit = Int64(exactly: seconds) {
            findings.holds(until: made.adding(seconds: limit), what: "age of the Nitro document (maxAgeSeconds)")
        }
    }
}
