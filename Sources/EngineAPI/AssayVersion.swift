// The version that every program and every document of this build states.

/// This build's version.
public enum AssayVersion {
    /// Semantic version text.
    public static let text = "0.1.0"
}
