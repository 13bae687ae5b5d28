// TPM quotes and event logs: the shared vectors, and the faults that need a fake TPM.
import AssayTesting
import Codecs
import Foundation
import Testing
import Verdicts

@testable import Attestation

private func pinned(_ evidence: [UInt8]) throws -> TrustAnchors {
    let parsed = try TPMEvidence(parsing: evidence)
    return TrustAnchors(keys: [.tpm: [PinnedKey(id: parsed.publicArea?.name ?? [], key: parsed.key)]])
}

private let firmware: Allowed<UInt64> = .only(Array(0..<8))

@Suite("TPM vectors", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
struct TPMVectorTests {
    @Test("A bare quote verifies under its pinned key and is undecided without") func bare() throws {
        let evidence = try vector("tpm/tpm-evidence.json")
        #expect(AttestationVerifier.kind(of: evidence) == .tpm)
        let section = TPMPolicy(registers: registerPolicy(), restrictedKey: .any, revocation: .required)
        let good = try tokenVerifier(try pinned(evidence), [section]).verify(evidence, expecting: .unbound)
        #expect(good.conclusion == .verified, "\(good.failures)")
        #expect(conclusion(tokenVerifier(TrustAnchors(), [section]), evidence) == .incomplete)
        // Only a public area says what a key may sign, and this wrapping has none.
        let strict = TPMPolicy(registers: registerPolicy(), restrictedKey: .must(true), revocation: .required)
        #expect(conclusion(tokenVerifier(try pinned(evidence), [strict]), evidence) == .incomplete)
        let nonce = try TPMEvidence(parsing: evidence).parts[0].quote.extraData
        let checker = tokenVerifier(try pinned(evidence), [section])
        let bound = Expectations(reportData: .any, nonce: .exactly(nonce), publicKey: .any)
        #expect(conclusion(checker, evidence, bound) == .verified)
        let other = Expectations(reportData: .any, nonce: .exactly(nonce + [0]), publicKey: .any)
        #expect(conclusion(checker, evidence, other) == .refusedByPolicy)
        #expect(evidence.last == 0x0a)
        #expect(survivors(of: evidence.dropLast(), checker, step: 13) == [])
    }

    @Test("Go attestation messages verify in each bank, and their logs replay", arguments: ["no-nonce", "nonce9009"])
    func messages(_ name: String) throws {
        let evidence = try vector("tpm/gce-cos-85-\(name).pb")
        #expect(AttestationVerifier.kind(of: evidence) == .tpm)
        let parsed = try TPMEvidence(parsing: evidence)
        #expect(parsed.parts.map { $0.quote.selections.map(\.bank) } == [[4], [11], [12]])
        #expect(parsed.publicArea?.isAttestationKey == true)
        #expect(parsed.parts.allSatisfy { $0.quote.extraData == (name == "nonce9009" ? [0x90, 0x09] : []) })
        for bank in [HashAlgorithm.sha256, .sha384] {
            let section = TPMPolicy(
                registers: registerPolicy(bank: bank, log: firmware, separators: .must(true), exit: .must(true)),
                restrictedKey: .must(true),
                revocation: .required
            )
            let result = try tokenVerifier(try pinned(evidence), [section]).verify(evidence, expecting: .unbound)
            if parsed.eventLog.map({ (try? TCGEventLog(parsing: $0))?.banks[bank.tcgIdentifier] == nil }) ?? true {
                #expect(result.has("tpm.policy.eventLog.replay", .fail))
            } else {
                #expect(result.conclusion == .verified, "\(result.failures)")
            }
        }
    }

    @Test("A key pinned without its name says nothing about its attributes") func unnamed() throws {
        let evidence = try vector("tpm/gce-cos-85-no-nonce.pb")
        let key = try TPMEvidence(parsing: evidence).key
        let anchors = TrustAnchors(keys: [.tpm: [PinnedKey(id: [], key: key)]])
        for (rule, wanted) in [(FlagRule.must(true), Conclusion.incomplete), (.any, .verified)] {
            let section = TPMPolicy(registers: registerPolicy(), restrictedKey: rule, revocation: .required)
            #expect(conclusion(tokenVerifier(anchors, [section]), evidence) == wanted)
        }
        let section = TPMPolicy(registers: registerPolicy(), restrictedKey: .any, revocation: .required)
        let other = TrustAnchors(keys: [.tpm: [PinnedKey(id: [0, 11], key: key)]])
        #expect(conclusion(tokenVerifier(other, [section]), evidence) == .incomplete)
    }

    @Test("Every manifest entry has a test") func covered() throws {
        let names = Set(tokenManifest("tpm").map(\.file))
        #expect(
            names == [
                "azure-tdx-evidence-v1.json", "azure-snp-evidence-v1.json", "azure-snp-evidence-v0.json",
                "tpm-evidence.json", "gce-cos-85-no-nonce.pb", "gce-cos-85-nonce9009.pb", "cos-101-amd-sev.bin",
                "debian-10.bin", "short_no_action_eventlog.bin", "ebs_event_missing_eventlog.bin",
                "cos-113-intel-tdx-dupe-separator-unpadded.bin",
            ]
        )
    }

    @Test("Cut and flipped go attestation messages do not pass") func battery() throws {
        let evidence = try vector("tpm/gce-cos-85-nonce9009.pb")
        // The event log is only as good as its replay: with the log required, a flip in an event's remark changes nothing
        // that is attested. Without its tail the rest is under signatures.
        let section = TPMPolicy(registers: registerPolicy(), restrictedKey: .must(true), revocation: .required)
        let checker = tokenVerifier(try pinned(evidence), [section])
        var passed: Set<Int> = []
        let log = try #require(try TPMEvidence(parsing: evidence).eventLog)
        let start = evidence.count - 1340 - 3 - log.count
        for offset in 0..<start {
            var broken = evidence
            broken[offset] ^= 0x10
            if conclusion(checker, broken) == .verified { passed.insert(offset) }
        }
        #expect(passed.isEmpty, "\(passed.sorted())")
    }

    @Test("Event logs of the manifest") func logs() throws {
        let cos = try TCGEventLog(parsing: try vector("tpm/cos-101-amd-sev.bin"))
        #expect(cos.form == .cryptoAgile && cos.banks == [4: 20, 11: 32, 12: 48] && cos.events.count == 48)
        for bank in [HashAlgorithm.sha256, .sha384] {
            var findings = Findings()
            cos.verifySeparators(id: "log", bank: bank, registers: .tpm, into: &findings)
            cos.verifyExitBootServices(id: "log", bank: bank, registers: .tpm, into: &findings)
            #expect(findings.isClean, "\(findings.checks.filter { $0.result == .fail })")
        }
        let debian = try TCGEventLog(parsing: try vector("tpm/debian-10.bin"))
        #expect(debian.form == .sha1 && debian.events.count == 25)
        #expect(throws: ParseError.self) { try EventLogReplay(debian, bank: .sha256, registers: .tpm) }
        let short = try TCGEventLog(parsing: try vector("tpm/short_no_action_eventlog.bin"))
        #expect(short.events.count == 1)
        let replay = try EventLogReplay(short, bank: .sha1, registers: .tpm)
        #expect(replay.values == [0: [UInt8](repeating: 0, count: 19) + [3]])
        // Logs that are wrong on purpose parse, and fail the check that they were made for.
        let exit = try TCGEventLog(parsing: try vector("tpm/ebs_event_missing_eventlog.bin"))
        var missing = Findings()
        exit.verifyExitBootServices(id: "log", bank: .sha1, registers: .tpm, into: &missing)
        #expect(missing.hasFailure)
        let twice = try TCGEventLog(parsing: try vector("tpm/cos-113-intel-tdx-dupe-separator-unpadded.bin"))
        var separators = Findings()
        twice.verifySeparators(id: "log", bank: .sha384, registers: .ccel, into: &separators)
        #expect(separators.hasFailure)
    }

    /// The registers in which the log of `file` differs from the quote in `quoteFile`, as the failed lines name them.
    private func differences(_ file: String, _ quoteFile: String) throws -> [String] {
        let log = try TCGEventLog(parsing: try vector(file))
        #expect(log.paddingBytes > 0)
        guard case .td(let report) = try IntelQuote(try vector(quoteFile)).body else { return ["no TD quote"] }
        let expected = Dictionary(uniqueKeysWithValues: (0..<4).map { ($0 + 1, Array(report.rtMr($0))) })
        var findings = Findings()
        log.verifyReplay(id: "ccel", bank: .sha384, registers: .ccel, expected: expected, into: &findings)
        log.verifySeparators(id: "ccel", bank: .sha384, registers: .ccel, into: &findings)
        log.verifyExitBootServices(id: "ccel", bank: .sha384, registers: .ccel, into: &findings)
        return findings.checks.filter { $0.result == .fail }.map(\.id)
    }

    @Test("CCEL areas replay to RTMRs, or the differing registers are named") func ccel() throws {
        #expect(try differences("tdx/gcp-cos113-ccel.bin", "tdx/gcp-cos113-v4.quote") == [])
        // The manifest: equal in RTMR0 and RTMR2, different in RTMR1 and RTMR3.
        let other = try differences("tdx/tappd-ccel.bin", "tdx/tappd-v4-b0c0.quote")
        #expect(other == ["ccel.replay[2]", "ccel.replay[4]"])
        let log = try TCGEventLog(parsing: try vector("tdx/gcp-cos113-ccel.bin"))
        #expect(log.events.filter { $0.kind != TCGEvent.Kind.noAction }.count == 43)
    }

    @Test("A policy can demand that a TD's log reproduces its registers") func tdxLog() throws {
        let evidence = try vector("tdx/gcp-cos113-v4.quote")
        let time = try Timestamp("2025-02-13T03:51:41Z")
        let good = CollateralItem(kind: .eventLog, body: try vector("tdx/gcp-cos113-ccel.bin"))
        let other = CollateralItem(kind: .eventLog, body: try vector("tdx/tappd-ccel.bin"))
        func check(_ terms: EventLogTerms, _ logs: [CollateralItem]) throws -> Conclusion? {
            var bundle = try collateralBundle("collateral/tdx-00806f050000-2025-02-13.json")
            bundle.items += logs
            let sections: [any FamilyPolicy] = [TDXPolicy.peerRules, TDXEventLogPolicy(log: terms)]
            return conclusion(tokenVerifier(try vendorAnchors(), sections, bundle.items, time: time), evidence)
        }
        let all = EventLogTerms(registers: .only([0, 1, 2, 3]), separators: .must(true), exitBootServices: .must(true))
        #expect(try check(all, [good]) == .verified)
        #expect(try check(all, [other, good]) == .verified)
        #expect(try check(all, []) == .incomplete)
        #expect(try check(all, [other]) == .refusedByPolicy)
        let none = EventLogTerms(registers: .any, separators: .any, exitBootServices: .any)
        #expect(try check(none, []) == .verified)
        #expect(
            try check(EventLogTerms(registers: .only([]), separators: .any, exitBootServices: .any), [good])
                == .refusedByPolicy
        )
        #expect(
            try check(EventLogTerms(registers: .only([4]), separators: .any, exitBootServices: .any), [good])
                == .refusedByPolicy
        )
        #expect(
            try check(EventLogTerms(registers: .any, separators: .must(true), exitBootServices: .any), [other])
                == .refusedByPolicy
        )
    }

    @Test("Broken logs never crash and never replay") func logBattery() throws {
        let bytes = try vector("tdx/tappd-ccel.bin")
        let log = try TCGEventLog(parsing: bytes)
        let used = bytes.count - log.paddingBytes
        let values = try EventLogReplay(log, bank: .sha384, registers: .ccel).values
        var same: Set<Int> = []
        for offset in stride(from: 0, to: used, by: 3) {
            var broken = Array(bytes.prefix(used))
            broken[offset] ^= 0x04
            guard let parsed = try? TCGEventLog(parsing: broken),
                let replay = try? EventLogReplay(parsed, bank: .sha384, registers: .ccel)
            else { continue }
            if replay.values == values { same.insert(offset) }
        }
        // Header, remarks and types of events are not measured; registers and digests are.
        for event in log.events where event.kind != TCGEvent.Kind.noAction {
            #expect(same.isDisjoint(with: event.offset..<event.offset + 4))
            #expect(same.isDisjoint(with: event.offset + 14..<event.offset + 62))
        }
        for count in 0..<used where count % 9 == 0 {
            if let cut = try? TCGEventLog(parsing: Array(bytes.prefix(count))) {
                #expect(cut.events.count < log.events.count)
            }
        }
    }
}

