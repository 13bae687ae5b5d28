// Fuzzers of `Proofs` and of the encodings of `Algebra`: keys, proofs, openings, signatures, beacons, points.
import Algebra
import AssayTesting
import Codecs
import Proofs
import Verdicts

extension Registry {
    static let proofs: [FuzzTarget] = [
        FuzzTarget(
            "proofs.groth16-key",
            maxBytes: 16384,
            seeds: [
                snarkjs("verification_key.json"), .shared("proofs/gnark", ".vk"),
                .shared("proofs/sp1", "groth16_vk.bin"),
            ]
        ) { bytes throws(ParseError) in
            let key = try AnyGroth16Key(bytes)
            _ = key.digest
            require(key.inputCount >= 0, "a key has a constant point")
            let isAccepted = key.verdict().isAccepted
            var isLoaded = true
            do throws(ParseError) { _ = try checked(key) } catch { isLoaded = false }
            require(isAccepted == isLoaded, "the checks of a key and loading it agree")
        },
        proof("proofs.groth16-snarkjs", .snarkjs, [snarkjs("proof.json")]),
        proof("proofs.groth16-gnark", .gnark, [gnarkProofs]),
        proof("proofs.groth16-evm", .evm, [.shared("proofs/sp1", ".bin"), .bytes([UInt8](repeating: 0, count: 256))]),
        FuzzTarget(
            "proofs.groth16-inputs",
            seeds: [
                snarkjs("public.json"), .texts("[\"0\",\"33\"]"),
                .bytes([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1] + [UInt8](repeating: 7, count: 31) + [1]),
            ]
        ) { bytes throws(ParseError) in
            if let inputs = try? Groth16Proof<BN254>.publicInputs(evm: bytes) {
                require(inputs.flatMap(\.bigEndianBytes) == bytes, "words of inputs are canonical")
            }
            if let inputs = try? Groth16Proof<BLS12381>.publicInputs(gnark: bytes) {
                require(inputs.flatMap(\.bigEndianBytes) == Array(bytes.dropFirst(12)), "a witness is canonical")
            }
            let inputs = try Groth16Proof<BN254>.publicInputs(snarkjs: bytes)
            let again = JSONValue.array(inputs.map { .string($0.decimal) })
            let value = reread("inputs are JSON") { () throws(ParseError) in try JSONValue(parsing: bytes) }
            require(value == again, "inputs have one text")
        },
        FuzzTarget(
            "proofs.kzg-claim",
            maxBytes: 1024,
            seeds: [.made { try openings().map { $0.serialized() } }]
        ) { bytes throws(ParseError) in
            for verdict in KZGVerifier.ethereum.verify(try KZGClaim.parse(bytes)) {
                require(!verdict.checks.isEmpty, "a verdict has checks")
            }
        },
        FuzzTarget(
            "proofs.kzg-opening",
            maxBytes: 192,
            seeds: [.strings(in: .shared("proofs/evm/pointEvaluation.json"))],
            throwing: Never.self
        ) { bytes in
            require(!KZGVerifier.ethereum.verify(pointEvaluation: bytes).checks.isEmpty, "a verdict has checks")
        },
        FuzzTarget(
            "proofs.bls-claim",
            maxBytes: 1024,
            seeds: [
                .texts(
                    #"{"pubkey":"0x00","message":"00","signature":"00"}"#,
                    #"{"pubkeys":[],"messages":[],"signature":""}"#
                )
            ]
        ) { bytes throws(ParseError) in
            let claim = try BLSClaim(json: bytes)
            require(
                claim.kind == .fastAggregate || claim.messages.count == claim.publicKeys.count,
                "keys have messages"
            )
            _ = BLSVerifier.basic.verify(claim)
        },
        FuzzTarget(
            "proofs.drand-chain",
            seeds: [
                .made { try SharedVectors.json("vectors/proofs/drand/chains.json").members.map { $0.serialized() } }
            ]
        ) { bytes throws(ParseError) in
            let chain = try DrandChain(json: bytes)
            require(chain.round(at: chain.genesisTime) == 1, "round 1 is due at the genesis")
            _ = chain.verify(DrandBeacon(round: 1, signature: bytes), expectedRound: 1)
        },
        FuzzTarget("proofs.drand-beacon", seeds: [.shared("proofs/drand/mainnet-round1.json")]) {
            bytes throws(ParseError) in
            let beacon = try DrandBeacon(json: bytes)
            require(beacon.round > 0, "rounds begin at 1")
            if let chain = network { _ = chain.verify(beacon, expectedRound: beacon.round) }
        },
        points("algebra.bn254-g1", BN254G1.self, .gnark), points("algebra.bn254-g2", BN254G2.self, .gnark),
        points("algebra.bls12-381-g1", BLS12381G1.self, .zcash),
        points("algebra.bls12-381-g2", BLS12381G2.self, .zcash),
        FuzzTarget(
            "algebra.decimal",
            maxBytes: 200,
            seeds: [.texts("0", "1", "340282366920938463463374607431768211456")]
        ) {
            bytes throws(ParseError) in
            require(try BN254.Fr(decimal: bytes.text, field: "x").decimal == bytes.text, "a number has one text")
        },
    ]

