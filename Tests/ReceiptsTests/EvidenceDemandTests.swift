// The `evidence` member of a job spec and the parts that a statement commits to: every form, and every refusal by name.
import AssayTesting
import Codecs
import Commitments
import Receipts
import Testing

@Suite struct EvidenceDemandTests {
    private let replay = JSONValue.object(["kind": .string("replay-exact"), "scope": .string("whole")])
    private let halves = ["jobId", "inputRoot", "outputRoot"].flatMap { ["\($0).high", "\($0).low"] }

    private func proof(_ change: (inout JSONObject) -> Void = { _ in }) -> JSONValue {
        var object: JSONObject = [
            "kind": .string("proof"), "system": .string("groth16"), "curve": .string("bn254"),
            "format": .string("snarkjs"), "key": .object(["file": .string("evidence/key.json")]),
            "publicInputs": .array(halves.map { .string($0) } + [.object(["constant": .string("0")])]),
        ]
        change(&object)
        return .object(object)
    }

    private func spec(_ evidence: JSONValue) throws(ParseError) -> JobSpec {
        guard case .object(var document) = TinyJob.authored else { return try JobSpec(TinyJob.authored) }
        document["evidence"] = evidence
        return try JobSpec(.object(document))
    }

    @Test func everyFormReadsBack() throws {
        for (value, kind) in [
            (replay, "replay-exact"), (proof(), "proof"), (.array([replay, proof()]), "replay-exact+proof"),
            (.array([proof(), proof()]), "proof+proof"),
        ] {
            let demand = try EvidenceDemand(value, "evidence")
            #expect(demand.json == value && demand.kind == kind)
        }
    }

    @Test func refusals() throws {
        let cases: [(JSONValue, String)] = [
            (.array([]), "evidence"), (.array([replay]), "evidence"), (.array([replay, replay]), "evidence"),
            (.array([proof(), proof(), proof(), proof(), proof()]), "evidence"),
            (.array([replay, .null]), "evidence[1]"),
            (.object(["kind": .string("hearsay")]), "evidence.kind"),
            (.object(["kind": .string("replay-exact"), "scope": .string("half")]), "evidence.scope"),
            (proof { $0["system"] = .string("trust-me") }, "evidence.system"),
            (proof { $0["extra"] = .null }, "evidence.extra"),
            (proof { $0["key"] = .object(["file": .string("../key.json")]) }, "evidence.key.file"),
            (proof { $0["key"] = .object(["file": .string("k"), "bytes": .string("0")]) }, "evidence.key.bytes"),
            (proof { $0["publicInputs"] = .array([.string("jobId.high")]) }, "evidence.publicInputs"),
            (proof { $0["publicInputs"] = .array(halves.dropLast().map { .string($0) }) }, "evidence.publicInputs"),
            (
                proof { $0["publicInputs"] = .array((halves + ["jobId.low"]).map { .string($0) }) },
                "evidence.publicInputs[6]"
            ),
            (
                proof { $0["publicInputs"] = .array((halves + ["jobId"]).map { .string($0) }) },
                "evidence.publicInputs[6]"
            ),
            (
                proof { $0["publicInputs"] = .array([.object(["constant": .string("01")])]) },
                "evidence.publicInputs[0].constant"
            ),
        ]
        for (value, field) in cases {
            do throws(ParseError) {
                _ = try EvidenceDemand(value, "evidence")
                Issue.record("\(value) is accepted")
            } catch {
                #expect(error.field == field, "\(error)")
            }
        }
    }