@Suite("TPM faults") struct TPMFaultTests {
    private func policy(_ tpm: FakeTPM, _ change: (inout TPMPolicy) -> Void = { _ in }) -> TPMPolicy {
        var section = TPMPolicy(
            registers: registerPolicy(
                bank: tpm.bank,
                [0: .only([tpm.registers[0] ?? []])],
                log: firmware,
                separators: .must(true),
                exit: .must(true)
            ),
            restrictedKey: .must(true),
            revocation: .whenGiven
        )
        change(&section)
        return section
    }

    private func check(_ tpm: FakeTPM, _ evidence: [UInt8]? = nil, _ lists: [[UInt8]] = [], section: TPMPolicy? = nil)
        throws -> AttestationResult
    {
        try tokenVerifier(
            TrustAnchors(roots: [.tpm: [tpm.root.certificate]]),
            [section ?? policy(tpm)],
            lists.map { CollateralItem(kind: .revocationList, body: $0) }
        ).verify(evidence ?? tpm.evidence(), expecting: .unbound)
    }

    @Test("An elliptic curve key with a certificate verifies", arguments: [SignatureCurve.p256, .p384, .p521])
    func ellipticCurve(_ curve: SignatureCurve) throws {
        for bank in [HashAlgorithm.sha256, .sha384, .sha512] {
            let result = try check(FakeTPM(bank: bank, curve: curve))
            #expect(result.conclusion == .verified, "\(result.failures)")
        }
    }