    /// A key that passes, or the reason.
    private static func checked(_ key: AnyGroth16Key) throws(ParseError) -> Bool {
        switch key {
        case .bn254(let key): try key.checked().inputCount >= 0
        case .bls12381(let key): try key.checked().inputCount >= 0
        }
    }

    /// The network whose first beacon is shared; what a beacon is judged by, so that parsing is not all that runs.
    private static let network: DrandChain? = {
        guard let chains = try? SharedVectors.json("vectors/proofs/drand/chains.json") else { return nil }
        return try? DrandChain(json: chains["DEFAULT_CHAIN_INFO"].serialized())
    }()

    /// A proof whose points, where they are members, are written back as they came.
    private static func proof(_ name: String, _ format: Groth16Format, _ seeds: [Seeds]) -> FuzzTarget {
        FuzzTarget(name, seeds: seeds) { bytes throws(ParseError) in
            switch format {
            case .snarkjs:
                if (try? Groth16Proof<BLS12381>(snarkjs: bytes)) != nil { return }
                _ = try Groth16Proof<BN254>(snarkjs: bytes)
            case .gnark:
                if let proof = try? Groth16Proof<BLS12381>(gnark: bytes) { rewrite(proof, .zcash, bytes) }
                rewrite(try Groth16Proof<BN254>(gnark: bytes), .gnark, bytes)
            case .evm:
                rewrite(try Groth16Proof<BN254>(evm: bytes), .gnark, bytes)
            }
        }
    }

    private static func rewrite<C: PairingCurve>(_ proof: Groth16Proof<C>, _ flags: PointFlags, _ bytes: [UInt8]) {
        guard let a = try? proof.a.checked(), let b = try? proof.b.checked(), let c = try? proof.c.checked() else {
            return
        }
        let compressed = a.compressed(flags) + b.compressed(flags) + c.compressed(flags)
        let raw = a.uncompressed(flags) + b.uncompressed(flags) + c.uncompressed(flags)
        require(
            bytes.starts(with: compressed) || bytes.starts(with: raw),
            "a proof has one compressed and one raw form"
        )
    }

    /// A point that is read and is a member has exactly the form that it came in.
    private static func points<G: CurveGroup>(_ name: String, _ group: G.Type, _ flags: PointFlags) -> FuzzTarget {
        let seeds = Seeds.made {
            let points = [AffinePoint<G>.infinity, G.generator, (7 * G.generator).affine, -G.generator]
            return points.flatMap { [$0.compressed(flags), $0.uncompressed(flags)] }
        }
        return FuzzTarget(name, maxBytes: 2 * G.Coordinate.byteCount, seeds: [seeds]) { bytes throws(ParseError) in
            let unchecked = try UncheckedPoint<G>(flagged: bytes[...], flags: flags, field: "point")
            guard let point = try? unchecked.checked() else { return }
            let isCompressed = bytes.count == G.Coordinate.byteCount
            require(
                (isCompressed ? point.compressed(flags) : point.uncompressed(flags)) == bytes,
                "a point has one form"
            )
        }
    }

    // MARK: Valid inputs

    private static func snarkjs(_ name: String) -> Seeds { .shared("proofs/groth16-snarkjs", name) }

    private static let gnarkProofs = Seeds.made {
        let g = (BN254G1.generator, BN254G2.generator), h = (BLS12381G1.generator, BLS12381G2.generator)
        return [
            g.0.compressed(.gnark) + g.1.compressed(.gnark) + g.0.compressed(.gnark),
            g.0.uncompressed(.gnark) + g.1.uncompressed(.gnark) + g.0.uncompressed(.gnark),
            h.0.compressed(.zcash) + h.1.compressed(.zcash) + h.0.compressed(.zcash),
        ]
    }

    private static func openings() throws -> [JSONValue] {
        try SharedVectors.json("vectors/proofs/kzg/verify_kzg_proof.json").items.map { $0["input"] }
    }
}

extension JSONValue {
    /// The values of an object's members.
    fileprivate var members: [JSONValue] {
        guard case .object(let object) = self else { return [] }
        return object.members.map(\.value)
    }
}