    @Test func sealingCoversTheKey() throws {
        let authored = try spec(.array([replay, proof()]))
        #expect(!authored.isSealed && authored.files.map(\.path).last == "evidence/key.json")
        var files = try TinyJob().files.mapValues { ArtefactIdentity(of: $0) }
        do throws(ParseError) {
            _ = try authored.sealing(with: files)
            Issue.record("sealed without the key")
        } catch {
            #expect(error.field == "evidence[1].key.file", "\(error)")
        }
        let key = ArtefactIdentity(of: [1, 2, 3])
        files["evidence/key.json"] = key
        let job = try SealedJob(try authored.sealing(with: files))
        #expect(job.files.last?.identity == key && job.files.count == 3 && job.inputs.count == 2)
        // The key is not an input of the computation, so that a circuit need not know its own key.
        #expect(job.inputRoot == (try TinyJob().job.inputRoot))
        let again = try SealedJob(parsing: job.bytes)
        #expect(again == job)
        let other = ["evidence/key.json": ArtefactIdentity(of: [9])].merging(files) { new, _ in new }
        #expect(throws: ParseError.self) { try job.spec.sealing(with: other) }
    }

    @Test func halvesAreBigEndian() throws {
        var values = BoundValues.zero
        values.jobID = JobID(try Digest([UInt8](repeating: 0, count: 15) + [1, 2] + [UInt8](repeating: 0, count: 15)))
        values.nodeKey = [UInt8](repeating: 0xff, count: 32)
        #expect(values.decimal(.high(.jobID)) == "1")
        #expect(values.decimal(.low(.jobID)) == "2658455991569831745807614120560689152")
        #expect(values.decimal(.high(.nodeKey)) == "340282366920938463463374607431768211455")
        #expect(values.decimal(.constant("12")) == "12")
    }

    @Test func partsMustBeExactlyThoseAskedFor() throws {
        let demand = try EvidenceDemand(.array([replay, proof()]), "evidence")
        let file = ArtefactIdentity(of: [1])
        func part(_ index: Int, _ name: String, _ size: UInt64 = 1) -> EvidencePart {
            EvidencePart(
                requirement: index,
                name: name,
                file: ArtefactIdentity(cid: file.cid, byteCount: size),
                identity: nil
            )
        }
        #expect(demand.flaw(in: [part(1, "proof")]) == nil)
        #expect(demand.flaw(in: [])?.expected == "1/proof")
        for parts in [
            [part(0, "proof"), part(1, "proof")], [part(1, "proof"), part(1, "proof")], [part(1, "quote")],
            [part(3, "proof")], [part(1, "proof", 1 << 21)],
        ] { #expect(demand.flaw(in: parts) != nil, "\(parts)") }
    }
}

extension EvidenceDemandTests {
    @Test func attestations() throws {
        func requirement(_ change: (inout JSONObject) -> Void = { _ in }) -> JSONValue {
            var object: JSONObject = [
                "kind": .string("attestation"), "cpu": .array([.string("tdx"), .string("sev-snp")]),
                "gpu": .string("nvidia"), "policy": .object(["file": .string("evidence/policy.toml")]),
            ]
            change(&object)
            return .object(object)
        }
        let demand = try EvidenceDemand(requirement(), "evidence")
        #expect(demand.json == requirement() && demand.kind == "attestation" && demand.replay == nil)
        #expect(demand.requirements[0].parts.map(\.name) == ["cpu", "gpu", "collateral"])
        let bare = try EvidenceDemand(requirement { $0["gpu"] = .string("none") }, "evidence")
        #expect(bare.requirements[0].parts.filter(\.isRequired).map(\.name) == ["cpu"])
        let cases: [(JSONValue, String)] = [
            (requirement { $0["cpu"] = .array([]) }, "evidence.cpu"),
            (requirement { $0["cpu"] = .array([.string("tdx"), .string("tdx")]) }, "evidence.cpu"),
            // A device's report has no room for the binding.
            (requirement { $0["cpu"] = .array([.string("nvidia-gpu")]) }, "evidence.cpu[0]"),
            (requirement { $0["gpu"] = .string("any") }, "evidence.gpu"),
            (requirement { $0["policy"] = .string("policy.toml") }, "evidence.policy"),
        ]
        for (value, field) in cases {
            do throws(ParseError) {
                _ = try EvidenceDemand(value, "evidence")
                Issue.record("\(value) is accepted")
            } catch {
                #expect(error.field == field, "\(error)")
            }
        }
    }
}
