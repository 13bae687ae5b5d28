// Nitro documents in the common frame.
public import Codecs
internal import Commitments
internal import Signatures
internal import Verdicts

/// What a Nitro document says.
public struct NitroClaims: EvidenceClaims {
    /// The document.
    public let document: NitroDocument

    public var json: JSONObject {
        func hex(_ bytes: [UInt8]?) -> JSONValue { bytes.map { .string(Hex.encode($0)) } ?? .null }
        var registers = JSONObject()
        for (index, value) in document.pcrs.sorted(by: { $0.key < $1.key }) { registers[String(index)] = hex(value) }
        return [
            "moduleID": .string(document.moduleID),
            "timestampMilliseconds": .string(String(document.timestampMilliseconds)),
            "debug": .bool(document.isDebug),
            "pcrs": .object(registers),
            "publicKey": hex(document.publicKey),
            "userData": hex(document.userData),
            "nonce": hex(document.nonce),
            "certificates": .string(String(1 + document.cabundle.count)),
        ]
    }
}

/// The verifier of AWS Nitro attestation documents.
public struct NitroFamily: EvidenceFamily {
    private let setting: AppraisalSetting
    private let revocation: RevocationInformation
    private let links: LinkMemory

    public init(_ setting: AppraisalSetting) {
        self.setting = setting
        revocation = RevocationInformation(setting.collateral)
        links = LinkMemory(setting, .awsNitro, revocation)
    }

    public static func recognises(_ evidence: [UInt8]) -> EvidenceKind? {
        // An array of four and a short protected header; the payload's first key stands within the next bytes.
        let body = evidence.first == 0xd2 ? evidence.dropFirst() : evidence[...]
        guard body.first == 0x84, body.dropFirst().first.map({ (0x43...0x4a).contains($0) }) ?? false else {
            return nil
        }
        return contains(Array("module_id".utf8), in: body.prefix(32)) ? .nitro : nil
    }

    private static func contains(_ wanted: [UInt8], in bytes: ArraySlice<UInt8>) -> Bool {
        bytes.indices.contains { bytes[$0...].starts(with: wanted) }
    }

    public static func inspect(_ evidence: [UInt8]) throws(ParseError) -> JSONObject {
        NitroClaims(document: try NitroDocument(parsing: evidence[...])).json
    }

    public func verify(
        _ evidence: [UInt8],
        expecting expectations: Expectations
    ) throws(ParseError) -> AttestationResult {
        let document = try NitroDocument(parsing: evidence[...])
        let leaf = try document.chain()[0]
        var crypto = Findings()
        crypto.note(malformedCollateral: revocation.malformed)
        let rules = setting.policy.section(NitroPolicy.self)
        document.verifySignature(
            links,
            revocation: { revocation.chainRule(rules?.revocation ?? .required, issuers: $0) },
            into: &crypto
        )
        var policy = Findings()
        let source = NitroDocument.source
        policy.requireBound(
            "nitro.userData",
            expectations.reportData,
            actual: document.userData ?? [],
            source: source
        )
        policy.requireBound("nitro.nonce", expectations.nonce, actual: document.nonce ?? [], source: source)
        policy.requireBound("nitro.publicKey", expectations.publicKey, actual: document.publicKey ?? [], source: source)
        if let rules {
            rules.judge(document, time: setting.time, into: &policy)
        } else {
            policy.refuseWithoutSection(NitroPolicy.section)
        }
        return AttestationResult(
            kind: .nitro,
            identity: EvidenceIdentity(
                kind: .nitro,
                signedSpan: SHA256.hash(document.cose.signedBytes() ?? []),
                key: leaf.serialNumber
            ),
            claims: NitroClaims(document: document),
            crypto: crypto,
            policy: policy,
            time: setting.time,
            assumptions: [
                Assumption(
                    id: "vendor-root:aws-nitro",
                    text: "AWS's Nitro root key is not misused, and the Nitro hypervisor isolates and measures enclaves"
                )
            ]
        )
    }
}
