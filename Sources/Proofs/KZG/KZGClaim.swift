// KZG claims as documents: openings and blobs in JSON under the names that Ethereum's tests and beacon nodes use, and the
// input of the point evaluation precompile.
public import Codecs
internal import Commitments
public import Verdicts

/// What a document claims.
public enum KZGClaim: Sendable {
    /// That the polynomial under a commitment has the value `y` at `z`; each as bytes.
    case opening(commitment: [UInt8], z: [UInt8], y: [UInt8], proof: [UInt8])
    /// That a blob is what its commitment commits to.
    case blob(KZGBlob)

    /// Reads `{commitment, z, y, proof}`, `{blob, commitment, proof}`, a blob sidecar of a beacon node
    /// (`{blob, kzg_commitment, kzg_proof, …}`), an array of these or `{data: […]}`. Values are hexadecimal, with or
    /// without `0x`. Lengths are judged by the verifier, not here.
    /// - Throws: `ParseError` for anything malformed.
    public static func parse(_ json: [UInt8]) throws(ParseError) -> [KZGClaim] {
        let limits = JSONLimits(bytes: 64 << 20, depth: 8, values: 100_000)
        var value = try JSONValue(parsing: json, limits: limits)
        if case .object(let object) = value, let data = object["data"] { value = data }
        guard case .array(let items) = value else { return [try KZGClaim(value, "")] }
        guard items.count <= 4096 else {
            throw ParseError(field: "", expected: "at most 4096 claims", actual: "\(items.count)")
        }
        var claims: [KZGClaim] = []
        for (index, item) in items.enumerated() { claims.append(try KZGClaim(item, "[\(index)]")) }
        return claims
    }

    private init(_ value: JSONValue, _ path: String) throws(ParseError) {
        var reader = try JSONReader(value, path)
        let isSidecar = reader.has("kzg_commitment")
        let commitment = try reader.prefixedHex(isSidecar ? "kzg_commitment" : "commitment")
        let proof = try reader.prefixedHex(isSidecar ? "kzg_proof" : "proof")
        guard reader.has("blob") else {
            self = .opening(
                commitment: commitment,
                z: try reader.prefixedHex("z"),
                y: try reader.prefixedHex("y"),
                proof: proof
            )
            try reader.finish()
            return
        }
        let blob = try reader.prefixedHex("blob", maxBytes: KZGVerifier.elementsPerBlob * 32)
        self = .blob(KZGBlob(blob: blob, commitment: commitment, proof: proof))
        // A sidecar says more, about its block, which is no part of the claim.
        if !isSidecar { try reader.finish() }
    }
}

extension JSONReader {
    /// Hexadecimal text in either case, with or without `0x`.
    mutating func prefixedHex(_ name: String, maxBytes: Int = 4096) throws(ParseError) -> [UInt8] {
        let text = try string(name, maxBytes: 2 * maxBytes + 2)
        return try Hex.decode(
            text.hasPrefix("0x") ? text.dropFirst(2) : text[...],
            allowsUpperCase: true,
            field: path(name)
        )
    }
}

extension KZGVerifier {
    /// Checks one claim.
    public func verify(_ claim: KZGClaim) -> Verdict {
        switch claim {
        case .opening(let commitment, let z, let y, let proof): verify(commitment: commitment, z: z, y: y, proof: proof)
        case .blob(let blob): verify(blob)
        }
    }

    /// Checks claims one by one, but all blobs at once when that holds; only a batch that does not hold is taken apart.
    /// - Returns: one verdict for each claim, in their order.
    public func verify(_ claims: [KZGClaim]) -> [Verdict] {
        var blobs: [KZGBlob] = []
        for case .blob(let blob) in claims { blobs.append(blob) }
        guard blobs.count > 1, verifyBatch(blobs).isAccepted else { return claims.map(verify) }
        return claims.map { claim in
            if case .blob(let blob) = claim { return Self.accepted(blob) }
            return verify(claim)
        }
    }

    /// Checks the input of EIP-4844's point evaluation precompile: versioned hash, z, y, commitment and proof, 192 bytes.
    public func verify(pointEvaluation input: [UInt8]) -> Verdict {
        guard input.count == 192 else {
            let error = ParseError(field: "input", expected: "192 bytes", actual: "\(input.count)")
            return Self.verdict([Self.malformed(error)], Self.subject([input]))
        }
        let commitment = Array(input[96..<144])
        var hash = SHA256.hash(commitment).bytes
        hash[0] = 1
        let check = Check.equal(
            "kzg.versioned-hash",
            expected: Hex.encode(hash),
            actual: Hex.encode(input[..<32]),
            source: "EIP-4844, kzg_to_versioned_hash"
        )
        var verdict = verify(
            commitment: commitment,
            z: Array(input[32..<64]),
            y: Array(input[64..<96]),
            proof: Array(input[144...])
        )
        verdict.checks.insert(check, at: 0)
        return Self.verdict(verdict.checks, verdict.subject)
    }
}
