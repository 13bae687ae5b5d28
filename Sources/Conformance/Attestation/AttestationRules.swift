// The rules under which the published attestation vectors were judged, and what the families that run them share.
internal import Attestation
internal import Codecs
internal import Foundation
internal import Verdicts

/// Policies for vectors. What a vector's own verdict does not rest on is accepted.
enum AttestationRules {
    private static func open(_ names: String) -> String {
        names.split(separator: " ").map { "\($0) = \"any\"\n" }.joined()
    }

    private static let zeroes = String(repeating: "0", count: 96)
    private static let statuses = """
        tcbStatuses = ["UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded",
          "OutOfDate", "OutOfDateConfigurationNeeded", "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded"]

        """
    private static let intelPlatform = open(
        "advisories minTcbDate minTcbEvaluationDataNumber dynamicPlatform cachedKeys smt"
    )
    private static let registers = """
        bank = "sha-256"
        eventLogRegisters = "any"
        separators = "any"
        exitBootServices = "any"
        pcrs = { 0 = "any", 1 = "any", 2 = "any", 3 = "any", 4 = "any", 5 = "any", 6 = "any", 7 = "any" }

        """

    /// The sections by the names of vector families. For TDX and SGX they are what dcap-qvl 0.7.0 applies by itself and does
    /// not keep apart from cryptography: no debugging, SEPT_VE_DISABLE, no PKS, no key locker, no migration, no
    /// service TD.
    private static let text =
        """
        schema = "assay-attestation-policy-1"
        collateral = { maxAgeSeconds = "any", graceSeconds = 0 }
        [sgx]
        debug = false

        """ + statuses + intelPlatform + open("provisionKey mrEnclave mrSigner isvProdId minIsvSvn configId") + """
            [tdx]
            debug = false
            septVeDisable = true
            migratable = false
            pks = false
            keyLocker = false
            otherAttributes = false
            mrServiceTd = ["\(zeroes)"]

            """ + statuses + intelPlatform
        + open("perfmon mrSeam mrTd mrConfigId mrOwner mrOwnerConfig rtMr0 rtMr1 rtMr2 rtMr3 xfam") + """
            [sev-snp]
            debug = false
            minTcb = { milan = "any", genoa = "any", turin = "any" }

            """
        + open(
            "revocationList signingKeys vmpl measurement hostData idKeyDigest authorKeyDigest familyId imageId chipId "
                + "minGuestSvn migration smtAllowed singleSocket platformSmt platformTsme platformEcc "
                + "platformRaplDisabled platformCiphertextHiding platformAliasCheck"
        ) + """
            [nitro]
            debug = false
            maxAgeSeconds = "any"
            revocation = "whenGiven"
            pcrs = { 0 = "any", 1 = "any", 2 = "any", 3 = "any", 4 = "any", 8 = "any" }
            [cca]
            extensibleMeasurements = { 0 = "any", 1 = "any", 2 = "any", 3 = "any" }

            """ + open("profiles implementationIDs instanceIDs lifecycles measurements signerIDs")
        + open("configurations initialMeasurements personalizations") + "[psa]\n"
        + open("profiles implementationIDs instanceIDs lifecycles measurements signerIDs") + """
            [tpm]
            restrictedKey = "any"
            revocation = "required"

            """ + registers + """
            [azure-vtpm]
            secureBoot = "any"

            """ + registers + """
            [nvidia-gpu]
            referenceValues = "whenGiven"
            revocation = "whenGiven"

            """ + open("deviceCounts architectures driverVersions firmwareVersions modes") + """
            [nvidia-nvswitch]
            referenceValues = "whenGiven"
            revocation = "whenGiven"

            """ + open("deviceCounts firmwareVersions")

    /// The policy.
    static func policy() throws(ParseError) -> AttestationPolicy {
        try AttestationPolicy(parsing: Array(text.utf8))
    }

    /// What comes of evidence: a conclusion's name, or `malformed` when it is refused before there is one.
    static func conclusion(_ setting: AppraisalSetting, _ evidence: [UInt8]) -> String {
        do throws(ParseError) {
            return try AttestationVerifier(setting).verify(evidence, expecting: .unbound).conclusion.rawValue
        } catch {
            return "malformed"
        }
    }
}

extension VectorFile {
    /// The member `expected.verdict`.
    var verdict: String {
        if case .object(let expected)? = entry["expected"], case .string(let text)? = expected["verdict"] {
            return text
        }
        return expected
    }

    /// The time at which the manifest's verdict holds.
    func validAt(or fallback: String = "2025-01-01T00:00:00Z") throws(ParseError) -> Timestamp {
        if case .string(let text)? = entry["valid_at"] { return try Timestamp(text, field: "valid_at") }
        return try Timestamp(fallback)
    }

    /// The members of `expected_fields` that state something.
    var fields: [(name: String, value: JSONValue)] {
        guard case .object(let object)? = entry["expected_fields"] else { return [] }
        return object.members.filter { $0.value != .null }
    }

    /// The objects of an array member.
    func objects(_ name: String) -> [JSONObject] {
        guard case .array(let values)? = entry[name] else { return [] }
        return values.compactMap { if case .object(let object) = $0 { object } else { nil } }
    }

    /// Compares a stated field with what was decoded.
    func field(_ name: String, _ expected: JSONValue, _ actual: JSONValue?) -> Check {
        let (wanted, found) = (Self.text(expected), Self.text(actual))
        return check("fields/" + name, wanted == found, expected: wanted, actual: found)
    }

    private static func text(_ value: JSONValue?) -> String {
        switch value {
        case .string(let text)?: text.lowercased()
        case .number(let number)?: number.text
        case .bool(let flag)?: "\(flag)"
        case .some(let value): value.text()
        case nil: "missing"
        }
    }
}

extension JSONObject {
    /// The value at a dotted path.
    func value(at path: String) -> JSONValue? {
        var value: JSONValue? = .object(self)
        for part in path.split(separator: ".") {
            guard case .object(let object)? = value else { return nil }
            value = object[String(part)]
        }
        return value
    }

    /// The text of a string member; empty when there is none.
    func text(_ name: String) -> String {
        if case .string(let text)? = self[name] { text } else { "" }
    }

    /// The value of an integer member.
    func integer(_ name: String) -> Int? {
        if case .number(let number)? = self[name] { number.integer.flatMap { Int(exactly: $0) } } else { nil }
    }
}
