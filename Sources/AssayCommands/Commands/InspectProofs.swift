// What `assay inspect` shows of proof systems' files: keys, proofs, inputs, openings, signatures and beacons, decoded and
// not judged. A kind is told from the members that a document has, or from the shape of binary files.
internal import Algebra
internal import Codecs
internal import Commitments
internal import Proofs

enum InspectProofs {
    /// The kind and content of a JSON document; `nil` when it is none of a proof system's.
    static func decode(_ object: JSONObject, _ bytes: [UInt8]) throws(ParseError) -> (kind: String, value: JSONValue)? {
        let value = JSONValue.object(object)
        func has(_ names: String...) -> Bool { names.allSatisfy { object[$0] != nil } }
        if has("vk_alpha_1", "IC") { return ("groth16-key", key(try AnyGroth16Key(snarkjs: value), "snarkjs")) }
        if has("pi_a", "pi_b", "pi_c") { return ("groth16-proof", try snarkjsProof(object, bytes)) }
        if has("schemeID", "groupHash") { return ("drand-chain", chain(try DrandChain(json: bytes))) }
        if has("round", "signature") { return ("drand-beacon", beacon(try DrandBeacon(json: bytes))) }
        if has("signature"), has("pubkey") || has("pubkeys") { return ("bls", bls(try BLSClaim(json: bytes))) }
        let isKZG = has("commitment", "proof") && (has("blob") || has("z", "y"))
        if isKZG || has("blob", "kzg_commitment", "kzg_proof") {
            return ("kzg", .array(try KZGClaim.parse(bytes).map(kzg)))
        }
        return nil
    }

    /// The kind and content of a file that is no JSON object; `nil` when it is none of a proof system's.
    static func decode(_ bytes: [UInt8]) throws(ParseError) -> (kind: String, value: JSONValue)? {
        if bytes.first == UInt8(ascii: "["), case .array(let items) = try JSONValue(parsing: bytes) {
            let isText = items.allSatisfy { if case .string = $0 { true } else { false } }
            return (isText ? "groth16-public" : "json", .array(items))
        }
        if let key = try? AnyGroth16Key(bytes) { return ("groth16-key", self.key(key, "gnark")) }
        if let proof = try? Groth16Proof<BN254>(gnark: bytes) { return ("groth16-proof", self.proof(proof, "gnark")) }
        if let proof = try? Groth16Proof<BLS12381>(gnark: bytes) {
            return ("groth16-proof", self.proof(proof, "gnark"))
        }
        guard bytes.starts(with: "4096\n65\n".utf8) else { return nil }
        let setup = try KZGSetup(text: String(decoding: bytes, as: UTF8.self))
        return (
            "kzg-setup",
            .object([
                "g1Lagrange": .integer(setup.lagrange.count), "tau": .string(Hex.encode(setup.tau.zcash)),
                "ethereum": .bool(setup.isEthereum),
            ])
        )
    }

    private static func point<G: CurveGroup>(_ point: UncheckedPoint<G>) -> JSONValue {
        guard let (x, y) = point.coordinates else { return .string("infinity") }
        return .object(["x": .string(Hex.encode(x.bigEndianBytes)), "y": .string(Hex.encode(y.bigEndianBytes))])
    }

    private static func key(_ key: AnyGroth16Key, _ format: String) -> JSONValue {
        func points<C: PairingCurve>(_ key: UncheckedGroth16Key<C>) -> JSONObject {
            [
                "format": .string(format), "curve": .string(C.name), "publicInputs": .integer(key.inputs.count - 1),
                "digest": .string(key.digest.text), "alpha": point(key.alpha), "beta": point(key.beta),
                "gamma": point(key.gamma), "delta": point(key.delta), "inputs": .array(key.inputs.map { point($0) }),
            ]
        }
        switch key {
        case .bn254(let key): return .object(points(key))
        case .bls12381(let key): return .object(points(key))
        }
    }

    /// A proof of snarkjs names its curve, unless rapidsnark wrote it, which has BN254 only.
    private static func snarkjsProof(_ object: JSONObject, _ bytes: [UInt8]) throws(ParseError) -> JSONValue {
        if case .string(let curve)? = object["curve"], curve.lowercased().contains("bls") {
            return proof(try Groth16Proof<BLS12381>(snarkjs: bytes), "snarkjs")
        }
        return proof(try Groth16Proof<BN254>(snarkjs: bytes), "snarkjs")
    }

    private static func proof<C: PairingCurve>(_ proof: Groth16Proof<C>, _ format: String) -> JSONValue {
        .object([
            "format": .string(format), "curve": .string(C.name), "a": point(proof.a), "b": point(proof.b),
            "c": point(proof.c),
        ])
    }

    private static func kzg(_ claim: KZGClaim) -> JSONValue {
        func hex(_ bytes: [UInt8]) -> JSONValue { .string(Hex.encode(bytes)) }
        switch claim {
        case .opening(let commitment, let z, let y, let proof):
            return .object(["commitment": hex(commitment), "z": hex(z), "y": hex(y), "proof": hex(proof)])
        case .blob(let blob):
            return .object([
                "commitment": hex(blob.commitment), "proof": hex(blob.proof), "blobBytes": .integer(blob.blob.count),
                "blobSha256": .string(SHA256.hash(blob.blob).hex),
                "versionedHash": hex([1] + SHA256.hash(blob.commitment).bytes.dropFirst()),
            ])
        }
    }

    private static func bls(_ claim: BLSClaim) -> JSONValue {
        .object([
            "claim": .string(claim.kind.rawValue),
            "publicKeys": .array(claim.publicKeys.map { .string(Hex.encode($0)) }),
            "messages": .array(claim.messages.map { .string(Hex.encode($0)) }),
            "signature": .string(Hex.encode(claim.signature)),
        ])
    }

    private static func chain(_ chain: DrandChain) -> JSONValue {
        .object([
            "scheme": .string(chain.scheme.rawValue), "beaconID": .string(chain.beaconID),
            "hash": .string(chain.hash.hex), "publicKey": .string(Hex.encode(chain.publicKey)),
            "periodSeconds": .integer(chain.periodSeconds),
            "genesis": .string(Timestamp.text(Int64(clamping: chain.genesisTime))),
        ])
    }

    private static func beacon(_ beacon: DrandBeacon) -> JSONValue {
        var object: JSONObject = [
            "round": .integer(beacon.round), "signature": .string(Hex.encode(beacon.signature)),
            "derivedRandomness": .string(Hex.encode(beacon.derivedRandomness)),
        ]
        if let previous = beacon.previousSignature { object["previousSignature"] = .string(Hex.encode(previous)) }
        if let stated = beacon.randomness { object["statedRandomness"] = .string(Hex.encode(stated)) }
        return .object(object)
    }
}
