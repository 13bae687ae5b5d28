// `assay commit`, `assay receipt`, `assay log` and `assay inspect` as a person uses them.
import AssayTesting
import Codecs
import Commitments
import Foundation
import Receipts
import Signatures
import Testing

@testable import AssayCommands

@Suite struct CommitCommandTests {
    @Test func `The flat hash is computed when it is asked for`() async throws {
        let workplace = try Workplace()
        let bytes = [UInt8](repeating: 7, count: 3_000_000)
        try workplace.write(bytes, "data")
        let path = workplace.path("data")
        let plain = await workplace.run(["commit", "create", path, "--json"])
        #expect(try plain.member("sha256") == nil)
        #expect(try plain.member("cid") == .string(ArtefactIdentity(of: bytes).cid.text))
        let flat = await workplace.run(["commit", "create", path, "--sha256", "--json"])
        #expect(try flat.member("sha256") == .string(SHA256.hash(bytes).hex))
        let outboard = workplace.path("data.obao")
        let tree = await workplace.run(["commit", "create", path, "--outboard", outboard, "--json"])
        let written = [UInt8](try Data(contentsOf: URL(fileURLWithPath: outboard)))
        #expect(written == Bao.groups.outboard(bytes).encoding)
        #expect(try tree.member("blake3") == .string(BLAKE3.hash(bytes).hex))
    }

    @Test func `An archive has every block of a folder, once`() async throws {
        let workplace = try Workplace()
        let folder = workplace.path("tree")
        let files = FileManager.default
        try files.createDirectory(atPath: folder + "/inner/many", withIntermediateDirectories: true)
        let large = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try workplace.write(large, "tree/large")
        try workplace.write(large, "tree/inner/copy")
        try workplace.write([], "tree/empty")
        try files.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "large")
        // So many names that their directory is sharded.
        let names = (0..<4000).map { "a-long-enough-name-for-a-file-\($0)" }
        for name in names { try workplace.write(Array(name.utf8), "tree/inner/many/" + name) }
        let path = workplace.path("tree.car")
        let run = await workplace.run(["commit", "create", folder, "--car", path, "--json"])
        #expect(run.status == .ok, "\(run.error)")
        let plain = await workplace.run(["commit", "create", folder, "--json"])
        #expect(try run.member("cid") == plain.member("cid"))
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(try run.member("car.bytes") == .string("\(bytes.count)"))
        let archive = try CARArchive(parsing: bytes)
        #expect(try run.member("car.blocks") == .integer(archive.blocks.count))
        #expect(Set(archive.blocks.map(\.id)).count == archive.blocks.count)
        let root = try #require(archive.roots.first)
        #expect(try run.member("cid") == .string(root.description))
        let reader = UnixFSReader(archive)
        let entries = try reader.entries(root: root)
        #expect(
            entries.map(\.path).sorted()
                == (["", "empty", "inner", "inner/copy", "inner/many", "large", "link"]
                + names.map { "inner/many/" + $0 })
                .sorted()
        )
        for entry in entries where entry.path == "large" || entry.path == "inner/copy" {
            #expect(try reader.file(entry.id, maxBytes: 4 << 20) == large)
        }
        #expect(files.fileExists(atPath: path + ".part") == false)

        let single = await workplace.run(["commit", "create", folder + "/large", "--car", path, "--json"])
        #expect(single.status == .ok, "\(single.error)")
        let alone = try CARArchive(parsing: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
        #expect(try UnixFSReader(alone).file(try #require(alone.roots.first), maxBytes: 4 << 20) == large)
        let nowhere = await workplace.run(["commit", "create", folder, "--car", workplace.path("no/such/folder.car")])
        #expect(nowhere.status == .ioError)
    }

    @Test func `A file that changes under the archive is an error`() throws {
        let workplace = try Workplace()
        try workplace.write([1, 2, 3], "data")
        let names = try ArtefactScan.file(workplace.path("data"))
        try workplace.write([1, 2, 4], "data")
        let path = workplace.path("data.car")
        let writer = try ArchiveWriter(path: path)
        #expect(throws: FileError.self) { try writer.append(file: workplace.path("data"), names.commitment) }
        #expect(throws: FileError.self) { try writer.finish(root: names.cid) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `A range is opened and verified without the file`() async throws {
        let workplace = try Workplace()
        let bytes = (0..<5_500_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
        try workplace.write(bytes, "data")
        let (part, opening) = (workplace.path("part"), workplace.path("opening.json"))
        let open = [
            "commit", "open", workplace.path("data"), "--offset", "2000000", "--length", "200000", "--data", part,
            "--output", opening,
        ]
        let run = await workplace.run(open + ["--json"])
        #expect(run.status == .ok, "\(run.error)")
        #expect(try run.member("offset") == .string("1048576"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: part)).count == 2 << 20)
        let commitment = ArtefactTree.commit(bytes).commitment.hex
        let verify = ["commit", "verify", part, "--opening", opening]
        #expect(await workplace.run(verify).status == .ok)
        #expect(await workplace.run(verify + ["--commitment", commitment]).status == .ok)
        let other = await workplace.run(verify + ["--commitment", Digest.zero.hex, "--json"])
        #expect(other.status == .rejected)
        #expect(try other.member("error.id") == .string("opening.commitment"))
        #expect(await workplace.run(verify + ["--sha256", Digest.zero.hex]).status == .rejected)
        try workplace.write(Array(bytes[0..<2 << 20]), "part")
        #expect(await workplace.run(verify + ["--commitment", commitment]).status == .rejected)
        let beyond = [
            "commit", "open", workplace.path("data"), "--offset", "5499999", "--length", "2", "--data", part,
            "--output",
            opening,
        ]
        #expect(await workplace.run(beyond).status == .usage)
    }
}

