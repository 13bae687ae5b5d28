// Independent implementations from PyPI as second opinions: they run in Python, and a machine without them skips by name.
public import Foundation

/// A Python that may have peers of Assay.
public enum PeerPython {
    /// `$ASSAY_PEERS`, else `.tools/peers` in the package (`Scripts/test` makes it), else the system's Python.
    private static let program: String = {
        if let named = ProcessInfo.processInfo.environment["ASSAY_PEERS"], !named.isEmpty { return named }
        let own = SharedVectors.packageRoot.appendingPathComponent(".tools/peers/bin/python").path
        return FileManager.default.isExecutableFile(atPath: own) ? own : "python3"
    }()

    /// What `script` writes on standard output; `nil` when Python or a module is missing or the script fails.
    public static func run(_ script: String, input: [UInt8] = []) -> [UInt8]? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program, "-c", script]
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        stdin.fileHandleForWriting.write(Data(input))
        try? stdin.fileHandleForWriting.close()
        let output = stdout.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? [UInt8](output) : nil
    }

    /// Whether a module can be imported, for `.enabled(if:)`; says which suite is skipped when it cannot.
    public static func has(_ module: String, for suite: String) -> Bool {
        if run("import \(module)") != nil { return true }
        let line = "skipped: \(suite): no Python module '\(module)'; Scripts/test installs it\n"
        FileHandle.standardError.write(Data(line.utf8))
        return false
    }
}