    @Test("The key's certificate: another key's, a foreign root's, a revoked one, none") func certificate() throws {
        let tpm = FakeTPM()
        let other = FakeTPM()
        let swapped = tpm.root.issue(TestCertificateForm(name: "another", serial: 8)).certificate
        let wrong = try check(tpm, tpm.evidence(certificate: swapped))
        #expect(wrong.has("tpm.key", .fail) && wrong.conclusion == .rejected)
        #expect(try check(tpm, other.evidence()).conclusion == .rejected)
        #expect(try check(tpm, tpm.evidence(withCertificate: false)).conclusion == .incomplete)
        #expect(try check(tpm, nil, [tpm.root.revocationList(of: [7])]).conclusion == .rejected)
        #expect(try check(tpm, nil, [tpm.root.revocationList()]).conclusion == .verified)
        #expect(try check(tpm, section: policy(tpm) { $0.revocation = .required }).conclusion == .incomplete)
    }

    @Test("An unrestricted key can sign a forged quote and is refused") func unrestricted() throws {
        for bit in [
            TPMPublic.Attribute.restricted, TPMPublic.Attribute.fixedTPM, TPMPublic.Attribute.sensitiveDataOrigin,
        ] {
            var tpm = FakeTPM()
            tpm.attributes &= ~bit
            let result = try check(tpm)
            #expect(result.has("tpm.policy.restrictedKey", .fail) && result.conclusion == .refusedByPolicy)
        }
        var tpm = FakeTPM()
        tpm.attributes |= TPMPublic.Attribute.decrypt
        #expect(try check(tpm).conclusion == .refusedByPolicy)
    }