@Suite struct ReceiptCommandTests {
    @Test func `A receipt is shown, verified, exported and read back`() async throws {
        let workplace = try Workplace()
        let factory = try BundleFactory()
        try workplace.write(try await factory.bundle(.accepted), "job.assay")
        try KeyFile.write(factory.engine, to: workplace.path("engine.pem"))
        let bundle = workplace.path("job.assay")
        let engine = factory.engine.verifyingKey.text
        let shown = await workplace.run(["receipt", "show", bundle, "--json"])
        #expect(try shown.member("signer") == .string(engine))
        #expect(try shown.member("document.outcome") == .string("accepted"))
        #expect(await workplace.run(["receipt", "verify", bundle, "--by", engine]).status == .ok)
        let stranger = factory.stranger.verifyingKey.text
        #expect(await workplace.run(["receipt", "verify", bundle, "--by", stranger]).status == .rejected)
        let cose = workplace.path("receipt.cose")
        let export = ["receipt", "export", bundle, "--output", cose]
        #expect(await workplace.run(export + ["--key", workplace.path("engine.pem")]).status == .ok)
        let again = await workplace.run(["receipt", "show", cose, "--json"])
        #expect(try again.member("encoding") == .string("cose"))
        #expect(try again.member("digest") == shown.member("digest"))
        #expect(try again.member("document") == shown.member("document"))
        #expect(await workplace.run(["receipt", "verify", cose, "--by", stranger, "--by", engine]).status == .ok)
        // Somebody else's key cannot speak for the engine.
        try KeyFile.write(factory.stranger, to: workplace.path("stranger.pem"))
        #expect(await workplace.run(export + ["--key", workplace.path("stranger.pem")]).status == .rejected)
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: cose)))
        bytes[bytes.count - 1] ^= 1
        try workplace.write(bytes, "bent.cose")
        #expect(
            await workplace.run(["receipt", "verify", workplace.path("bent.cose"), "--by", engine]).status == .rejected
        )
        try workplace.write([0xd2], "short.cose")
        #expect(await workplace.run(["receipt", "show", workplace.path("short.cose")]).status == .dataError)
        #expect(await workplace.run(["receipt", "chain", bundle]).status == .ok)
        #expect(await workplace.run(["receipt", "chain", bundle, bundle]).status == .rejected)
    }

    @Test func `A key for ES256 is made and shown`() async throws {
        let workplace = try Workplace()
        let path = workplace.path("k.pem")
        let made = await workplace.run(["key", "new", path, "--algorithm", "es256"])
        #expect(made.status == .ok && made.output.hasPrefix("es256:0"))
        #expect(await workplace.run(["key", "show", path]).output == made.output)
        #expect(await workplace.run(["key", "new", workplace.path("l.pem"), "--algorithm", "rsa"]).status == .usage)
    }
}

