// Where the programs of Assay lie: beside each other.
internal import Glibc

/// The program of this process.
package enum OwnProgram {
    /// The path of the program `name` in the folder of this process's own; `nil` when it is not there or cannot be run.
    package static func beside(_ name: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard length > 0 else { return nil }
        let executable = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let slash = executable.lastIndex(of: "/") else { return nil }
        let candidate = String(executable[...slash]) + name
        return access(candidate, X_OK) == 0 ? candidate : nil
    }
}
