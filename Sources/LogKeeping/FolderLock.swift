// One writer for each log: two would sign two histories.
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An exclusive lock that the kernel gives back when the process ends, however it ends.
final class FolderLock: Sendable {
    private let descriptor: Int32

    init(path: String) throws(LogError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .database("cannot open '\(path)': \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .database("another process keeps this log")
        }
    }

    deinit { close(descriptor) }
}