    @Test("Only quotes, only with the TPM's own magic") func magic() throws {
        var tpm = FakeTPM()
        tpm.type = 0x8017
        #expect(throws: ParseError.self) { try check(tpm) }
        tpm = FakeTPM()
        tpm.magic ^= 1
        #expect(throws: ParseError.self) { try check(tpm) }
    }

    @Test("A register's entry under other field numbers, or with a field twice, is malformed") func entries() throws {
        let tpm = FakeTPM()
        let evidence = tpm.evidence()
        let register = try #require(tpm.registers[3])
        let entry: [UInt8] = [0x08, 3, 0x12, UInt8(register.count)] + register
        let start = try #require(evidence.indices.first { evidence[$0...].starts(with: entry) })
        for (offset, tag) in [(0, UInt8(0x18)), (2, 0x32), (2, 0x0a), (0, 0x10)] {
            var broken = evidence
            broken[start + offset] = tag
            #expect(throws: ParseError.self) { try check(tpm, broken) }
        }
    }

    @Test("Signatures by another key or over SHA-1 are rejected") func signatures() throws {
        let tpm = FakeTPM()
        let quote = tpm.quote
        let forged = tpm.evidence(signature: tpm.signature(of: quote, key: TestKey(.p256)))
        #expect(try check(tpm, forged).has("tpm.quote[0].signature", .fail))
        let weak = tpm.evidence(signature: tpm.signature(of: quote, hash: .sha1))
        #expect(try check(tpm, weak).conclusion == .rejected)
        // A hash that differs from the one named is another message digest.
        let longer = tpm.evidence(signature: tpm.signature(of: quote, hash: .sha384))
        #expect(try check(tpm, longer).conclusion == .rejected)
    }

