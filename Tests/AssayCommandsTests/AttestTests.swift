// `assay attest`: one command line for evidence of every kind, and the exit code that each answer has.
import AssayTesting
import Attestation
import Codecs
import Foundation
import Testing

@testable import AssayCommands

/// A fake Intel with its files in a folder: quote, bundle, trust file, policy.
private struct Bench {
    static let platform = FakeIntelPlatform()
    static let time = "2025-01-11T00:00:00Z"
    let workplace: Workplace

    static let policy = """
        schema = "assay-attestation-policy-1"
        collateral = { maxAgeSeconds = "any", graceSeconds = 0 }
        [tdx]
        tcbStatuses = ["UpToDate"]
        debug = false
        septVeDisable = true

        """ + open

    static let open = [
        "advisories", "minTcbDate", "minTcbEvaluationDataNumber", "dynamicPlatform", "cachedKeys", "smt", "migratable",
        "pks", "keyLocker", "perfmon", "otherAttributes", "mrSeam", "mrTd", "mrConfigId", "mrOwner", "mrOwnerConfig",
        "mrServiceTd", "rtMr0", "rtMr1", "rtMr2", "rtMr3", "xfam",
    ].map { "\($0) = \"any\"\n" }.joined()

    init() throws {
        workplace = try Workplace()
        let quote = Self.platform.quote(FakeIntelPlatform.QuoteForm(body: FakeIntelPlatform.tdBody()))
        try workplace.write(quote, "quote.bin")
        try workplace.write(Self.platform.collateral(isTDX: true).json.serialized(), "bundle.json")
        let root = PEM.encode(Self.platform.root.certificate.der)
        try workplace.write(root, "root.pem")
        let trust = JSONValue.object([
            "schema": .string("assay-trust-anchors-1"),
            "roots": .object(["intel-sgx": .array([.string(String(decoding: root, as: UTF8.self))])]),
        ])
        try workplace.write(trust.serialized(), "trust.json")
        try workplace.write(Array(Self.policy.utf8), "policy.toml")
    }

    /// `assay attest verify` with files of the folder.
    func verify(
        _ evidence: String = "quote.bin",
        bundle: String? = "bundle.json",
        trust: String = "trust.json",
        policy: String = "policy.toml",
        time: String = Self.time,
        more: [String] = []
    ) async -> Run {
        var arguments = ["attest", "verify", workplace.path(evidence)]
        if let bundle { arguments += ["--collateral", workplace.path(bundle)] }
        arguments += ["--trust", workplace.path(trust), "--policy", workplace.path(policy), "--time", time]
        return await workplace.run(arguments + more)
    }
}

@Suite struct AttestTests {
    @Test func everyAnswerHasItsCode() async throws {
        let bench = try Bench()
        let workplace = bench.workplace
        let good = await bench.verify()
        #expect(good.status == .ok, "\(good.output)\(good.error)")
        #expect(good.output.contains("VERIFIED") && good.output.contains("UpToDate"))
        #expect(good.error.contains("note: no --expect-"))

        var broken = try Array(Data(contentsOf: URL(fileURLWithPath: workplace.path("quote.bin"))))
        broken[200] ^= 1
        try workplace.write(broken, "broken.bin")
        let rejected = await bench.verify("broken.bin", more: ["--json"])
        #expect(rejected.status == .rejected)
        #expect(try rejected.member("error.field") == .string("intel.quote.signature"))
        #expect(try rejected.member("result.conclusion") == .string("rejected"))

        let strict = Bench.policy.replacing("mrTd = \"any\"", with: "mrTd = []")
        try workplace.write(Array(strict.utf8), "strict.toml")
        let refused = await bench.verify(policy: "strict.toml", more: ["--json"])
        #expect(refused.status == .policy)
        #expect(try refused.member("error.field") == .string("policy.mr-td"))

        let incomplete = await bench.verify(bundle: nil, more: ["--json"])
        #expect(incomplete.status == .incomplete)
        #expect(try incomplete.member("error.id") == .string("attest.incomplete"))
        guard case .string(let hint)? = try incomplete.member("error.hint") else {
            Issue.record("an incomplete verification has no hint")
            return
        }
        #expect(hint.contains("assay attest"))
        // What was good then is stale a year later, and nobody is blamed.
        #expect(await bench.verify(time: "2026-01-11T00:00:00Z").status == .incomplete)

        try workplace.write(Array(broken.prefix(300)), "short.bin")
        #expect(await bench.verify("short.bin").status == .dataError)
        try workplace.write(Array("hello".utf8), "text.txt")
        #expect(await bench.verify("text.txt").status == .dataError)
        #expect(await bench.verify(bundle: "text.txt").status == .dataError)
        #expect(await bench.verify(trust: "text.txt").status == .dataError)
        #expect(await bench.verify(policy: "text.txt").status == .dataError)
        #expect(await bench.verify("missing.bin").status == .noInput)
        #expect(await bench.verify(trust: "missing.json").status == .noInput)
        #expect(await bench.verify(time: "yesterday").status == .usage)
        #expect(await bench.verify(more: ["--expect-report-data", "xyz"]).status == .usage)
    }

