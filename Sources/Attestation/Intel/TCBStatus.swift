// Intel's words for the state of a platform, and how the parts of a platform make one word.
// Source: Intel PCS API v4, "TCB info"; evaluation order of Intel's quote verification library.

/// The state of a platform's trusted computing base.
public enum TCBStatus: String, Sendable, CaseIterable {
    case upToDate = "UpToDate"
    case swHardeningNeeded = "SWHardeningNeeded"
    case configurationNeeded = "ConfigurationNeeded"
    case configurationAndSWHardeningNeeded = "ConfigurationAndSWHardeningNeeded"
    case outOfDate = "OutOfDate"
    case outOfDateConfigurationNeeded = "OutOfDateConfigurationNeeded"
    /// The TDX module was updated after the TD was launched: the TD itself is to be launched again.
    case tdRelaunchAdvised = "TDRelaunchAdvised"
    case tdRelaunchAdvisedConfigurationNeeded = "TDRelaunchAdvisedConfigurationNeeded"
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
