// Tells from which folders this program was loaded, so that the parent can show them to it inside the sandbox.
import Glibc

enum LoadedLibraries {
    /// Prints the folder of every mapped file, one per line.
    /// - Returns: the exit status.
    static func print() -> Int32 {
        guard let maps = fopen("/proc/self/maps", "r") else { return 1 }
        defer { fclose(maps) }
        var folders: Set<String> = []
        var line = [CChar](repeating: 0, count: 8192)
        while fgets(&line, Int32(line.count), maps) != nil {
            let text = String(
                decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) },
                as: UTF8.self
            )
            guard let start = text.firstIndex(of: "/"), let end = text.lastIndex(of: "/"), start < end,
                text.hasSuffix(".so") || text.contains(".so.")
            else { continue }
            folders.insert(String(text[start..<end]))
        }
        for folder in folders.sorted() { Swift.print(folder) }
        return 0
    }
}
