// Nitro documents, CCA and PSA tokens: verdicts, stated fields, claim sets that must and must not be read.
internal import Attestation
public import Codecs
internal import Signatures
public import Verdicts

/// Family `nitro`.
public struct NitroVectors: VectorFamily {
    public let name = "nitro"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        let root = try Certificate.chain(pem: try file.sibling("aws-nitro-root-g1.pem")[...])
        guard file.path.hasSuffix(".cose") else {
            let digest = HashAlgorithm.sha256.digest(root.first?.der ?? [])
            return file.fields.map { file.field($0.name, $0.value, .string(Hex.encode(digest))) }
        }
        let setting = AppraisalSetting(
            anchors: TrustAnchors(roots: [.awsNitro: root]),
            collateral: CollateralBundle(),
            policy: try AttestationRules.policy(),
            time: try file.validAt()
        )
        let result = try AttestationVerifier(setting).verify(file.bytes, expecting: .unbound)
        let actual = result.conclusion == .verified ? "valid" : "invalid"
        var checks = [file.check("", actual == file.verdict, expected: file.verdict, actual: actual)]
        checks += try fields(file)
        for (number, mutation) in file.objects("mutations").enumerated() {
            checks.append(try self.mutation(file, number, mutation.text("op"), setting))
        }
        return checks
    }

    private func fields(_ file: VectorFile) throws(ParseError) -> [Check] {
        let document = try NitroDocument(parsing: file.bytes[...])
        let leaf = try document.chain().first
        var actual: JSONObject = [
            "module_id": .string(document.moduleID), "timestamp_ms": .integer(document.timestampMilliseconds),
            "pcr_count": .integer(document.pcrs.count), "debug_mode": .bool(document.isDebug),
            "user_data": .string(Hex.encode(document.userData ?? [])),
            "nonce_len": .integer(document.nonce?.count ?? 0),
            "public_key_len": .integer(document.publicKey?.count ?? 0),
            "cabundle_len": .integer(document.cabundle.count), "cose_tag18": .bool(document.cose.isTagged),
            "root_sha256": .string(Hex.encode(HashAlgorithm.sha256.digest(document.cabundle.first ?? []))),
        ]
        // The manifest lists the registers that are not zero.
        var registers = JSONObject()
        for (index, value) in document.pcrs where value.contains(where: { $0 != 0 }) {
            registers[String(index)] = .string(Hex.encode(value))
        }
        actual["pcrs"] = .object(registers)
        if let leaf {
            actual["cert_window"] = .array(
                [leaf.notBefore, leaf.notAfter].map {
                    .string($0.text.replacing("T", with: " ").replacing("Z", with: ""))
                }
            )
        }
        return file.fields.compactMap { name, expected in
            guard let value = actual[name] else { return nil }
            return file.check("fields/" + name, value == expected, expected: expected.text(), actual: value.text())
        }
    }

    private func mutation(
        _ file: VectorFile,
        _ number: Int,
        _ operation: String,
        _ base: AppraisalSetting
    ) throws(ParseError) -> Check {
        let id = "mutations/\(number) \(operation)"
        var setting = base
        var bytes = file.bytes
        switch operation {
        case "flip one bit in payload timestamp":
            let name = Array("timestamp".utf8)
            guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: name) }) else {
                throw ParseError(field: "payload", expected: "a timestamp", actual: "none")
            }
            bytes[start + name.count + 5] ^= 1
        case "flip one bit in the COSE signature": bytes[bytes.count - 10] ^= 1
        case "time timestamp+4h": setting.time = setting.time.adding(seconds: 4 * 3600)
        case "append bytes after the COSE item": bytes += [0, 0]
        case "protected header alg -35 to -7":
            guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: [0xa1, 0x01, 0x38, 0x22]) }) else {
                throw ParseError(field: "protected", expected: "alg -35", actual: "another")
            }
            // The same length: -36 + 29 = -7 in the long form is not deterministic, so the algorithm becomes -37.
            bytes[start + 3] = 0x24
        default: return file.skip(id, "made with CBOR of its own in the tests of the verifier")
        }
        let actual = AttestationRules.conclusion(setting, bytes)
        return file.check(id, actual != "verified", expected: "not verified", actual: actual)
    }
}

/// Family `cca`.
public struct CCAVectors: VectorFamily {
    public let name = "cca"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        if file.path.hasPrefix("claims-") {
            let value = try JSONValue(parsing: file.bytes)
            let isPlatform = file.path.hasPrefix("claims-platform")
            return [
                file.reads { () throws(ParseError) in
                    if isPlatform { _ = try CCAPlatformClaims(value) } else { _ = try CCARealmClaims(value) }
                }
            ]
        }
        if file.path.contains("-claims") {
            let item = try CBORItem(parsing: file.bytes, .tolerant)
            let isPlatform = file.path.hasPrefix("platform")
            return [
                file.reads { () throws(ParseError) in
                    if isPlatform { _ = try CCAPlatformClaims(item) } else { _ = try CCARealmClaims(item) }
                }
            ]
        }
        guard file.path.hasSuffix(".cbor") else { return [file.skip("", "a key or reference values")] }
        let key = try PublicKey(jwk: try JSONValue(parsing: try file.sibling("cpak.json")))
        let setting = AppraisalSetting(
            anchors: TrustAnchors(keys: [.armCCA: [PinnedKey(id: [], key: key)]]),
            collateral: CollateralBundle(),
            policy: try AttestationRules.policy(),
            time: try file.validAt()
        )
        let actual = AttestationRules.conclusion(setting, file.bytes) == "verified" ? "valid" : "invalid"
        return [file.check("", actual == file.verdict, expected: file.verdict, actual: actual)]
    }
}

/// Family `psa`.
public struct PSAVectors: VectorFamily {
    public let name = "psa"

    /// Makes the family.
    public init() {}

    /// Claim sets whose name and verdict are about one profile, while the file may be read under the other.
    private static let profiles: [String: PSAProfile] = [
        "claims-test-token-valid-minimalist-p2.json": .two, "claims-test-profile-invalid-missing.json": .two,
        "claims-test-boot-seed-invalid-missing.json": .one,
    ]

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        if file.path.hasPrefix("claims-") {
            let value = try JSONValue(parsing: file.bytes)
            let profile = Self.profiles[file.path] ?? .one
            return [file.reads { () throws(ParseError) in _ = try PSAClaimValues(value, as: profile) }]
        }
        guard file.path.hasSuffix(".bin") else { return [file.skip("", "the key of the tokens")] }
        let key = try PublicKey(pem: try file.sibling("public.pem"))
        let setting = AppraisalSetting(
            anchors: TrustAnchors(keys: [.armPSA: [PinnedKey(id: [], key: key)]]),
            collateral: CollateralBundle(),
            policy: try AttestationRules.policy(),
            time: try file.validAt()
        )
        let conclusion = AttestationRules.conclusion(setting, file.bytes)
        let actual = conclusion == "verified" ? "valid" : conclusion
        return [file.check("", actual == file.verdict, expected: file.verdict, actual: actual)]
    }
}

extension VectorFile {
    /// A claim set that must be read, or refused, as the manifest says; what is only data must be read.
    func reads(_ read: () throws(ParseError) -> Void) -> Check {
        var actual = "valid"
        do throws(ParseError) { try read() } catch { actual = "invalid" }
        let expected = verdict == "data" ? "valid" : verdict
        return check("", actual == expected, expected: expected, actual: actual)
    }
}
