// Random bytes from OpenSSL's generator, for keys and nonces.
internal import COpenSSL

/// OpenSSL's random generator.
public enum Random {
    /// `count` unpredictable bytes.
    /// - Throws: `KeyError.library` when the generator has no entropy.
    public static func bytes(_ count: Int) throws(KeyError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else {
            throw .library(operation: "make random bytes", detail: LibraryErrors.drain())
        }
        return bytes
    }
}

/// OpenSSL's per-thread error queue.
enum LibraryErrors {
    /// The reason of the oldest error; the queue is empty afterwards.
    static func drain() -> String {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0, let reason = ERR_reason_error_string(code) else { return "no reason given" }
        return String(cString: reason)
    }
}
