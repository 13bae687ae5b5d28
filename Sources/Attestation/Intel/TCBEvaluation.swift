// From security versions to a status: SGX and TDX level match, TDX module identity, relaunch advice, quoting enclave.
// Source: evaluation order of Intel's quote verification library, steps 4.1.2.4.17.x of its design document.

internal import Codecs

/// The state of a platform and what it rests on.
struct TCBEvaluation {
    /// The platform's status with all its parts.
    var status: TCBStatus
    /// The advisories of the platform level, the TDX module level and the quoting enclave level, each once.
    var advisories: [String]
    /// The oldest date of the levels that were matched.
    var date: Timestamp
}

/// Why no status could be found.
enum TCBFault: Equatable {
    /// No SGX level is at or below the platform's versions.
    case noSGXLevel
    /// An SGX level fits, but no TDX level.
    case noTDXLevel
    /// The module's version has no identity in the TCB info.
    case unknownModule(String)
    /// The module's signer or attributes differ.
    case foreignModule
    /// The module is older than every level of its identity.
    case noModuleLevel

    var text: String {
        switch self {
        case .noSGXLevel: "no level at or below the platform's SGX and PCE versions"
        case .noTDXLevel: "no level at or below the TDX versions"
        case .unknownModule(let id): "no TDX module identity \(id)"
        case .foreignModule: "a TDX module of another signer or with other attributes"
        case .noModuleLevel: "a TDX module older than every known level"
        }
    }
}

extension TCBInfo {
    /// The level of an SGX platform: the newest whose versions the platform reaches.
    func sgxLevel(_ platform: PCKPlatform) -> TCBLevel? {
        levels.first { $0.isReached(by: platform) }
    }

    /// The status of an SGX platform.
    func evaluate(_ platform: PCKPlatform, qe: VersionLevel) -> Result<TCBEvaluation, TCBFaultError> {
        guard let level = sgxLevel(platform) else { return .failure(TCBFaultError(.noSGXLevel)) }
        return .success(
            TCBEvaluation(
                status: level.status.merged(withPart: qe.status),
                advisories: Self.union(level.advisories, qe.advisories),
                date: min(level.date, qe.date)
            )
        )
    }

    /// The status of a TDX platform, as the TD was launched and, for a 1.5 body, as it is now.
    func evaluate(_ platform: PCKPlatform, _ td: TDReport, qe: VersionLevel) -> Result<TCBEvaluation, TCBFaultError> {
        guard let sgx = sgxLevel(platform) else { return .failure(TCBFaultError(.noSGXLevel)) }
        let versions = Array(td.teeTcbSvn)
        guard let level = levels.first(where: { $0.isReached(by: platform) && $0.isReached(byTDX: versions) }) else {
            return .failure(TCBFaultError(.noTDXLevel))
        }
        var status = level.status
        var advisories = level.advisories
        var date = level.date
        var moduleStatus = TCBStatus.upToDate
        switch module(of: versions, td) {
        case .failure(let fault): return .failure(fault)
        case .success(nil): break
        case .success(let moduleLevel?):
            moduleStatus = moduleLevel.status
            status = status.merged(withPart: moduleLevel.status)
            advisories = Self.union(advisories, moduleLevel.advisories)
            date = min(date, moduleLevel.date)
        }
        if let now = td.teeTcbSvn2, status != .revoked {
            switch relaunched(Array(now), sgx: sgx.status, td: status, module: moduleStatus, qe: qe.status) {
            case .failure(let fault): return .failure(fault)
            case .success(let advised): status = advised
            }
        }
        return .success(
            TCBEvaluation(
                status: status.merged(withPart: qe.status),
                advisories: Self.union(advisories, qe.advisories),
                date: min(date, qe.date)
            )
        )
    }

    /// The level of the TDX module, or `nil` when the module is of version 0, which has no levels of its own.
    private func module(of versions: [UInt8], _ td: TDReport) -> Result<VersionLevel?, TCBFaultError> {
        let version = versions[1]
        guard version > 0 else {
            guard let module = tdxModule, module.fits(td) else { return .failure(TCBFaultError(.foreignModule)) }
            return .success(nil)
        }
        guard let identity = moduleIdentity(version) else {
            return .failure(TCBFaultError(.unknownModule(Self.moduleName(version))))
        }
        guard identity.fits(td) else { return .failure(TCBFaultError(.foreignModule)) }
        guard let level = identity.levels.first(where: { UInt64(versions[0]) >= $0.isvSvn }) else {
            return .failure(TCBFaultError(.noModuleLevel))
        }
        return .success(level)
    }

