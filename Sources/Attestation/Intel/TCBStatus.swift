// Intel's words for the state of a platform, and how the parts of a platform make one word.
// Source: Intel PCS API v4, "TCB info"; evaluation order of Intel's quote verification library.

/// The state of a platform's trusted computing base.
public enum TCBStatus: String, Sendable, CaseIterable {
    /// Nothing is known against the platform.
    case upToDate = "UpToDate"
    /// Enclaves or TDs must be hardened against an advisory; the platform itself is current.
    case swHardeningNeeded = "SWHardeningNeeded"
    /// The platform must be configured otherwise.
    case configurationNeeded = "ConfigurationNeeded"
    /// Both of the above.
    case configurationAndSWHardeningNeeded = "ConfigurationAndSWHardeningNeeded"
    /// Firmware or microcode lacks security updates.
    case outOfDate = "OutOfDate"
    /// It lacks updates and must be configured otherwise.
    case outOfDateConfigurationNeeded = "OutOfDateConfigurationNeeded"
    /// The TDX module was updated after the TD was launched: the TD itself is to be launched again.
    case tdRelaunchAdvised = "TDRelaunchAdvised"
    /// The same, and the platform must be configured otherwise.
    case tdRelaunchAdvisedConfigurationNeeded = "TDRelaunchAdvisedConfigurationNeeded"
    /// Nothing that the platform says may be believed.
    case revoked = "Revoked"

    /// The statuses that a policy may accept: every one but `Revoked`.
    public static let acceptable: [TCBStatus] = allCases.filter { $0 != .revoked }

    /// Whether the status asks for a change of configuration.
    var asksForConfiguration: Bool {
        switch self {
        case .configurationNeeded, .configurationAndSWHardeningNeeded, .outOfDateConfigurationNeeded,
            .tdRelaunchAdvisedConfigurationNeeded:
            true
        default: false
        }
    }

    /// The status of a platform with this status and a part (quoting enclave or TDX module) with status `part`.
    func merged(withPart part: TCBStatus) -> TCBStatus {
        switch part {
        case .revoked: return .revoked
        case .outOfDate, .outOfDateConfigurationNeeded:
            switch self {
            case .upToDate, .swHardeningNeeded: return .outOfDate
            case .configurationNeeded, .configurationAndSWHardeningNeeded: return .outOfDateConfigurationNeeded
            default: return self
            }
        default: return self
        }
    }
}
