// The client of the vendors' services against services on real sockets: good answers, and every bad one.
import AssayTesting
import Attestation
import Codecs
import Synchronization
import Testing
import Transfer
import Verdicts

@testable import CollateralClient

private let time = Timestamp(seconds: 1_736_553_600)
private let platform = FakeIntelPlatform()
private let quote = platform.quote(FakeIntelPlatform.QuoteForm(body: FakeIntelPlatform.tdBody()))

/// Endpoints that all lead to one service.
private func endpoints(_ service: FakeHTTPService) -> CollateralEndpoints {
    var endpoints = CollateralEndpoints()
    endpoints.pcs = service.url
    endpoints.intelRootList = service.url + "/IntelSGXRootCA.der"
    endpoints.kds = service.url
    endpoints.rim = service.url
    endpoints.ocsp = service.url + "/ocsp"
    return endpoints
}

/// What a client waited for, without waiting.
private final class Waits: Sendable {
    private let list: Mutex<[Int]> = Mutex([])
    var all: [Int] { list.withLock { $0 } }
    func add(_ milliseconds: Int) { list.withLock { $0.append(milliseconds) } }
}

private func client(
    _ service: FakeHTTPService,
    _ waits: Waits = Waits(),
    timeout: Int = 2000,
    _ edit: (inout CollateralEndpoints) -> Void = { _ in }
) -> CollateralClient {
    var patience = CollateralClient.Patience()
    patience.timeoutMilliseconds = timeout
    patience.attempts = 3
    patience.maxWaitMilliseconds = 5000
    var addresses = endpoints(service)
    edit(&addresses)
    return CollateralClient(addresses, patience: patience) { waits.add($0) }
}

private func planned(_ evidence: [UInt8], product: AMDProduct? = nil) throws -> CollateralPlan {
    var plan = CollateralPlan()
    try plan.add(evidence, product: product)
    return plan
}

@Suite(.serialized) struct CollateralClientTests {
    @Test func aQuoteIsVerifiedWithWhatWasFetched() async throws {
        for isCaching in [false, true] {
            let service = try #require(FakeHTTPService { platform.answer($0, isCaching: isCaching) })
            let plan = try planned(quote)
            #expect(plan.needs.count == 4 && plan.notes.isEmpty)
            let fetch = await client(service) { if isCaching { $0.intelRootList = nil } }.fetch(plan, at: time)
            #expect(fetch.failures.isEmpty && fetch.fetched.count == 4, "\(fetch.failures)")
            var policy = AttestationPolicy(collateral: CollateralPolicy(maxAgeSeconds: .any, graceSeconds: 0))
            policy.set(TDXPolicy.anything)
            let setting = AppraisalSetting(
                anchors: platform.anchors,
                collateral: fetch.bundle,
                policy: policy,
                time: time
            )
            let result = try AttestationVerifier(setting).verify(quote, expecting: .unbound)
            #expect(result.conclusion == .verified, "\(result.verdict.firstFailure as Any)")
            // Another run asks for nothing that is there and current, and for everything that is out of date.
            let again = await client(service).fetch(plan, into: fetch.bundle, at: time)
            #expect(again.kept.count == 4 && again.bundle.items == fetch.bundle.items)
            #expect(service.targets.count == 4)
            let late = await client(service).fetch(plan, into: fetch.bundle, at: time.adding(seconds: 90 * 86_400))
            #expect(late.kept.isEmpty && late.bundle.items.count == fetch.bundle.items.count)
        }
    }

    @Test func enclavesAndProcessorAuthorities() async throws {
        var form = FakeIntelPlatform.PlatformForm()
        form.authorityName = "Intel SGX PCK Processor CA"
        let other = FakeIntelPlatform(form)
        let service = try #require(FakeHTTPService { other.answer($0) })
        let enclave = other.quote(FakeIntelPlatform.QuoteForm(body: FakeIntelPlatform.enclaveBody()))
        let fetch = await client(service).fetch(try planned(enclave), at: time)
        #expect(fetch.failures.isEmpty && fetch.fetched.count == 4, "\(fetch.failures)")
        #expect(service.targets.allSatisfy { !$0.contains("platform") && !$0.hasPrefix("/tdx") })
    }

    @Test(arguments: AMDProduct.allCases)
    func aReportIsVerifiedWithWhatWasFetched(product: AMDProduct) async throws {
        let processor = FakeAMDProcessor(product)
        let service = try #require(FakeHTTPService { processor.answer($0) })
        let report = processor.report()
        let fetch = await client(service).fetch(try planned(report), at: time)
        #expect(fetch.failures.isEmpty && fetch.fetched.count == 3, "\(fetch.failures)")
        let reports = fetch.bundle.check(anchors: processor.anchors, time: time)
        #expect(reports.allSatisfy { $0.findings.isClean })
        // A report without a product needs to be told one; of a wrong product the service has no such chip.
        var old = FakeAMDProcessor.ReportForm()
        old.version = 2
        let unnamed = processor.report(old)
        #expect(try planned(unnamed).needs.isEmpty && planned(unnamed).notes.count == 1)
        #expect(try planned(unnamed, product: product).needs.count == 3)
        let wrong: AMDProduct = product == .milan ? .genoa : .milan
        let failed = await client(service).fetch(try planned(unnamed, product: wrong), at: time)
        #expect(failed.failures.count == 3 && failed.bundle.items.isEmpty)
        #expect(failed.failures.allSatisfy { $0.error == .notThere(status: 404) })
    }

