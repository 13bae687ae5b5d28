// Rates of attestation verification on one core and on two, over the shared vectors. `attestation/run` puts the peer's
// rates beside them. Rates on one core are by CPU time, rates of the batch by wall time.
import Attestation
import Codecs
import Foundation

let shared = ProcessInfo.processInfo.environment["ASSAY_SHARED"] ?? "../../shared"
let folder = URL(fileURLWithPath: shared).appendingPathComponent("vectors/attestation")

func file(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appendingPathComponent(path)))
}

func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Only rates whose name contains the first argument are measured.
let selection = CommandLine.arguments.dropFirst().first ?? ""

/// Calls `body` for about `duration` seconds of CPU time and prints how often per second.
@discardableResult
func rate(_ name: String, duration: Double = 2, _ body: () throws -> Void) rethrows -> Double {
    guard selection.isEmpty || name.contains(selection) else { return 0 }
    // Warm for half a second: a root key's table is made after its first thousand checks.
    let beginning = seconds(CLOCK_PROCESS_CPUTIME_ID)
    while seconds(CLOCK_PROCESS_CPUTIME_ID) - beginning < 0.5 { try body() }
    var count = 0
    let start = seconds(CLOCK_PROCESS_CPUTIME_ID)
    var now = start
    while now - start < duration {
        for _ in 0..<20 { try body() }
        count += 20
        now = seconds(CLOCK_PROCESS_CPUTIME_ID)
    }
    let result = Double(count) / (now - start)
    print("\(name)\t\(Int(result))")
    return result
}

func require(_ condition: Bool, _ what: String) {
    guard condition else {
        print("not as expected: \(what)")
        exit(1)
    }
}

