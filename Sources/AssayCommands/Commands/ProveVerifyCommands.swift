// `assay prove verify kzg`, `bls` and `drand`.
internal import Algebra
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import Proofs
internal import Verdicts

struct ProveVerifyKZG: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "kzg",
        abstract: "Verify KZG openings and blobs of EIP-4844 under Ethereum's setup or another.",
        discussion: """
            A file holds {commitment, z, y, proof} or {blob, commitment, proof} in hexadecimal, a blob sidecar of a beacon
            node, an array of these, or the 192 bytes that the point evaluation precompile takes. Blobs are checked as one
            batch. Exit code 0: everything accepted. 1: rejected. 4: of several claims some were rejected. 65: not such a
            file.
            """
    )

    @Argument(help: ArgumentHelp("The claims; - is standard input.", valueName: "file"))
    var files: [String]
    @Option(help: ArgumentHelp("Another setup, in the text form of c-kzg-4844.", valueName: "file"))
    var setup: String?
    @Flag(help: "Say for every check what was expected and by which document.")
    var explain = false
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let verifier = try verifier()
        var sources: [String] = []
        var claims: [KZGClaim] = []
        var judged: [VerdictWords] = []
        for file in files {
            let bytes = try Files.read(file, maxBytes: 64 << 20)
            guard bytes.count != 192 else {
                let (verdict, time) = Self.timed(tool) { verifier.verify(pointEvaluation: bytes) }
                judged.append(VerdictWords(source: file, verdict: verdict.costing(time)))
                continue
            }
            do throws(ParseError) {
                let found = try KZGClaim.parse(bytes)
                for index in found.indices { sources.append(found.count == 1 ? file : "\(file)[\(index)]") }
                claims += found
            } catch {
                throw Failure(error, id: "kzg.malformed", in: file)
            }
        }
        let (verdicts, time) = Self.timed(tool) { verifier.verify(claims) }
        judged += zip(sources, verdicts).map {
            VerdictWords(source: $0, verdict: $1.costing(time / UInt64(max(1, claims.count))))
        }
        guard !judged.isEmpty else {
            let error = ParseError(field: "", expected: "at least one claim", actual: "none")
            throw Failure(error, id: "kzg.malformed", in: files[0])
        }
        return VerdictWords.answer(judged, "claims", tool.style, explain: explain)
    }

    private func verifier() throws(Failure) -> KZGVerifier {
        guard let setup else { return .ethereum }
        let bytes = try Files.read(setup, maxBytes: 4 << 20)
        do throws(ParseError) {
            return KZGVerifier(tau: try KZGSetup(text: String(decoding: bytes, as: UTF8.self)).tau)
        } catch {
            throw Failure(error, id: "kzg.setup.malformed", in: setup)
        }
    }

    /// A result and the microseconds that it took.
    static func timed<Value>(_ tool: Tool, _ body: () -> Value) -> (Value, UInt64) {
        let begin = tool.stopwatch.wall()
        let value = body()
        return (value, (tool.stopwatch.wall() - begin) / 1000)
    }
}

extension Verdict {
    /// The same verdict with its cost.
    func costing(_ microseconds: UInt64) -> Verdict {
        var copy = self
        copy.cost.wallMicroseconds = microseconds
        return copy
    }
}

struct ProveVerifyBLS: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "bls",
        abstract: "Verify BLS signatures over BLS12-381: single, aggregate and fast aggregate.",
        discussion: """
            A file holds {pubkey, message, signature}, {pubkeys, messages, signature} or, for one message of many signers whose
            keys' possession was proved, {pubkeys, message, signature}, in hexadecimal. Exit code 0: accepted. 1: rejected.
            4: of several some were rejected. 65: not such a file.
            """
    )

    @Argument(help: ArgumentHelp("The claims; - is standard input.", valueName: "file"))
    var files: [String]
    @Option(
        help: ArgumentHelp(
            "basic, pop (proof of possession, Ethereum's consensus) or possession (the proof itself).",
            valueName: "name"
        )
    )
    var scheme = "basic"
    @Option(help: ArgumentHelp("The tag that messages are hashed under, instead of the scheme's.", valueName: "text"))
    var tag: String?
    @Option(help: ArgumentHelp("The group of the public keys: g1 or g2. With g2, --tag is needed.", valueName: "group"))
    var keysIn = "g1"
    @Flag(help: "Say for every check what was expected and by which document.")
    var explain = false
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let verifier = try verifier()
        var judged: [VerdictWords] = []
        for file in files {
            let bytes = try Files.read(file, maxBytes: 64 << 20)
            do throws(ParseError) {
                let claim = try BLSClaim(json: bytes)
                let (verdict, time) = ProveVerifyKZG.timed(tool) { verifier.verify(claim) }
                judged.append(VerdictWords(source: file, verdict: verdict.costing(time)))
            } catch {
                throw Failure(error, id: "bls.malformed", in: file)
            }
        }
        return VerdictWords.answer(judged, "signatures", tool.style, explain: explain)
    }

    private func verifier() throws(Failure) -> BLSVerifier {
        func refuse(_ option: String, _ expected: String, _ actual: String) -> Failure {
            Failure(option: option, ParseError(field: option, expected: expected, actual: actual))
        }
        let schemes: [String: BLSVerifier] = [
            "basic": .basic, "pop": .proofOfPossession, "possession": .possession,
        ]
        guard var verifier = schemes[scheme] else { throw refuse("--scheme", "basic, pop or possession", scheme) }
        switch keysIn {
        case "g1": break
        case "g2":
            guard tag != nil else { throw refuse("--tag", "a tag for keys in g2", "none") }
            verifier.placement = .keysInG2
        default: throw refuse("--keys-in", "g1 or g2", keysIn)
        }
        if let tag {
            guard !tag.isEmpty, tag.utf8.count <= 255 else {
                throw refuse("--tag", "1 to 255 bytes", "\(tag.utf8.count) bytes")
            }
            verifier.tag = tag
        }
        return verifier
    }
}

