// Job specs and the folders that hold them.
import AssayTesting
import Codecs
import Commitments
import Foundation
import Receipts
import Replay
import Signatures
import Testing

@Suite final class JobFolderTests {
    private let folder: URL
    private let tiny: TinyJob

    init() throws {
        tiny = try TinyJob()
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("assay-job-folder-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (path, bytes) in tiny.files { try write(path, bytes) }
        try write("job.json", TinyJob.authored.serialized(pretty: true))
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    private func write(_ path: String, _ bytes: [UInt8]) throws {
        let url = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    private func remove(_ path: String) throws {
        try FileManager.default.removeItem(at: folder.appendingPathComponent(path))
    }

    private func failure() -> JobFolderError? {
        do throws(JobFolderError) {
            _ = try JobFolder(path: folder.path).seal()
            return nil
        } catch {
            return error
        }
    }

    /// Writes a spec in which `change` was made to the replay object.
    private func writeSpec(_ change: (inout JSONObject) -> Void) throws {
        guard case .object(var spec) = TinyJob.authored, case .object(var replay)? = spec["replay"] else { return }
        change(&replay)
        spec["replay"] = .object(replay)
        try write("job.json", JSONValue.object(spec).serialized())
    }

    @Test func sealsWhatItReads() throws {
        let content = try JobFolder(path: folder.path).seal()
        #expect(content.job == tiny.job)
        #expect(content.files == tiny.files)
        #expect(content.job.spec.isSealed)
        #expect(content.job.spec.holdAmount == 6_400_000)
        #expect(content.job.spec.deadlines == JobSpec.Deadlines())
        // A sealed spec seals to itself.
        try write("job.json", content.job.bytes)
        #expect(try JobFolder(path: folder.path).seal().job == content.job)
    }

    @Test func missingFilesAreNamed() throws {
        try remove("inputs/x.raw")
        #expect(failure() == .missing(path: "inputs/x.raw"))
        try remove("job.json")
        #expect(failure() == .missing(path: "job.json"))
        try FileManager.default.removeItem(at: folder)
        #expect(failure() == .missing(path: folder.path))
    }

    @Test func aStatedIdentifierThatIsWrongIsRefused() throws {
        let wrong = CID.raw([1, 2, 3])
        let right = try #require(tiny.job.inputs.first?.cid)
        try writeSpec { replay in
            guard case .array(var sources)? = replay["sources"], case .object(var source) = sources[0] else { return }
            source["cid"] = .string(wrong.text)
            sources[0] = .object(source)
            replay["sources"] = .array(sources)
        }
        guard case .malformed(let error) = failure() else {
            Issue.record("not malformed")
            return
        }
        #expect(error.field == "replay.sources[0].cid")
        #expect(error.expected == wrong.text)
        #expect(error.actual == right.text)
    }

    @Test func aStatedLengthThatIsWrongIsRefused() throws {
        try writeSpec { replay in
            guard case .array(var sources)? = replay["sources"], case .object(var source) = sources[0] else { return }
            source["bytes"] = .string("1")
            sources[0] = .object(source)
            replay["sources"] = .array(sources)
        }
        guard case .malformed(let error) = failure() else {
            Issue.record("not malformed")
            return
        }
        #expect(error.field == "replay.sources[0].bytes")
        #expect(error.expected == "1")
    }

    @Test func symbolicLinksAreNeverFollowed() throws {
        try remove("inputs/x.raw")
        let outside = folder.appendingPathComponent("outside.raw")
        try Data(tiny.files["inputs/x.raw"] ?? []).write(to: outside)
        let link = folder.appendingPathComponent("inputs/x.raw")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: outside)
        guard case .unreadable(let path, _) = failure() else {
            Issue.record("followed a link to a file")
            return
        }
        #expect(path == "inputs/x.raw")
        try FileManager.default.removeItem(at: folder.appendingPathComponent("inputs"))
        try write("elsewhere/x.raw", tiny.files["inputs/x.raw"] ?? [])
        try FileManager.default.createSymbolicLink(
            at: folder.appendingPathComponent("inputs"),
            withDestinationURL: folder.appendingPathComponent("elsewhere")
        )
        #expect(failure() != nil)
    }

    @Test func whatIsNotAFileIsRefused() throws {
        try remove("inputs/x.raw")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("inputs/x.raw"),
            withIntermediateDirectories: true
        )
        #expect(failure() == .unreadable(path: "inputs/x.raw", detail: "not a regular file"))
        try remove("inputs/x.raw")
        #expect(mkfifo(folder.appendingPathComponent("inputs/x.raw").path, 0o600) == 0)
        #expect(failure() == .unreadable(path: "inputs/x.raw", detail: "not a regular file"))
    }

    @Test(arguments: ["../x.raw", "/etc/passwd", "inputs/../../x.raw", "", ".", "inputs//x.raw", "./x.raw"])
    func pathsOutsideTheFolderAreRefused(_ path: String) throws {
        try writeSpec { replay in
            guard case .array(var slots)? = replay["slots"], case .object(var slot) = slots[0] else { return }
            slot["file"] = .string(path)
            slots[0] = .object(slot)
            replay["slots"] = .array(slots)
        }
        guard case .malformed(let error) = failure() else {
            Issue.record("\(path) is not malformed")
            return
        }
        #expect(error.field == "replay.slots[0].file")
    }

    @Test func oversizedAndUnreadableSpecsAreRefused() throws {
        try write("job.json", [UInt8](repeating: 0x20, count: JobSpec.maxBytes + 1))
        guard case .malformed = failure() else {
            Issue.record("an oversized spec is not malformed")
            return
        }
        for text in ["", "{", "[]", "{\"schema\":\"assay.job/1\",\"schema\":\"assay.job/1\"}", "\u{feff}{}"] {
            try write("job.json", Array(text.utf8))
            guard case .malformed = failure() else {
                Issue.record("'\(text)' is not malformed")
                return
            }
        }
    }

    @Test func inputsOfAnotherLengthAreRefused() throws {
        try write("inputs/x.raw", [1, 2, 3])
        guard case .malformed(let error) = failure() else {
            Issue.record("a short input is not malformed")
            return
        }
        #expect(error.field == "replay.slots[0].bytes")
    }
}

@Suite struct JobSpecTests {
    @Test func damagedSpecsAreRefused() throws {
        let spec = try TinyJob().job.spec
        #expect(try JobSpec(spec.json) == spec)
        let optional: Set<String> = [
            "deadlines", "deadlines.uploadSeconds", "deadlines.matchSeconds", "deadlines.runSeconds",
            "deadlines.verifySeconds", "attempts", "replay.sources[].bytes", "replay.sources[].cid",
            "replay.slots[].bytes", "replay.slots[].cid", "replay.steps[].unitsPerItem",
            "replay.steps[].args[].access", "replay.slots[].file", "replay.slots[].format",
        ]
        for mutation in JSONMutation.all(of: spec.json)
        where mutation.kind != .removed || !optional.contains(mutation.shape) {
            let error = #expect(throws: ParseError.self, "\(mutation)") { try JobSpec(mutation.document) }
            if mutation.kind == .unknown { #expect(error?.field == mutation.path, "\(mutation)") }
        }
    }

    @Test func membersUnderExtAreKept() throws {
        guard case .object(var object) = TinyJob.authored else { return }
        object["ext"] = .object(["tool": .object(["version": .integer(3), "note": .null])])
        let spec = try JobSpec(.object(object))
        #expect(try JobSpec(spec.json) == spec)
        guard case .object(let written) = spec.json else { return }
        #expect(written["ext"] == object["ext"])
    }

    @Test func pricesThatNoLedgerCanHoldAreRefused() throws {
        guard case .object(var object) = TinyJob.authored else { return }
        object["price"] = .object(["currency": .string("TEST"), "maxPerMegaUnit": .string("9223372036854775807")])
        #expect(try JobSpec(.object(object)).holdAmount == 1_180_591_620_717_411_304)
        guard case .object(var replay)? = object["replay"], case .array(var steps)? = replay["steps"],
            case .object(var step) = steps[0]
        else { return }
        step["unitsPerItem"] = .string("100000000")
        steps[0] = .object(step)
        replay["steps"] = .array(steps)
        object["replay"] = .object(replay)
        let error = #expect(throws: ParseError.self) { try JobSpec(.object(object)) }
        #expect(error?.field == "price.maxPerMegaUnit")
    }

    @Test func freeJobsHoldOneUnit() throws {
        guard case .object(var object) = TinyJob.authored else { return }
        object["price"] = .object(["currency": .string("TEST"), "maxPerMegaUnit": .string("0")])
        #expect(try JobSpec(.object(object)).holdAmount == 1)
    }

    @Test func unsealedSpecsAreNoJobs() throws {
        #expect(throws: ParseError.self) { try SealedJob(parsing: TinyJob.authored.serialized()) }
        #expect(throws: ParseError.self) { try SealedJob(try JobSpec(TinyJob.authored)) }
    }
}

@Suite struct IdentifierTests {
    @Test func jobsAreNamedByRequesterNonceAndSpec() throws {
        let key = try SigningKey(seed: [UInt8](repeating: 1, count: 32)).verifyingKey
        let nonce = [UInt8](repeating: 2, count: 32)
        let expected = SHA256.hash(Array("assay-job-1\0".utf8) + key.bytes + nonce + [3])
        #expect(try JobID(requester: key, nonce: nonce, spec: [3]).digest == expected)
        for count in [0, 31, 33] {
            #expect(throws: ParseError.self) {
                try JobID(requester: key, nonce: [UInt8](repeating: 2, count: count), spec: [3])
            }
        }
    }

    @Test func accountsAreNamedByCurrencyPurposeAndOwner() throws {
        let key = try SigningKey(seed: [UInt8](repeating: 1, count: 32)).verifyingKey
        let expected = SHA256.hash(Array("assay-account-1\0TEST\0payer\0".utf8) + key.bytes).bytes.prefix(16)
        #expect(AccountName(currency: "TEST", purpose: .payer, owner: key).text == Hex.encode(expected))
    }

    @Test func artefactsAboveOneChunkHaveTheirFilesIdentifier() {
        var generator = SeededGenerator(seed: 3)
        let bytes = generator.bytes((1 << 20) + 1)
        let identity = ArtefactIdentity(of: bytes)
        #expect(identity.cid == ArtefactTree.commit(bytes).cid)
        #expect(identity.cid.codec == .dagPB)
        #expect(identity.byteCount == UInt64(bytes.count))
        #expect(ArtefactIdentity(of: []).cid == .raw([]))
    }
}
