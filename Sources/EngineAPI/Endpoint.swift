// Where an engine is found when nobody says otherwise.

/// The defaults that servers and clients of an engine share.
public enum EngineEndpoint {
    /// The address that an engine listens on.
    public static let host = "127.0.0.1"
    /// The TCP port that an engine listens on.
    public static let port = 8420
    /// The URL of an engine on this machine.
    public static var url: String { "http://\(host):\(port)" }
}

/// The most that one message between an engine and its clients may hold, in bytes. Both sides keep to them.
public enum TransferLimits {
    /// A JSON answer or a signed request.
    public static let documentBytes = 32 << 20
    /// A file of a job, or an output.
    public static let fileBytes = 1 << 30
    /// A signed request without documents in it.
    public static let requestBytes = 64 << 10
}
