// Where the test vectors of other projects lie on this machine. They are not part of the package; a suite that cannot find
// them says so by name.
public import Foundation

/// The folder of vectors that the package does not ship.
public enum SharedVectors {
    /// The folder: `$ASSAY_SHARED`, else `../shared` beside the package; `nil` when there is none.
    public static let folder: URL? = {
        let candidate: URL
        if let named = ProcessInfo.processInfo.environment["ASSAY_SHARED"], !named.isEmpty {
            candidate = URL(fileURLWithPath: named, isDirectory: true)
        } else {
            candidate = packageRoot.deletingLastPathComponent().appendingPathComponent("shared", isDirectory: true)
        }
        var isDirectory: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: candidate.path, isDirectory: &isDirectory)
        return exists && isDirectory.boolValue ? candidate : nil
    }()

    /// The root folder of this package.
    public static let packageRoot = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The file or folder at `path` below the folder; `nil` when it is not there, and then a line on standard error names
    /// the suite that is skipped.
    public static func url(_ path: String, for suite: String) -> URL? {
        if let url = folder?.appendingPathComponent(path), FileManager.default.fileExists(atPath: url.path) {
            return url
        }
        let place = folder.map { "\($0.path)/\(path)" } ?? "ASSAY_SHARED or ../shared"
        FileHandle.standardError.write(Data("skipped: \(suite): no vectors at \(place)\n".utf8))
        return nil
    }

    /// Whether `path` is there, for `.enabled(if:)` of a suite; says which suite is skipped when it is not.
    public static func has(_ path: String, for suite: String) -> Bool {
        url(path, for: suite) != nil
    }

    /// The bytes of the file at `path` below the folder.
    /// - Throws: a Foundation error when it cannot be read.
    public static func bytes(_ path: String) throws -> [UInt8] {
        guard let folder else { throw CocoaError(.fileNoSuchFile) }
        return [UInt8](try Data(contentsOf: folder.appendingPathComponent(path)))
    }
}
