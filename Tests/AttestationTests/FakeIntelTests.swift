// States and faults of Intel platforms that no public vector shows, made by a fake Intel.

import AssayTesting
import Codecs
import Testing
import Verdicts

@testable import Attestation

@Suite("Fake Intel platform")
struct FakeIntelTests {
    typealias Collateral = FakeIntelPlatform.CollateralForm
    typealias Quote = FakeIntelPlatform.QuoteForm

    static let platform = FakeIntelPlatform()
    static let time = Timestamp(seconds: 1_736_553_600)

    static func verify(
        _ quote: [UInt8],
        _ collateral: CollateralBundle,
        policy: AttestationPolicy = .peerRules,
        anchors: TrustAnchors = platform.anchors,
        at time: Timestamp = time,
        expecting expectations: Expectations = .unbound
    ) throws -> AttestationResult {
        let setting = AppraisalSetting(anchors: anchors, collateral: collateral, policy: policy, time: time)
        return try AttestationVerifier(setting).verify(quote, expecting: expectations)
    }

    static func td(_ body: [UInt8] = FakeIntelPlatform.tdBody(), version: UInt16 = 4) -> [UInt8] {
        var form = Quote(body: body)
        form.version = version
        return platform.quote(form)
    }

    static func enclave(version: UInt16 = 3, isDebug: Bool = false) -> [UInt8] {
        var form = Quote(body: FakeIntelPlatform.enclaveBody(isDebug: isDebug))
        form.version = version
        return platform.quote(form)
    }

    @Test("Good evidence of every form")
    func good() throws {
        for version in [UInt16(3), 4, 5] {
            let result = try Self.verify(
                Self.enclave(version: version),
                Self.platform.collateral(isTDX: false)
            )
            #expect(result.conclusion == .verified, "SGX v\(version): \(result.verdict.firstFailure as Any)")
            #expect(result.tcbStatus == "UpToDate" && result.advisories.isEmpty)
        }
        for (body, version) in [(TDReport.Version.v1_0, UInt16(4)), (.v1_0, 5), (.v1_5, 5), (.v1_5Extended, 5)] {
            let quote = Self.td(FakeIntelPlatform.tdBody(version: body), version: version)
            let result = try Self.verify(quote, Self.platform.collateral(isTDX: true))
            #expect(result.conclusion == .verified, "\(body): \(result.verdict.firstFailure as Any)")
        }
    }

    @Test("Every status of a platform, with its advisories", arguments: TCBStatus.allCases)
    func statuses(status: TCBStatus) throws {
        var form = Collateral()
        form.status = status.rawValue
        form.advisories = ["INTEL-SA-00001"]
        for isTDX in [true, false] {
            let quote = isTDX ? Self.td() : Self.enclave()
            let result = try Self.verify(quote, Self.platform.collateral(form, isTDX: isTDX))
            #expect(result.tcbStatus == status.rawValue)
            #expect(result.advisories == ["INTEL-SA-00001"])
            // Revocation is the vendor's no; every other status is for the policy to accept.
            #expect(result.conclusion == (status == .revoked ? .rejected : .verified))
            var strict = AttestationPolicy.peerRules
            var sgx = SGXPolicy.peerRules
            sgx.platform.tcbStatuses = .only(["UpToDate"])
            strict.set(sgx)
            var tdx = TDXPolicy.peerRules
            tdx.platform.tcbStatuses = .only(["UpToDate"])
            strict.set(tdx)
            let refused = try Self.verify(quote, Self.platform.collateral(form, isTDX: isTDX), policy: strict)
            switch status {
            case .upToDate: #expect(refused.conclusion == .verified)
            case .revoked: #expect(refused.conclusion == .rejected)
            default:
                #expect(refused.conclusion == .refusedByPolicy)
                #expect(refused.verdict.firstFailure?.id == "policy.tcb-status")
            }
        }
    }