let anyFlag = FlagRule.any
let platform = IntelPlatformPolicy(
    tcbStatuses: .only(["UpToDate", "OutOfDate", "SWHardeningNeeded", "ConfigurationAndSWHardeningNeeded"]),
    advisories: .any,
    minTcbDate: .any,
    minTcbEvaluationDataNumber: .any,
    dynamicPlatform: anyFlag,
    cachedKeys: anyFlag,
    smt: anyFlag
)
var policy = AttestationPolicy(collateral: CollateralPolicy(maxAgeSeconds: .any, graceSeconds: 0))
policy.set(
    TDXPolicy(
        platform: platform,
        attributes: TDAttributePolicy(
            debug: .must(false),
            septVeDisable: .must(true),
            migratable: anyFlag,
            pks: .must(false),
            keyLocker: .must(false),
            perfmon: anyFlag,
            otherBits: .must(false)
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
)
policy.set(
    SGXPolicy(
        platform: platform,
        debug: anyFlag,
        provisionKey: anyFlag,
        mrEnclave: .any,
        mrSigner: .any,
        isvProdId: .any,
        minIsvSvn: .any,
        configId: .any
    )
)
policy.set(
    SNPPolicy(
        minTcb: [.milan: .any, .genoa: .any, .turin: .any],
        revocationList: anyFlag,
        signingKeys: .any,
        vmpl: .any,
        measurement: .any,
        hostData: .any,
        idKeyDigest: .any,
        authorKeyDigest: .any,
        familyId: .any,
        imageId: .any,
        chipId: .any,
        minGuestSvn: .any,
        debug: .must(false),
        migration: anyFlag,
        smtAllowed: anyFlag,
        singleSocket: anyFlag,
        platformSMT: anyFlag,
        platformTSME: anyFlag,
        platformECC: anyFlag,
        platformRAPLDisabled: anyFlag,
        platformCiphertextHiding: anyFlag,
        platformAliasCheck: anyFlag
    )
)

var anchors = TrustAnchors()
anchors.pin(try Certificate(der: try file("collateral/intel-sgx-root-ca.der")), in: .intelSGX)
for name in ["milan", "genoa", "turin"] {
    anchors.pin(try Certificate(der: try file("sev-snp/ark-\(name).der")), in: .amdSEV)
}

// TDX and SGX, one core.
let families = [
    ("tdx-v4", "tdx/dcapqvl-v4-b0c0.quote", "collateral/tdx-b0c06f000000-2025-06-19.json", "2025-06-19T10:33:27Z"),
    ("tdx-v5", "tdx/gotdx-v5-sample.quote", "collateral/tdx-90c06f000000-2026-02-01.json", "2026-02-01T14:50:26Z"),
    ("sgx-v3", "sgx/dcapqvl-v3.quote", "collateral/sgx-00a067110000-2025-06-19.json", "2025-06-19T10:57:11Z"),
]
for (name, quotePath, collateralPath, time) in families {
    let quote = try file(quotePath)
    let bundle = try CollateralBundle(quoteCollateralV3: try file(collateralPath))
    var setting = AppraisalSetting(anchors: anchors, collateral: bundle, policy: policy, time: try Timestamp(time))
    try rate("\(name) parse") { _ = try IntelQuote(quote) }
    let remembering = AttestationVerifier(setting)
    require(try remembering.verify(quote, expecting: .unbound).conclusion == .verified, name)
    try rate("\(name) cached collateral, known platform") { _ = try remembering.verify(quote, expecting: .unbound) }
    setting.rememberedKeys = 0
    let forgetting = AttestationVerifier(setting)
    try rate("\(name) cached collateral") { _ = try forgetting.verify(quote, expecting: .unbound) }
    try rate("\(name) collateral each time") {
        _ = try AttestationVerifier(setting).verify(quote, expecting: .unbound)
    }
}

// SEV-SNP, one core, beside one bare signature check with the same key.
var amdItems: [CollateralItem] = []
for product in ["milan", "genoa"] {
    amdItems.append(CollateralItem(kind: .certificate, body: try file("sev-snp/ask-\(product).der")))
}
for name in ["milan-v3-gcp-dstack", "milan-v2-virtee", "genoa-v5"] {
    amdItems.append(CollateralItem(kind: .certificate, body: try file("sev-snp/\(name).vcek.der")))
}
let amdSetting = AppraisalSetting(
    anchors: anchors,
    collateral: CollateralBundle(amdItems),
    policy: policy,
    time: try Timestamp("2026-07-17T01:05:04Z")
)
let amdVerifier = AttestationVerifier(amdSetting)
let endorsementKey = try Certificate(der: try file("sev-snp/milan-v3-gcp-dstack.vcek.der")).publicKey
let report = try file("sev-snp/milan-v3-gcp-dstack.report")
let signature = ECDSASignature(
    r: Array(report[0x2a0..<0x2d0].reversed())[...],
    s: Array(report[0x2e8..<0x318].reversed())[...]
)
let digest = HashAlgorithm.sha384.digest(report[0..<0x2a0])
rate("P-384 verify") { require(endorsementKey.isValid(signature, digest: digest), "P-384") }
for name in ["milan-v3-gcp-dstack", "milan-v2-virtee"] {
    let evidence = try file("sev-snp/\(name).report")
    require(try amdVerifier.verify(evidence, expecting: .unbound).conclusion == .verified, name)
    try rate("snp \(name) cached chain") { _ = try amdVerifier.verify(evidence, expecting: .unbound) }
}

// A batch of 10,000 mixed pieces of evidence.
guard selection.isEmpty || "batch".contains(selection) else { exit(0) }
var mixed = amdItems
for path in ["tdx-90c06f000000-2026-02-01", "tdx-b0c06f000000-2025-06-19", "sgx-00a067110000-2025-06-19"] {
    mixed += try CollateralBundle(quoteCollateralV3: try file("collateral/\(path).json")).items
}
let evidence = try [
    "tdx/gotdx-v5-sample.quote", "tdx/azure-v4-90c0.quote", "tdx/cocoon-v4.quote", "tdx/dcapqvl-v4-b0c0.quote",
    "sgx/dcapqvl-v3.quote", "sev-snp/milan-v3-gcp-dstack.report", "sev-snp/milan-v2-virtee.report",
    "sev-snp/genoa-v5.report",
].map { try file($0) }
var mixedSetting = AppraisalSetting(
    anchors: anchors,
    collateral: CollateralBundle(mixed),
    policy: policy,
    time: try Timestamp("2026-02-01T14:50:26Z")
)
mixedSetting.rememberedKeys = 0
let requests = (0..<10_000).map {
    AttestationVerifier.Request(evidence: evidence[$0 % evidence.count], expectations: .unbound)
}
var wall: [Double] = []
for workers in [1, 2] {
    let verifier = AttestationVerifier(mixedSetting)
    let start = seconds(CLOCK_MONOTONIC)
    let results = await verifier.verify(batch: requests, workers: workers)
    let duration = seconds(CLOCK_MONOTONIC) - start
    require(results.count == requests.count, "batch")
    wall.append(duration)
    print("batch of 10000, \(workers) workers\t\(Int(10_000 / duration))")
}
print("batch speed-up in hundredths\t\(Int(100 * wall[0] / wall[1]))")
