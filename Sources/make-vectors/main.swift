// Writes Assay's published vectors into a folder: `swift run make-vectors Vectors`.
import AssayTesting
import Foundation

guard CommandLine.arguments.count == 2 else {
    FileHandle.standardError.write(Data("usage: make-vectors FOLDER\n".utf8))
    exit(64)
}
let folder = URL(fileURLWithPath: CommandLine.arguments[1], isDirectory: true)
do {
    let files = try await VectorGenerator.files()
    for (path, bytes) in files.sorted(by: { $0.key < $1.key }) {
        let url = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }
    print("\(files.count) files")
} catch {
    FileHandle.standardError.write(Data("\(folder.path): \(error)\n".utf8))
    exit(74)
}