    @Test func manifestsAndOCSPOfAGPU() async throws {
        var device = FakeNVIDIADevice()
        device.set(SPDMReport.Field.project, Array("G520\0".utf8))
        device.set(SPDMReport.Field.projectSKU, Array("0202\0".utf8))
        device.set(SPDMReport.Field.chipSKU, Array("885\0".utf8))
        let driver = FakeReferenceManifest(
            version: "550.90.07",
            values: [(1, true, [[UInt8](repeating: 1, count: 48)])]
        )
        let firmware = FakeReferenceManifest(
            version: "96.00.9F.00.01",
            values: [(2, true, [[UInt8](repeating: 2, count: 48)])]
        )
        let manifests = [
            "NV_GPU_DRIVER_GH100_550.90.07": driver.document(),
            "NV_GPU_VBIOS_G520_0202_885_96009F0001": firmware.document(),
        ]
        let (fake, known) = (device, manifests)
        let service = try #require(FakeHTTPService { fake.answer($0, manifests: known) })
        let fetch = await client(service).fetch(try planned(device.evidence()), at: time)
        #expect(fetch.failures.isEmpty && fetch.fetched.count == 4, "\(fetch.failures)")
        #expect(fetch.bundle.items(.ocspResponse).count == 2 && fetch.bundle.items(.nvidiaRIM).count == 2)
        // Another manifest under the asked-for name is refused: a signed one of another version would mislead.
        let swapped = ["NV_GPU_DRIVER_GH100_550.90.07": firmware.document()]
        let liar = try #require(FakeHTTPService { fake.answer($0, manifests: swapped) })
        let misled = await client(liar) { $0.ocsp = nil }.fetch(try planned(device.evidence()), at: time)
        #expect(misled.failures.count == 2 && misled.bundle.items.isEmpty)
    }

    @Test func aBlackwellDriverIsNamedByItsChip() throws {
        var device = FakeNVIDIADevice(chip: "GB100", architecture: "BLACKWELL", isTCBInfo: true)
        device.set(SPDMReport.Field.chipInfo, Array("GB200\0".utf8))
        let plan = try planned(device.evidence())
        #expect(plan.needs.contains(.nvidiaManifest(id: "NV_GPU_CC_DRIVER_GB200_550.90.07")))
    }

    /// Every bad answer to each need of a quote: nothing of it is in the bundle, and the error says what it was.
    @Test func badAnswersLeaveNothing() async throws {
        let good = FakeHTTPRequest(method: "GET", target: "/IntelSGXRootCA.der", body: [], attempt: 1)
        guard case .answer(_, _, let list) = platform.answer(good) else { return }
        let cases: [(name: String, answer: FakeHTTPAnswer, isTemporary: Bool)] = [
            ("404 with a body", .answer(status: 404, body: Array("404 - Not Found".utf8)), false),
            ("403", .answer(status: 403, body: list), false),
            ("a redirect", .answer(status: 302, headers: ["Location": "http://127.0.0.1:1/"], body: list), false),
            ("an empty body", .answer(status: 200, body: []), false),
            ("a page", .answer(status: 200, headers: ["Content-Type": "text/html"], body: Array("<html>".utf8)), false),
            ("another document", .answer(status: 200, body: PEM.encode(list)), false),
            ("no body of its length", .truncated(body: list, keeping: list.count / 2), true),
            ("half a list", .answer(status: 200, body: Array(list.prefix(list.count / 2))), false),
            ("a list with more", .answer(status: 200, body: list + [0]), false),
            ("500", .answer(status: 500, body: list), true),
            ("429", .answer(status: 429, headers: ["Retry-After": "1"], body: list), true),
            ("no end", .endless, false),
            ("a byte a second", .slow(body: list, millisecondsPerByte: 1000), true),
            ("silence", .silent, true),
        ]
        let root = CollateralNeed.intelRootList
        for (name, answer, isTemporary) in cases {
            let service = try #require(FakeHTTPService { _ in answer })
            var plan = CollateralPlan()
            try plan.add(quote)
            let fetch = await client(service, timeout: 300).fetch(plan, at: time)
            #expect(fetch.bundle.items.isEmpty && fetch.fetched.isEmpty, "\(name)")
            #expect(fetch.failures.count == plan.needs.count, "\(name)")
            let failure = fetch.failures.first { $0.need == root }
            #expect(failure?.error.isTemporary == isTemporary, "\(name): \(failure?.error as Any)")
        }
    }