    private static func moduleName(_ version: UInt8) -> String {
        "TDX_" + Hex.encode([version]).uppercased()
    }

    private func moduleIdentity(_ version: UInt8) -> TDXModuleIdentity? {
        let name = Self.moduleName(version)
        return tdxModuleIdentities.first { $0.id.uppercased() == name }
    }

    /// Whether an out-of-date TD runs under a TDX module that has been updated since, so that launching it again would
    /// make it up to date.
    private func relaunched(
        _ now: [UInt8],
        sgx: TCBStatus,
        td: TCBStatus,
        module: TCBStatus,
        qe: TCBStatus
    ) -> Result<TCBStatus, TCBFaultError> {
        let isPlatformCurrent = [
            .upToDate, .swHardeningNeeded, .configurationNeeded, .configurationAndSWHardeningNeeded,
        ].contains(sgx)
        let isTDOutdated = td == .outOfDate || td == .outOfDateConfigurationNeeded
        guard qe != .outOfDate, qe != .revoked, isPlatformCurrent, isTDOutdated, module == .outOfDate,
            let latest = levels.first
        else { return .success(td) }
        let leastModule: UInt64
        if now[1] == 0 {
            leastModule = latest.tdxComponents[0]
        } else {
            guard let identity = moduleIdentity(now[1]) else {
                return .failure(TCBFaultError(.unknownModule(Self.moduleName(now[1]))))
            }
            guard let first = identity.levels.first else { return .failure(TCBFaultError(.noModuleLevel)) }
            leastModule = first.isvSvn
        }
        guard UInt64(now[0]) >= leastModule, UInt64(now[2]) >= latest.tdxComponents[2] else { return .success(td) }
        let asksForConfiguration = sgx.asksForConfiguration || td.asksForConfiguration
        return .success(asksForConfiguration ? .tdRelaunchAdvisedConfigurationNeeded : .tdRelaunchAdvised)
    }

    private static func union(_ first: [String], _ second: [String]) -> [String] {
        first + second.filter { !first.contains($0) }
    }
}

/// `TCBFault` as an error, so that `Result` can carry it.
struct TCBFaultError: Error, Equatable {
    let fault: TCBFault

    init(_ fault: TCBFault) {
        self.fault = fault
    }
}

extension TCBLevel {
    /// Whether every SGX component and the PCE are at or above this level.
    fileprivate func isReached(by platform: PCKPlatform) -> Bool {
        platform.pceSvn >= pceSvn && zip(platform.componentSvns, sgxComponents).allSatisfy { $0 >= $1 }
    }

    /// Whether every TDX component is at or above this level. The first two belong to the module identity when the module
    /// has a version above 0.
    fileprivate func isReached(byTDX versions: [UInt8]) -> Bool {
        let start = versions[1] > 0 ? 2 : 0
        return (start..<16).allSatisfy { UInt64(versions[$0]) >= tdxComponents[$0] }
    }
}

extension TDXModuleIdentity {
    /// Whether the signer and the masked attributes are those of the TD's module.
    fileprivate func fits(_ td: TDReport) -> Bool {
        td.mrSignerSeam.elementsEqual(mrSigner) && Masked.equal(td.seamAttributes, attributesMask, attributes)
    }
}

/// Comparison under a mask.
enum Masked {
    /// Whether `value & mask` equals `expected`, byte by byte.
    static func equal(_ value: ArraySlice<UInt8>, _ mask: [UInt8], _ expected: [UInt8]) -> Bool {
        value.count == mask.count && value.count == expected.count
            && zip(zip(value, mask), expected).allSatisfy { $0.0 & $0.1 == $1 }
    }
}

extension EnclaveIdentity {
    /// Why `report` is not of this enclave; `nil` when it is.
    func mismatch(_ report: EnclaveReport) -> String? {
        if !Masked.equal(report.miscSelect, miscSelectMask, miscSelect) { return "MISCSELECT differs" }
        if !Masked.equal(report.attributes, attributesMask, attributes) { return "ATTRIBUTES differ" }
        if !report.mrSigner.elementsEqual(mrSigner) { return "MRSIGNER is " + Hex.encode(report.mrSigner) }
        if UInt64(report.isvProdId) != isvProdId { return "ISVPRODID is \(report.isvProdId)" }
        return nil
    }

    /// The newest level that `report` reaches.
    func level(of report: EnclaveReport) -> VersionLevel? {
        levels.first { UInt64(report.isvSvn) >= $0.isvSvn }
    }
}