    @Test func boundDataIsCompared() async throws {
        let bench = try Bench()
        let data = String(repeating: "52", count: 64)
        let bound = await bench.verify(more: ["--expect-report-data", data])
        #expect(bound.status == .ok && bound.error.isEmpty)
        let other = await bench.verify(more: ["--expect-report-data", String(data.dropLast()) + "3"])
        #expect(other.status == .policy && other.output.contains("policy.report-data"))
    }

    @Test func explainAndEARSayMore() async throws {
        let bench = try Bench()
        let explained = await bench.verify(more: ["--explain"])
        for word in ["intel.pck.links", "intel.tcb.level", "policy.debug", "it rests on:", "vendor-root:intel"] {
            #expect(explained.output.contains(word), "\(word)")
        }
        let ear = await bench.verify(more: ["--ear"])
        #expect(ear.status == .ok)
        guard case .object(let object) = try JSONValue(parsing: Array(ear.output.utf8)) else { return }
        #expect(object["eat_profile"] == .string("tag:ietf.org,2026:rats/ear#04"))
        // The same form when the answer is no, with the code of the answer.
        let bad = await bench.verify(bundle: nil, more: ["--ear"])
        #expect(bad.status == .incomplete && bad.output.contains("\"ear_status\": \"none\""))
    }

    @Test func filesMakeTheSameBundleAndTrust() async throws {
        let bench = try Bench()
        let workplace = bench.workplace
        let collateral = Bench.platform.collateral(isTDX: true)
        for (index, item) in collateral.items.enumerated() { try workplace.write(item.body, "item\(index)") }
        // As Intel's service answers: the signed text and its signature in one object, the chain apart.
        for (index, name) in [(0, "tcbInfo"), (1, "enclaveIdentity")] {
            let item = collateral.items[index]
            let text = String(decoding: item.body, as: UTF8.self)
            try workplace.write(
                Array("{\"\(name)\":\(text),\"signature\":\"\(Hex.encode(item.signature))\"}".utf8),
                "pcs\(index)"
            )
        }
        try workplace.write(collateral.items[0].chain, "chain.pem")
        let made = await workplace.run([
            "attest", "collateral", "create", "-o", workplace.path("made.json"), "--tcb", workplace.path("pcs0"),
            "--tcb", workplace.path("pcs1"), "--issuer-chain", workplace.path("chain.pem"), "--crl",
            workplace.path("item2"), "--crl", workplace.path("item3"), "--certificate", workplace.path("item4"),
            "--certificate", workplace.path("item4"),
        ])
        #expect(made.status == .ok, "\(made.error)")
        let trust = await workplace.run([
            "attest", "trust", "create", "-o", workplace.path("made-trust.json"), "--root",
            "intel-sgx=" + workplace.path("root.pem"), "--json",
        ])
        #expect(trust.status == .ok, "\(trust.error)")
        #expect(await bench.verify(bundle: "made.json", trust: "made-trust.json").status == .ok)
        let shown = await workplace.run(["attest", "collateral", "show", workplace.path("made.json")])
        #expect(shown.status == .ok && shown.output.split(separator: "\n").count == 6, "\(shown.output)")

        // Nothing is written unless everything has its form.
        for arguments in [
            ["--certificate", workplace.path("pcs0")], ["--crl", workplace.path("item4")],
            ["--tcb", workplace.path("item0"), "--issuer-chain", workplace.path("chain.pem")],
            ["--ocsp", workplace.path("item2")], ["--rim", workplace.path("pcs0")],
            ["--event-log", workplace.path("pcs0")], ["--quote-collateral", workplace.path("pcs0")],
        ] {
            let bad = await workplace.run(["attest", "collateral", "create", "-o", workplace.path("bad")] + arguments)
            #expect(bad.status == .dataError, "\(arguments)")
            #expect(!FileManager.default.fileExists(atPath: workplace.path("bad")))
        }
        let alone = await workplace.run([
            "attest", "collateral", "create", "-o", workplace.path("bad"), "--tcb", workplace.path("pcs0"),
        ])
        #expect(alone.status == .usage)
        let wrong = await workplace.run([
            "attest", "trust", "create", "-o", workplace.path("bad"), "--root", "intel=" + workplace.path("root.pem"),
        ])
        #expect(wrong.status == .usage && wrong.error.contains("intel-sgx"))
    }