    @Test func whatIsSomethingElseIsRefused() async throws {
        // Well-formed and signed, but of another platform family, another kind of enclave, another authority.
        let other: FakeIntelPlatform = {
            var form = FakeIntelPlatform.PlatformForm()
            form.fmspc = [9, 9, 9, 9, 9, 9]
            form.authorityName = "Intel SGX PCK Processor CA"
            return FakeIntelPlatform(form)
        }()
        let service = try #require(
            FakeHTTPService { request in
                var turned = request
                turned.target = turned.target.replacing("001122334455", with: "090909090909")
                    .replacing("ca=platform", with: "ca=processor").replacing(
                        "/tdx/certification/v4/qe",
                        with: "/sgx/certification/v4/qe"
                    )
                return other.answer(turned)
            }
        )
        let fetch = await client(service).fetch(try planned(quote), at: time)
        #expect(fetch.fetched == [.intelRootList])
        #expect(fetch.failures.count == 3)
        for failure in fetch.failures {
            guard case .malformed(let error) = failure.error else {
                Issue.record("\(failure.need.text): \(failure.error)")
                continue
            }
            #expect(error.expected == failure.need.text)
        }
    }

    @Test func notNowIsAskedAgainAfterTheWait() async throws {
        let service = try #require(
            FakeHTTPService { request in
                guard request.attempt > 2 else {
                    return .answer(
                        status: 429,
                        headers: ["Retry-After": request.attempt == 1 ? "3" : "999999"],
                        body: []
                    )
                }
                return platform.answer(request)
            }
        )
        let waits = Waits()
        let fetch = await client(service, waits).fetch(try planned(quote), at: time)
        #expect(fetch.failures.isEmpty && fetch.fetched.count == 4)
        // The service's own wish, and no more than the caller's patience.
        #expect(waits.all == [3000, 5000, 3000, 5000, 3000, 5000, 3000, 5000])
    }

    @Test func whatCameBeforeAFailureStays() async throws {
        let service = try #require(
            FakeHTTPService { request in
                request.target.contains("pckcrl") ? .answer(status: 404, body: []) : platform.answer(request)
            }
        )
        let plan = try planned(quote)
        let first = await client(service).fetch(plan, at: time)
        #expect(first.fetched.count == 3 && first.failures.count == 1)
        let whole = try #require(FakeHTTPService { platform.answer($0) })
        let second = await client(whole).fetch(plan, into: first.bundle, at: time)
        #expect(second.kept.count == 3 && second.fetched.count == 1 && second.failures.isEmpty)
        #expect(whole.targets.count == 1)
    }

    @Test func nobodyAnswers() async throws {
        var url = ""
        do {
            let service = try #require(FakeHTTPService { _ in .silent })
            url = service.url
        }
        var addresses = CollateralEndpoints()
        addresses.pcs = url
        addresses.intelRootList = url
        var patience = CollateralClient.Patience()
        patience.attempts = 1
        patience.timeoutMilliseconds = 500
        let fetch = await CollateralClient(addresses, patience: patience) { _ in }.fetch(try planned(quote), at: time)
        #expect(fetch.failures.count == 4 && fetch.failures.allSatisfy { $0.error.isTemporary })
    }

    @Test func addressesAreChecked() throws {
        #expect(try CollateralEndpoints.checked("https://a.example/x/", field: "u") == "https://a.example/x")
        for url in ["", "ftp://a", "http://", "http:///x", "http://a?b", "http://u@a", "http://a b", "//a"] {
            #expect(throws: ParseError.self) { try CollateralEndpoints.checked(url, field: "u") }
        }
    }

    @Test func onlyThisMachineIsAskedWithoutAProxy() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1", "127.255.1.2:8080", "[::1]", "[::1]:443"] {
            #expect(ServiceAddress.isLoopback(url: "http://\(host)"), "\(host)")
            #expect(ServiceAddress.isLoopback(url: "https://\(host)/x?y=1"), "\(host)")
        }
        let elsewhere = [
            "127.evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.256", "127.0.0",
            "127.0.0.+1",
            "evil.example:127", "[::1].evil.example", "[::2]", "evil.example/127.0.0.1", "localhost:80@evil.example",
            "",
        ]
        for host in elsewhere { #expect(!ServiceAddress.isLoopback(url: "http://\(host)/"), "\(host)") }
    }

    @Test func otherEvidenceNeedsNothingFromServices() throws {
        let plan = try planned(FakeNitro(time: time).document())
        #expect(plan.needs.isEmpty && plan.notes.count == 1)
        #expect(throws: ParseError.self) { try planned(Array("hello".utf8)) }
    }
}

extension TDXPolicy {
    /// Everything but revoked platforms.
    fileprivate static let anything = TDXPolicy(
        platform: IntelPlatformPolicy(
            tcbStatuses: .any,
            advisories: .any,
            minTcbDate: .any,
            minTcbEvaluationDataNumber: .any,
            dynamicPlatform: .any,
            cachedKeys: .any,
            smt: .any
        ),
        attributes: TDAttributePolicy(
            debug: .any,
            septVeDisable: .any,
            migratable: .any,
            pks: .any,
            keyLocker: .any,
            perfmon: .any,
            otherBits: .any
        ),
        mrSeam: .any,
        mrTd: .any,
        mrConfigId: .any,
        mrOwner: .any,
        mrOwnerConfig: .any,
        mrServiceTd: .any,
        rtMr: [.any, .any, .any, .any],
        xfam: .any
    )
}