struct ProveVerifyDrand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "drand",
        abstract: "Verify a drand beacon against its network's description and the round that you expect.",
        discussion: """
            The expected round is not optional: whoever chooses the round chooses the randomness. Exit code 0: accepted, and
            the randomness is printed. 1: rejected. 65: a malformed file, or a description that does not have the hash that it
            states.
            """
    )

    @Argument(help: ArgumentHelp("The beacon, as a node serves it; - is standard input.", valueName: "file"))
    var file: String
    @Option(help: ArgumentHelp("The network's /info document.", valueName: "file"))
    var chain: String
    @Option(help: ArgumentHelp("The round that is expected.", valueName: "number"))
    var round: UInt64?
    @Option(
        help: ArgumentHelp("Expect the last round that was due at this time: 2026-11-21T05:40:00Z.", valueName: "time")
    )
    var at: String?
    @Option(help: ArgumentHelp("The chain hash that you trust; the description must have it.", valueName: "hex"))
    var chainHash: String?
    @Flag(help: "Say for every check what was expected and by which document.")
    var explain = false
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        var time: Int64?
        if let at { time = try Failure.parsing("--at") { () throws(ParseError) in try Timestamp.parse(at) } }
        guard (round == nil) != (time == nil) else {
            let error = ParseError(
                field: "round",
                expected: "--round or --at, one of them",
                actual: at == nil ? "none" : "both"
            )
            throw Failure(option: "--round", error)
        }
        let description: DrandChain
        let descriptionBytes = try Files.read(chain, maxBytes: 1 << 16)
        do throws(ParseError) {
            description = try DrandChain(json: descriptionBytes)
        } catch {
            throw Failure(error, id: "drand.chain.malformed", in: chain)
        }
        let beacon: DrandBeacon
        let beaconBytes = try Files.read(file, maxBytes: 1 << 16)
        do throws(ParseError) {
            beacon = try DrandBeacon(json: beaconBytes)
        } catch {
            throw Failure(error, id: "drand.beacon.malformed", in: file)
        }
        let expected = round ?? description.round(at: UInt64(max(0, time ?? 0)))
        let (judged, microseconds) = ProveVerifyKZG.timed(tool) { description.verify(beacon, expectedRound: expected) }
        var verdict = judged.costing(microseconds)
        if let chainHash {
            let check = Check.equal("drand.chain-hash", expected: chainHash, actual: description.hash.hex)
            verdict = Verdict.judged(
                kind: verdict.kind,
                by: [check] + verdict.checks,
                soundness: verdict.soundness,
                assumptions: verdict.assumptions,
                cost: verdict.cost,
                subject: verdict.subject
            )
        }
        var answer = VerdictWords(source: file, verdict: verdict).answer(tool.style, explain: explain)
        answer.members["chainHash"] = .string(description.hash.hex)
        answer.members["scheme"] = .string(description.scheme.rawValue)
        answer.members["round"] = .integer(beacon.round)
        var facts = [
            ("network", "\(description.beaconID), \(description.scheme.rawValue)"), ("chain", description.hash.hex),
        ]
        if verdict.isAccepted {
            answer.members["randomness"] = .string(Hex.encode(beacon.derivedRandomness))
            facts.append(("randomness", Hex.encode(beacon.derivedRandomness)))
        }
        answer.lines += Table.facts(facts, indent: 2)
        return answer
    }
}