@Suite struct LogCommandTests {
    @Test func `A log is kept, proved, checked, witnessed and inspected`() async throws {
        let workplace = try Workplace()
        let (log, key) = (workplace.path("log"), workplace.path("log.pem"))
        try KeyFile.write(try SigningKey(seed: Array(1...32)), to: key)
        try KeyFile.write(try SigningKey(seed: Array(2...33)), to: workplace.path("witness.pem"))
        for index in 0..<5 { try workplace.write(Array("receipt \(index)".utf8), "r\(index)") }
        let origin = "log.example/receipts"
        let append = await workplace.run(
            ["log", "append", "--log", log, "--origin", origin, "--key", key, "--digest", "--json"]
                + (0..<5).map { workplace.path("r\($0)") }
        )
        #expect(append.status == .ok, "\(append.error)")
        guard case .string(let vkey)? = try append.member("vkey") else {
            Issue.record("no key")
            return
        }
        let root = await workplace.run(["log", "root", log, "--vkey", vkey, "--json"])
        #expect(try root.member("size") == .string("5") && root.member("verified") == .bool(true))
        let proof = workplace.path("proof")
        #expect(await workplace.run(["log", "prove", log, "3", "-o", proof]).status == .ok)
        #expect(await workplace.run(["log", "prove", log, "5"]).status == .noInput)
        try workplace.write(Array("log \(vkey)\nquorum none\n".utf8), "policy")
        let check = ["log", "check", proof, "--policy", workplace.path("policy"), "--digest", "--file"]
        #expect(await workplace.run(check + [workplace.path("r3")]).status == .ok)
        #expect(await workplace.run(check + [workplace.path("r2")]).status == .rejected)
        #expect(await workplace.run(["log", "fsck", log, "--vkey", vkey]).status == .ok)

        // The same proof as a COSE Receipt.
        let receipt = workplace.path("r3.cose")
        let wrote = await workplace.run(["log", "receipt", log, "3", "-o", receipt, "--key", key, "--json"])
        #expect(wrote.status == .ok)
        guard case .string(let signer)? = try wrote.member("key") else {
            Issue.record("no key")
            return
        }
        let judge = ["log", "check-receipt", receipt, "--by", signer, "--digest", "--file"]
        #expect(await workplace.run(judge + [workplace.path("r3")]).status == .ok)
        #expect(await workplace.run(judge + [workplace.path("r2")]).status == .rejected)
        #expect(await workplace.run(["log", "receipt", log, "5", "-o", receipt, "--key", key]).status == .noInput)
        // A witness without its key is a slip of the user, found before anything is written.
        let alone = ["log", "append", workplace.path("r0"), "--log", log, "--origin", origin, "--key", key]
        #expect(await workplace.run(alone + ["--witness", "http://127.0.0.1:1"]).status == .usage)
        #expect(try await workplace.run(["log", "root", log, "--json"]).member("size") == .string("5"))

        let checkpoint = try Data(contentsOf: URL(fileURLWithPath: log + "/checkpoint"))
        try workplace.write(Array("old 0\n\n".utf8) + checkpoint, "request")
        let witness = [
            "log", "witness", workplace.path("request"), "--state", workplace.path("w"), "--name", "w.example/w",
            "--vkey",
            vkey, "--key", workplace.path("witness.pem"), "--json",
        ]
        let first = await workplace.run(witness)
        #expect(first.status == .ok)
        #expect(try first.member("cosignature") != nil)
        let second = await workplace.run(witness)
        #expect(second.status == .rejected)
        #expect(try second.member("error.id") == .string("witness.409"))

        for (path, kind) in [
            (log + "/checkpoint", "checkpoint"), (proof, "tlog-proof"), (log + "/tile/0/000.p/5", "tile"),
            (log + "/tile/entries/000.p/5", "entry-bundle"),
        ] {
            let run = await workplace.run(["inspect", path, "--json"])
            #expect(run.status == .ok, "\(run.output)")
            #expect(try run.member("kind") == .string(kind))
        }
        // One changed byte of an entry is found.
        var tile = try Data(contentsOf: URL(fileURLWithPath: log + "/tile/0/000.p/5"))
        tile[40] ^= 1
        try tile.write(to: URL(fileURLWithPath: log + "/tile/0/000.p/5"))
        #expect(await workplace.run(["log", "fsck", log, "--vkey", vkey]).status != .ok)
    }

    @Test func `CBOR and COSE are decoded, and what is neither is refused`() async throws {
        let workplace = try Workplace()
        let value = CBORValue.map([
            .init(.integer(1), .bytes([0xab])), .init(.text("a"), .tagged(42, .float(0.5))), .init(.integer(-7), .null),
        ])
        try workplace.write(value.encoded(), "x.cbor")
        let run = await workplace.run(["inspect", workplace.path("x.cbor"), "--json"])
        #expect(try run.member("kind") == .string("cbor"))
        #expect(try run.member("value.1") == .string("h'ab'"))
        #expect(try run.member("value.a.tag") == .string("42"))
        #expect(try run.member("value.-7") == .null)
        let signed = try COSESign1.sign([1, 2], headers: [], with: SigningKey(seed: Array(1...32)))
        try workplace.write(signed, "x.cose")
        let cose = await workplace.run(["inspect", workplace.path("x.cose"), "--json"])
        #expect(try cose.member("kind") == .string("cose-sign1"))
        #expect(try cose.member("value.algorithm") == .string("EdDSA"))
        try workplace.write([0xff, 0x00], "x.bin")
        #expect(await workplace.run(["inspect", workplace.path("x.bin")]).status == .dataError)
    }
}