    @Test("A revoked quoting enclave is refused, and the other checks are still made")
    func revokedQE() throws {
        var form = Collateral()
        form.qeLevels = [(9, "UpToDate"), (8, "Revoked")]
        let result = try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true))
        #expect(result.conclusion == .rejected && result.tcbStatus == "Revoked")
        #expect(result.crypto.checks.contains { $0.id == "intel.quote.signature" && $0.result == .pass })
        var broken = Self.td()
        broken[700] ^= 1
        let both = try Self.verify(broken, Self.platform.collateral(form, isTDX: true))
        #expect(both.crypto.checks.contains { $0.id == "intel.quote.signature" && $0.result == .fail })
        #expect(both.crypto.checks.contains { $0.id == "intel.qe.level" && $0.result == .fail })
    }

    @Test("An out-of-date quoting enclave drags the status down; one older than every level is refused")
    func oldQE() throws {
        for (platformStatus, expected) in [
            ("UpToDate", "OutOfDate"), ("SWHardeningNeeded", "OutOfDate"),
            ("ConfigurationNeeded", "OutOfDateConfigurationNeeded"),
            ("ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded"), ("OutOfDate", "OutOfDate"),
        ] {
            var form = Collateral()
            form.status = platformStatus
            form.qeLevels = [(9, "UpToDate"), (4, "OutOfDate")]
            let result = try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true))
            #expect(result.tcbStatus == expected)
        }
        var form = Collateral()
        form.qeLevels = [(9, "UpToDate")]
        let result = try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true))
        #expect(result.conclusion == .rejected && result.verdict.firstFailure?.id == "intel.qe.level")
    }

    @Test("TDX module identity: version, signer, level")
    func modules() throws {
        let svns: [UInt8] = [3, 1, 5] + [UInt8](repeating: 0, count: 13)
        let old = try Self.verify(
            Self.td(FakeIntelPlatform.tdBody(teeTcbSvn: svns)),
            Self.platform.collateral(isTDX: true)
        )
        #expect(old.tcbStatus == "OutOfDate" && old.conclusion == .verified)
        let unknown = try Self.verify(
            Self.td(FakeIntelPlatform.tdBody(teeTcbSvn: [5, 2, 5] + [UInt8](repeating: 0, count: 13))),
            Self.platform.collateral(isTDX: true)
        )
        #expect(unknown.conclusion == .rejected && unknown.verdict.firstFailure?.id == "intel.tcb.level")
        let foreign = try Self.verify(
            Self.td(FakeIntelPlatform.tdBody(mrSignerSeam: [UInt8](repeating: 9, count: 48))),
            Self.platform.collateral(isTDX: true)
        )
        #expect(foreign.conclusion == .rejected && foreign.verdict.firstFailure?.id == "intel.tcb.level")
        var revoked = Collateral()
        revoked.moduleLevels = [(6, "UpToDate"), (1, "Revoked")]
        let result = try Self.verify(Self.td(), Self.platform.collateral(revoked, isTDX: true))
        #expect(result.conclusion == .rejected && result.tcbStatus == "Revoked")
        // Version 0 has no identity of its own: the level's own TDX components decide.
        let zero = try Self.verify(
            Self.td(FakeIntelPlatform.tdBody(teeTcbSvn: [5, 0, 5] + [UInt8](repeating: 0, count: 13))),
            Self.platform.collateral(isTDX: true)
        )
        #expect(zero.tcbStatus == "UpToDate" && zero.conclusion == .verified)
    }

    @Test("A TD launched before a module update is advised to be launched again")
    func relaunch() throws {
        let old: [UInt8] = [3, 1, 5] + [UInt8](repeating: 0, count: 13)
        let now: [UInt8] = [5, 1, 5] + [UInt8](repeating: 0, count: 13)
        let body = FakeIntelPlatform.tdBody(version: .v1_5, teeTcbSvn: old, teeTcbSvn2: now)
        let quote = Self.td(body, version: 5)
        var form = Collateral()
        #expect(
            try Self.verify(quote, Self.platform.collateral(form, isTDX: true)).tcbStatus == "TDRelaunchAdvised"
        )
        form.status = "ConfigurationNeeded"
        #expect(
            try Self.verify(quote, Self.platform.collateral(form, isTDX: true)).tcbStatus
                == "TDRelaunchAdvisedConfigurationNeeded"
        )
        // The quoting enclave's state is merged after the advice, not over it: an outdated one withholds the advice.
        form.status = "UpToDate"
        form.qeLevels = [(9, "UpToDate"), (1, "OutOfDate")]
        #expect(try Self.verify(quote, Self.platform.collateral(form, isTDX: true)).tcbStatus == "OutOfDate")
        // The module is as old now as it was.
        form.qeLevels = [(8, "UpToDate")]
        let still = Self.td(
            FakeIntelPlatform.tdBody(version: .v1_5, teeTcbSvn: old, teeTcbSvn2: old),
            version: 5
        )
        #expect(try Self.verify(still, Self.platform.collateral(form, isTDX: true)).tcbStatus == "OutOfDate")
    }

    @Test("A TD with a service TD stays undecided until the policy says which first launch is acceptable")
    func serviceTD() throws {
        let fields = (0..<237).map { UInt8(truncatingIfNeeded: $0) }
        func body(_ version: TDReport.Version, attributes: UInt64) -> [UInt8] {
            FakeIntelPlatform.tdBody(
                version: version,
                attributes: attributes,
                serviceTd: version == .v1_5Extended ? fields : []
            )
        }
        let marked: UInt64 = 1 << 28 | 1 << 17
        let collateral = Self.platform.collateral(isTDX: true)
        let quote = Self.td(body(.v1_5Extended, attributes: marked), version: 5)
        func check(_ quote: [UInt8], _ section: TDXServiceTDPolicy?) throws -> AttestationResult {
            var policy = AttestationPolicy.peerRules
            if let section { policy.set(section) }
            return try Self.verify(quote, collateral, policy: policy)
        }
        let any = TDXServiceTDPolicy(
            initialServiceTd: .any,
            currentServiceTd: .any,
            initialModel: .any,
            minInitialCpuSvn: .any,
            minInitialTeeTcbSvn: .any
        )
        let open = try check(quote, nil)
        #expect(open.conclusion == .incomplete && open.has("policy.initial-tcb", .skip) && open.crypto.isClean)
        #expect(try check(quote, any).conclusion == .verified)
        // Bodies that have no room for the fields, and fields that mean nothing because the attribute is not set.
        for version in [TDReport.Version.v1_0, .v1_5] {
            let roomless = Self.td(body(version, attributes: marked), version: 5)
            #expect(try check(roomless, any).conclusion == .incomplete)
        }
        let unmarked = Self.td(body(.v1_5Extended, attributes: 1 << 28), version: 5)
        #expect(try check(unmarked, nil).conclusion == .verified)
        // Each term, at its bound and beyond.
        func slice(_ start: Int, _ count: Int) -> [UInt8] { Array(fields[start..<start + count]) }
        let terms: [(String, (inout TDXServiceTDPolicy, [UInt8]) -> Void, Int, Int)] = [
            ("policy.initial-service-td", { $0.initialServiceTd = .only([$1]) }, 81, 48),
            ("policy.current-service-td", { $0.currentServiceTd = .only([$1]) }, 181, 48),
            ("policy.initial-model", { $0.initialModel = .only([$1]) }, 169, 12),
            ("policy.initial-cpu-svn", { $0.minInitialCpuSvn = .atLeast($1) }, 137, 16),
            ("policy.initial-tee-tcb-svn", { $0.minInitialTeeTcbSvn = .atLeast($1) }, 153, 16),
        ]
        for (id, set, start, count) in terms {
            var section = any
            set(&section, slice(start, count))
            #expect(try check(quote, section).conclusion == .verified, "\(id)")
            var beyond = slice(start, count)
            beyond[count - 1] += 1
            set(&section, beyond)
            let refused = try check(quote, section)
            #expect(refused.conclusion == .refusedByPolicy && refused.has(id, .fail), "\(id)")
        }
        let claims = try AttestationVerifier.inspect(quote)
        guard case .object(let shown)? = claims["serviceTdExtension"] else {
            Issue.record("the fields are shown")
            return
        }
        #expect(shown["tdId"] == .string(Hex.encode(slice(1, 32))) && shown["vmId"] == .integer(0))
        #expect(shown["currentServiceTdAttributes"] == .string(Hex.encode(slice(229, 8))))
    }

    @Test("Platforms below every level, of another kind or another PCE")
    func levels() throws {
        var form = Collateral()
        form.sgxSvn = 6
        let below = try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true))
        #expect(below.tcbStatus == "OutOfDate")
        form = Collateral()
        form.fmspc = [9, 9, 9, 9, 9, 9]
        #expect(try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true)).conclusion == .incomplete)
        form = Collateral()
        form.pceId = "0001"
        let pce = try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true))
        #expect(pce.verdict.firstFailure?.id == "intel.tcb-info.pce")
        // Collateral of the other TEE says nothing.
        #expect(try Self.verify(Self.td(), Self.platform.collateral(isTDX: false)).conclusion == .incomplete)
    }

    @Test("Revoked PCK certificates, authorities and signers")
    func revocation() throws {
        var form = Collateral()
        form.revokedPCKs = [7, 0x1234]
        let pck = try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true))
        #expect(pck.conclusion == .rejected && pck.verdict.firstFailure?.id == "intel.pck.revocation")
        form = Collateral()
        form.revokedAuthorities = [2]
        let authority = try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true))
        #expect(authority.verdict.firstFailure?.id == "intel.pck.revocation")
        form.revokedAuthorities = [3]
        let signer = try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true))
        #expect(signer.verdict.firstFailure?.id == "intel.tcb-info.chain.revocation")
    }

    @Test("Collateral signed by the wrong key under the right root")
    func wrongSigner() throws {
        // A platform's own PCK chains to the same root: it must not be able to judge itself.
        var form = Collateral()
        form.signer = Self.platform.pck
        let own = try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true))
        #expect(own.conclusion == .rejected)
        #expect(own.crypto.checks.contains { $0.id == "intel.tcb-info.signer" && $0.result == .fail })
        form.signer = FakeIntelPlatform().tcbSigner
        #expect(try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true)).conclusion == .rejected)
        #expect(
            try Self.verify(
                Self.td(),
                Self.platform.collateral(isTDX: true),
                anchors: FakeIntelPlatform().anchors
            ).conclusion == .rejected
        )
        // A signer whose certificate another key re-signed.
        form.signer = Self.platform.root.issue(
            TestCertificateForm(name: "Intel SGX Other Signing", serial: 9),
            key: TestKey(.p256)
        )
        let named = try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true))
        #expect(named.verdict.firstFailure?.id == "intel.tcb-info.signer")
    }

    @Test("Unknown members and repeated members of signed collateral are refused")
    func unknownMembers() throws {
        for extra in [#""note":1,"#, #""tcbType":0,"#] {
            var form = Collateral()
            form.extraMember = extra
            let result = try Self.verify(Self.td(), Self.platform.collateral(form, isTDX: true))
            #expect(result.conclusion == .incomplete)
        }
    }

    @Test("Vendor, quoting enclave and binding")
    func quotingEnclave() throws {
        let collateral = Self.platform.collateral(isTDX: true)
        var form = Quote(body: FakeIntelPlatform.tdBody())
        form.vendorId[0] ^= 1
        #expect(
            try Self.verify(Self.platform.quote(form), collateral).verdict.firstFailure?.id == "intel.quote.vendor"
        )
        form = Quote(body: FakeIntelPlatform.tdBody())
        form.qeMrSigner[0] ^= 1
        #expect(
            try Self.verify(Self.platform.quote(form), collateral).verdict.firstFailure?.id == "intel.qe.identity"
        )
        form = Quote(body: FakeIntelPlatform.tdBody())
        form.hasDirtyBinding = true
        #expect(
            try Self.verify(Self.platform.quote(form), collateral).verdict.firstFailure?.id == "intel.qe.binding"
        )
    }

    @Test("Quotes without a PCK chain")
    func certificationTypes() throws {
        for type in [UInt16(1), 2, 3] {
            var form = Quote(body: FakeIntelPlatform.tdBody())
            form.certificationType = type
            let quote = Self.platform.quote(form)
            let collateral = Self.platform.collateral(isTDX: true)
            #expect(try Self.verify(quote, collateral).conclusion == .incomplete)
            var withPCK = collateral
            let other = CollateralItem(kind: .certificate, body: FakeIntelPlatform().pck.certificate.der)
            let own = CollateralItem(kind: .certificate, body: Self.platform.pck.certificate.der)
            withPCK.items += [other, own]
            #expect(try Self.verify(quote, withPCK).conclusion == .verified)
        }
        var form = Quote(body: FakeIntelPlatform.tdBody())
        form.certificationType = 4
        form.certificationData = Self.platform.pck.certificate.der
        #expect(
            try Self.verify(Self.platform.quote(form), Self.platform.collateral(isTDX: true)).conclusion == .verified
        )
        form.certificationData = PEM.encode(Self.platform.pck.certificate.der)
        #expect(
            try Self.verify(Self.platform.quote(form), Self.platform.collateral(isTDX: true)).conclusion == .verified
        )
        // The chain of type 5 under the type of a lone certificate.
        form.certificationData = Self.platform.pemChain
        #expect(
            try Self.verify(Self.platform.quote(form), Self.platform.collateral(isTDX: true)).conclusion == .rejected
        )
        form.certificationType = 5
        form.certificationData = []
        #expect(
            try Self.verify(Self.platform.quote(form), Self.platform.collateral(isTDX: true)).conclusion == .incomplete
        )
    }

    @Test("Debug, other attributes and bound data are for the policy")
    func policy() throws {
        let collateral = Self.platform.collateral(isTDX: true)
        let faults: [(UInt64, String)] = [
            (0x1000_0001, "policy.debug"), (0, "policy.sept-ve-disable"), (0x5000_0000, "policy.pks"),
            (0x9000_0000, "policy.key-locker"), (0x100_1000_0000, "policy.other-attributes"),
        ]
        for (bits, id) in faults {
            let result = try Self.verify(Self.td(FakeIntelPlatform.tdBody(attributes: bits)), collateral)
            #expect(result.conclusion == .refusedByPolicy && result.verdict.firstFailure?.id == id)
            #expect(result.cryptoVerdict.isAccepted && !result.policyVerdict.isAccepted)
        }
        let debug = try Self.verify(Self.enclave(isDebug: true), Self.platform.collateral(isTDX: false))
        #expect(debug.conclusion == .refusedByPolicy && debug.verdict.firstFailure?.id == "policy.debug")
        let bound = [UInt8](repeating: 0x52, count: 64)
        let wanted: [(Expected, Conclusion)] = [
            (.exactly(bound), .verified), (.exactly([]), .refusedByPolicy),
            (.exactly(Array(bound.dropLast())), .refusedByPolicy), (.any, .verified),
        ]
        for (expected, conclusion) in wanted {
            let expectations = Expectations(reportData: expected, nonce: .any, publicKey: .any)
            #expect(try Self.verify(Self.td(), collateral, expecting: expectations).conclusion == conclusion)
        }
        // A family without a section, and an empty list, refuse.
        let none = AttestationPolicy(collateral: CollateralPolicy(maxAgeSeconds: .any, graceSeconds: 0))
        #expect(try Self.verify(Self.td(), collateral, policy: none).conclusion == .refusedByPolicy)
        var empty = AttestationPolicy.peerRules
        var rules = TDXPolicy.peerRules
        rules.mrTd = .only([])
        empty.set(rules)
        #expect(try Self.verify(Self.td(), collateral, policy: empty).verdict.firstFailure?.id == "policy.mr-td")
    }

    @Test("Bounds on dates, evaluation numbers, advisories and the age of collateral")
    func bounds() throws {
        var form = Collateral()
        form.advisories = ["INTEL-SA-00001"]
        let collateral = Self.platform.collateral(form, isTDX: true)
        func conclusion(_ change: (inout TDXPolicy, inout AttestationPolicy) -> Void) throws -> Conclusion {
            var policy = AttestationPolicy.peerRules
            var rules = TDXPolicy.peerRules
            change(&rules, &policy)
            policy.set(rules)
            return try Self.verify(Self.td(), collateral, policy: policy).conclusion
        }
        let date = try Timestamp("2024-11-13T00:00:00Z")
        #expect(try conclusion { rules, _ in rules.platform.minTcbDate = .atLeast(date) } == .verified)
        #expect(
            try conclusion { rules, _ in rules.platform.minTcbDate = .atLeast(date.adding(seconds: 1)) }
                == .refusedByPolicy
        )
        #expect(try conclusion { rules, _ in rules.platform.minTcbEvaluationDataNumber = .atLeast(17) } == .verified)
        #expect(
            try conclusion { rules, _ in rules.platform.minTcbEvaluationDataNumber = .atLeast(18) } == .refusedByPolicy
        )
        #expect(
            try conclusion { rules, _ in rules.platform.advisories = .only(["INTEL-SA-00001"]) } == .verified
        )
        #expect(try conclusion { rules, _ in rules.platform.advisories = .only([]) } == .refusedByPolicy)
        #expect(try conclusion { _, policy in policy.collateral.maxAgeSeconds = .atMost(864_000) } == .verified)
        #expect(try conclusion { _, policy in policy.collateral.maxAgeSeconds = .atMost(863_999) } == .refusedByPolicy)
        #expect(try conclusion { rules, _ in rules.platform.smt = .must(false) } == .verified)
        #expect(try conclusion { rules, _ in rules.platform.smt = .must(true) } == .refusedByPolicy)
    }

    @Test("The same inputs give the same bytes, whatever is remembered")
    func deterministic() throws {
        var setting = AppraisalSetting(
            anchors: Self.platform.anchors,
            collateral: Self.platform.collateral(isTDX: true),
            policy: .peerRules,
            time: Self.time
        )
        let quote = Self.td()
        let verifier = AttestationVerifier(setting)
        let first = try verifier.verify(quote, expecting: .unbound).json.serialized()
        #expect(try verifier.verify(quote, expecting: .unbound).json.serialized() == first)
        setting.rememberedKeys = 0
        #expect(try AttestationVerifier(setting).verify(quote, expecting: .unbound).json.serialized() == first)
        let verdict = try verifier.verify(quote, expecting: .unbound).verdict
        #expect(try Verdict(verdict.json) == verdict)
    }
}