    @Test("A register that is not quoted, or quoted in another bank, satisfies no policy") func wrongBank() throws {
        var tpm = FakeTPM()
        tpm.selection = Array(1..<24)
        let unquoted = try check(tpm)
        #expect(unquoted.crypto.isClean)
        #expect(
            unquoted.has("tpm.policy.pcr[0]", .fail) && unquoted.has("tpm.policy.eventLog.replay[0]", .fail)
        )
        #expect(unquoted.conclusion == .refusedByPolicy)
        let sha256 = FakeTPM()
        let section = policy(sha256) { section in
            section.registers = registerPolicy(bank: .sha384, [0: .only([[UInt8](repeating: 0, count: 48)])])
        }
        #expect(try check(sha256, section: section).conclusion == .refusedByPolicy)
    }

    @Test("The digest is over exactly the selected registers in their order") func digest() throws {
        var tpm = FakeTPM()
        let evidence = tpm.evidence()
        #expect(try check(tpm, evidence).conclusion == .verified)
        let quote = tpm.quote
        let signature = tpm.signature(of: quote)
        tpm.registers[9]?[0] ^= 1
        // The registers change, the signed quote does not.
        let parsed = try TPMQuote(parsing: quote)
        var findings = Findings()
        parsed.verify(
            id: "q",
            signature: try TPMSignature(parsing: signature),
            key: tpm.attestationKey.key.publicKey,
            values: PCRValues(banks: [tpm.bank.tcgIdentifier: tpm.registers]),
            into: &findings
        )
        #expect(findings.checks.map(\.result) == [.pass, .fail])
        tpm.registers[9] = nil
        findings = Findings()
        parsed.verify(
            id: "q",
            signature: try TPMSignature(parsing: signature),
            key: tpm.attestationKey.key.publicKey,
            values: PCRValues(banks: [tpm.bank.tcgIdentifier: tpm.registers]),
            into: &findings
        )
        #expect(findings.checks.map(\.result) == [.pass, .fail])
    }

    @Test("Event logs: missing, altered, reordered, with one event more") func logs() throws {
        var tpm = FakeTPM()
        tpm.eventLog = nil
        #expect(try check(tpm).conclusion == .incomplete)
        func refused(_ edit: (inout FakeEventLog) -> Void) throws {
            var tpm = FakeTPM()
            var log = FakeEventLog(bank: tpm.bank)
            edit(&log)
            tpm.eventLog = log.bytes
            let result = try check(tpm)
            #expect(result.crypto.isClean && result.conclusion == .refusedByPolicy)
        }
        try refused { $0.events[0].data = Array("firmwarf".utf8) }
        try refused { $0.events.append((0, 0x08, [1])) }
        try refused { $0.events.removeLast() }
        try refused { $0.events.swapAt(0, 1) }
        try refused { $0.events = [] }
        // Consistent with the registers, and still not a good log.
        func judged(_ edit: (inout FakeEventLog) -> Void) throws -> AttestationResult {
            var tpm = FakeTPM()
            var log = FakeEventLog(bank: tpm.bank)
            edit(&log)
            tpm.eventLog = log.bytes
            tpm.registers = log.registers
            return try check(tpm)
        }
        #expect(try judged { _ in }.conclusion == .verified)
        #expect(
            try judged { $0.events.append((3, TCGEvent.Kind.separator, [0, 0, 0, 0])) }.has(
                "tpm.policy.eventLog.separator[3]",
                .fail
            )
        )
        #expect(try judged { $0.events[3].data = [0, 0, 0, 1] }.has("tpm.policy.eventLog.separator[2]", .fail))
        #expect(try judged { $0.events.removeLast() }.has("tpm.policy.eventLog.exitBootServices", .fail))
        // A remark that is not measured changes nothing.
        #expect(try judged { $0.events.append((5, TCGEvent.Kind.noAction, [9])) }.conclusion == .verified)
    }

    @Test("A startup locality counts once, first and well-formed") func locality() throws {
        func replay(_ events: [(register: UInt32, kind: UInt32, data: [UInt8])]) throws -> [Int: [UInt8]] {
            var log = FakeEventLog(bank: .sha256)
            log.events = events
            return try EventLogReplay(try TCGEventLog(parsing: log.bytes), bank: .sha256, registers: .tpm).values
        }
        func locality(_ value: UInt8, _ register: UInt32 = 0) -> (register: UInt32, kind: UInt32, data: [UInt8]) {
            (register, TCGEvent.Kind.noAction, Array("StartupLocality\0".utf8) + [value])
        }
        let measured: (register: UInt32, kind: UInt32, data: [UInt8]) = (0, 8, [1])
        let start = [UInt8](repeating: 0, count: 31) + [3]
        let digest = HashAlgorithm.sha256.digest([1])
        #expect(try replay([locality(3), measured])[0] == HashAlgorithm.sha256.digest(start + digest))
        #expect(throws: ParseError.self) { try replay([measured, locality(3)]) }
        #expect(throws: ParseError.self) { try replay([locality(3), locality(3)]) }
        #expect(throws: ParseError.self) { try replay([locality(5)]) }
        #expect(throws: ParseError.self) { try replay([locality(3, 1)]) }
    }

    @Test("Log headers that lie are refused") func headers() throws {
        let good = FakeEventLog(bank: .sha256).bytes
        #expect(throws: Never.self) { try TCGEventLog(parsing: good) }
        // numberOfAlgorithms, algorithmId, digestSize, vendorInfoSize, the first event's count and size.
        for (offset, value) in [(56, 0), (56, 9), (56, 2), (62, 31), (64, 1), (65 + 8, 0xff), (65 + 12 + 34, 0xff)] {
            var broken = good
            broken[offset] = UInt8(value)
            #expect(throws: ParseError.self, "offset \(offset)") { try TCGEventLog(parsing: broken) }
        }
        for padding: [UInt8] in [[UInt8](repeating: 0xff, count: 9), [UInt8](repeating: 0, count: 100)] {
            #expect(try TCGEventLog(parsing: good + padding).paddingBytes == padding.count)
        }
        #expect(throws: ParseError.self) { try TCGEventLog(parsing: good + [0xff, 0xff, 0]) }
    }

    @Test("A policy is read from JSON, term by term") func policyText() throws {
        let text = """
            {"schema":"assay-attestation-policy-1","collateral":{"maxAgeSeconds":"any","graceSeconds":0},
             "tpm":{"restrictedKey":true,"revocation":"required","bank":"sha-256","eventLogRegisters":[0,1],
               "separators":true,"exitBootServices":"any",
               "pcrs":{"0":["\(String(repeating: "01", count: 32))"],"1":"any","2":"any","3":"any","4":"any","5":"any",
                       "6":"any","7":"any","14":"any"}}}
            """
        let section = try AttestationPolicy(parsing: Array(text.utf8)).section(TPMPolicy.self)
        #expect(section?.registers.log.registers == .only([0, 1]))
        for (from, to) in [
            ("\"7\":\"any\",", ""), ("\"sha-256\"", "\"sha-1\""), ("\"restrictedKey\":true,", ""),
            ("\"separators\"", "\"separator\""), ("\"14\"", "\"24\""), ("01\"", "0\""),
        ] {
            #expect(throws: ParseError.self, "\(from)") {
                try AttestationPolicy(parsing: Array(text.replacing(from, with: to).utf8))
            }
        }
    }
}
