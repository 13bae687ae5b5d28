// Reads the file into which the simulator writes what it finds.
import Glibc

enum SimulatorFindings {
    /// The most bytes that are read.
    private static let bytesMax = 256 << 10

    /// The text in `folder`; empty when there is none.
    static func read(in folder: String) -> [UInt8] {
        let descriptor = open(folder + "/simulator.log", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while text.count < bytesMax {
            let count = Glibc.read(descriptor, &part, min(part.count, bytesMax - text.count))
            guard count > 0 else { break }
            text += part[..<count]
        }
        return text
    }
}