    @Test func collateralIsCheckedItemByItem() async throws {
        let bench = try Bench()
        let workplace = bench.workplace
        func check(_ bundle: CollateralBundle, time: String = Bench.time) async throws -> Run {
            try workplace.write(bundle.json.serialized(), "checked.json")
            return await workplace.run([
                "attest", "collateral", "check", workplace.path("checked.json"), "--trust",
                workplace.path("trust.json"),
                "--time", time,
            ])
        }
        let bundle = Bench.platform.collateral(isTDX: true)
        let good = try await check(bundle)
        #expect(good.status == .ok, "\(good.output)")
        #expect(try await check(bundle, time: "2026-01-11T00:00:00Z").status == .incomplete)
        for index in bundle.items.indices {
            var spoilt = bundle
            if spoilt.items[index].signature.isEmpty {
                spoilt.items[index].body[spoilt.items[index].body.count - 1] ^= 1
            } else {
                spoilt.items[index].signature[3] ^= 1
            }
            let run = try await check(spoilt)
            #expect(run.status == .rejected, "item \(index): \(run.output)")
        }
        // Under another platform's root nothing holds.
        let other = FakeIntelPlatform().collateral(isTDX: true)
        #expect(try await check(other).status == .rejected)
    }

    @Test func fetchCompletesABundleThatVerifies() async throws {
        let bench = try Bench()
        let workplace = bench.workplace
        // The clock of these commands stands in October: the fake's collateral is of then.
        var form = FakeIntelPlatform.CollateralForm()
        form.issueDate = "2025-10-01T00:00:00Z"
        form.nextUpdate = "2025-10-31T00:00:00Z"
        let current = form
        let service = try #require(
            FakeHTTPService { request in
                request.target.contains("pckcrl") && request.attempt == 1
                    ? .answer(status: 404, body: Array("404 - Not Found".utf8))
                    : Bench.platform.answer(request, current)
            }
        )
        let arguments = [
            "attest", "fetch", workplace.path("quote.bin"), "-o", workplace.path("fetched.json"), "--pcs", service.url,
            "--attempts", "1", "--json",
        ]
        let listed = await workplace.run(arguments)
        #expect(listed.status == .incomplete && service.targets.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: workplace.path("fetched.json")))
        let first = await workplace.run(arguments + ["--online"])
        #expect(first.status == .partial, "\(first.output)")
        let count = service.targets.count
        let second = await workplace.run(arguments + ["--online"])
        // Lists of the fake end in January: they are asked for again, the rest is kept.
        #expect(second.status == .ok, "\(second.output)")
        #expect(service.targets.count == count + 2)
        guard case .array(let needs)? = try second.member("needs") else { return }
        #expect(needs.count == 4)
        let nobody = await workplace.run(
            [
                "attest", "fetch", workplace.path("quote.bin"), "-o", workplace.path("none.json"), "--online",
                "--attempts", "1",
            ]
                + ["--pcs", "http://127.0.0.1:9", "--timeout", "1"]
        )
        #expect(nobody.status == .unavailable)
        #expect(!FileManager.default.fileExists(atPath: workplace.path("none.json")))
        for wrong in [["--pcs", "ftp://x"], ["--product", "rome"], ["--timeout", "0"]] {
            #expect(await workplace.run(arguments + wrong).status == .usage)
        }
    }

    @Test func inspectDecodesAndBelievesNothing() async throws {
        let bench = try Bench()
        let path = bench.workplace.path("quote.bin")
        let run = await bench.workplace.run(["attest", "inspect", path, "--json"])
        #expect(run.status == .ok)
        #expect(try run.member("kind") == .string("tdx"))
        let plain = await bench.workplace.run(["inspect", path, "--json"])
        #expect(plain.status == .ok)
        #expect(try plain.member("kind") == .string("tdx evidence"))
        #expect(try plain.member("value") == run.member("claims"))
        for (name, kind) in [("trust.json", "assay-trust-anchors-1"), ("bundle.json", "assay-collateral-1")] {
            let shown = await bench.workplace.run(["inspect", bench.workplace.path(name), "--json"])
            #expect(shown.status == .ok)
            #expect(try shown.member("kind") == .string(kind))
        }
    }

    @Test func theExamplePolicyHasEveryTerm() async throws {
        let path = SharedVectors.packageRoot.appendingPathComponent("Examples/attestation-policy.toml").path
        let workplace = try Workplace()
        let run = await workplace.run(["attest", "policy", "check", path, "--json"])
        #expect(run.status == .ok, "\(run.output)")
        #expect(try run.member("refusedKinds") == .array([]))
        guard case .array(let empty)? = try run.member("empty") else { return }
        #expect(empty.contains(.string("tdx.mrTd")))
    }

    @Test func aSlipInAPolicyIsNamed() async throws {
        let bench = try Bench()
        for (wrong, words) in [
            (Bench.policy.replacing("mrTd =", with: "mrTD ="), ["tdx.mrTd", "mrTD"]),
            (Bench.policy + "mrTx = 1\n", ["tdx.mrTx", "mrTd"]),
            (Bench.policy + "[tdy]\n", ["tdy", "nearest known: 'tdx'"]),
            (Bench.policy.replacing("debug = false", with: "debug = off"), ["line 5"]),
        ] {
            try bench.workplace.write(Array(wrong.utf8), "wrong.toml")
            let run = await bench.workplace.run(["attest", "policy", "check", bench.workplace.path("wrong.toml")])
            #expect(run.status == .dataError)
            for word in words { #expect(run.error.contains(word), "\(run.error)") }
        }
    }
}
