// `assay prove`: proofs and signatures over pairings, judged offline.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import Proofs
internal import Verdicts

struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Verify proofs, openings, signatures and beacons, and check verifying keys.",
        subcommands: [ProveVerify.self, ProveKey.self]
    )
}

struct ProveVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verify a proof, an opening, a signature or a beacon. No network.",
        subcommands: [
            ProveVerifyGroth16.self, ProveVerifyKZG.self, ProveVerifyBLS.self, ProveVerifyDrand.self,
        ]
    )
}

struct ProveKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Look at verifying keys before trusting them.",
        subcommands: [ProveKeyCheck.self]
    )
}

/// Which relaxations of Groth16's formats a user asks for.
struct CompatibilityOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Allow one thing that the strict reading refuses; may be given several times: unreducedCoordinates (coordinates "
                + "above the modulus), hexadecimalNumbers (0x numbers), foreignTags (protocol and curve of the proof), "
                + "sharedGammaDelta (keys that anyone can forge proofs under).",
            valueName: "name"
        )
    )
    var compat: [String] = []

    /// The relaxations.
    func set() throws(Failure) -> Set<Groth16Compatibility> {
        var set: Set<Groth16Compatibility> = []
        for name in compat {
            guard let relaxation = Groth16Compatibility(rawValue: name) else {
                let expected = "one of " + Groth16Compatibility.allCases.map(\.rawValue).joined(separator: ", ")
                throw Failure(option: "--compat", ParseError(field: "compat", expected: expected, actual: name))
            }
            set.insert(relaxation)
        }
        return set
    }

    /// The relaxations as every document names them.
    static func json(_ set: Set<Groth16Compatibility>) -> JSONValue {
        .array(set.map(\.rawValue).sorted().map { .string($0) })
    }
}

struct ProveVerifyGroth16: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "groth16",
        abstract: "Verify Groth16 proofs over BN254 or BLS12-381: one, or many under one key as a batch.",
        discussion: """
            The files of snarkjs and rapidsnark are taken as they are; gnark's binary files are known by not being JSON. With
            --format evm, proofs are the words A, B, C and inputs are 32-byte words, as bytes or as text after 0x. The n-th
            public file belongs to the n-th proof. Exit code 0: every proof accepted. 1: rejected, malformed proofs and
            inputs included, or a key that is refused. 4: of several proofs some were rejected; they are named. 65: a
            malformed key.
            """
    )

    @Option(help: ArgumentHelp("The verifying key.", valueName: "file"))
    var key: String
    @Option(parsing: .upToNextOption, help: ArgumentHelp("The proofs.", valueName: "file"))
    var proof: [String]
    @Option(parsing: .upToNextOption, help: ArgumentHelp("The public inputs of each proof.", valueName: "file"))
    var `public`: [String]
    @Option(help: ArgumentHelp("The layout of the proofs: snarkjs, gnark or evm.", valueName: "name"))
    var format: String?
    @OptionGroup var compatibility: CompatibilityOptions
    @Flag(help: "Say for every check what was expected and by which document.")
    var explain = false
    @OptionGroup var global: GlobalOptions

    /// So many proofs are checked between two looks at the progress; each batch is sound by itself.
    static let batch = 256

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let allowed = try compatibility.set()
        let format = try self.format.map { name throws(Failure) in
            guard let format = Groth16Format(rawValue: name) else {
                let expected = "one of " + Groth16Format.allCases.map(\.rawValue).joined(separator: ", ")
                throw Failure(option: "--format", ParseError(field: "format", expected: expected, actual: name))
            }
            return format
        }
        guard proof.count == `public`.count else {
            let error = ParseError(field: "public", expected: "as many files as proofs", actual: "\(`public`.count)")
            throw Failure(option: "--public", error)
        }
        let parsed = try ProveKeyCheck.read(key, allowed)
        let verifier: AnyGroth16Verifier
        do throws(ParseError) {
            verifier = try AnyGroth16Verifier(parsed, allowing: allowed)
        } catch {
            var failure = Failure(error, id: "groth16.key.refused", in: key)
            failure.status = .rejected
            throw failure.hinting("assay prove key check shows every check of the key")
        }
        let progress = Progress(tool, "verify")
        var judged: [VerdictWords] = []
        for start in stride(from: 0, to: proof.count, by: Self.batch) {
            let indices = start..<min(start + Self.batch, proof.count)
            var files: [Groth16Files] = []
            for index in indices {
                let inputs = try Files.read(`public`[index], maxBytes: 4 << 20)
                files.append(
                    Groth16Files(proof: try Files.read(proof[index], maxBytes: 4 << 20), publicInputs: inputs)
                )
            }
            let begin = tool.stopwatch.wall()
            var verdicts = verifier.verify(files, format: format, allowing: allowed)
            let each = (tool.stopwatch.wall() - begin) / 1000 / UInt64(files.count)
            for index in verdicts.indices { verdicts[index].cost.wallMicroseconds = each }
            judged += zip(indices, verdicts).map { VerdictWords(source: proof[$0], verdict: $1) }
            progress.show(UInt64(judged.count), of: UInt64(proof.count), "proofs")
            guard !Task.isCancelled else { throw .interrupted }
        }
        progress.finish()
        var answer = VerdictWords.answer(judged, "proofs", tool.style, explain: explain)
        answer.members["key"] = .string(verifier.keyDigest.text)
        answer.members["compat"] = CompatibilityOptions.json(allowed)
        answer.lines.append("  key \(verifier.keyDigest.text)")
        if !allowed.isEmpty {
            answer.lines.append("  allowed: " + allowed.map(\.rawValue).sorted().joined(separator: ", "))
        }
        return answer
    }
}

struct ProveKeyCheck: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a Groth16 verifying key of snarkjs or gnark: curves, groups, infinity, gamma and delta.",
        discussion: """
            What no key can show is that its setup was honest: that stays an assumption of every verdict under it. Exit code
            0: every check passed. 1: the key is refused. 65: no such key in the file.
            """
    )

    @Argument(help: "The verifying key; - is standard input.")
    var file: String
    @OptionGroup var compatibility: CompatibilityOptions
    @Flag(help: "Say for every check what was expected and by which document.")
    var explain = false
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let allowed = try compatibility.set()
        let key = try Self.read(file, allowed)
        let begin = tool.stopwatch.wall()
        var verdict = key.verdict(allowing: allowed)
        verdict.cost.wallMicroseconds = (tool.stopwatch.wall() - begin) / 1000
        var answer = VerdictWords(source: file, verdict: verdict).answer(tool.style, explain: explain)
        answer.members["curve"] = .string(key.curve)
        answer.members["publicInputs"] = .integer(key.inputCount)
        answer.members["key"] = .string(key.digest.text)
        answer.members["compat"] = CompatibilityOptions.json(allowed)
        answer.lines += Table.facts(
            [("curve", key.curve), ("public inputs", "\(key.inputCount)"), ("key", key.digest.text)],
            indent: 2
        )
        return answer
    }

    static func read(_ path: String, _ allowed: Set<Groth16Compatibility>) throws(Failure) -> AnyGroth16Key {
        let bytes = try Files.read(path, maxBytes: 4 << 20)
        do throws(ParseError) {
            return try AnyGroth16Key(bytes, allowing: allowed)
        } catch {
            throw Failure(error, id: "groth16.key.malformed", in: path)
        }
    }
}
