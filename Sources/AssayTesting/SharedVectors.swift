// Finds vector files that are kept outside the checkout, so that a suite can run over them or say by name that it was skipped.
public import Foundation

/// A folder of shared test vectors.
public enum SharedVectors {
    /// The folder `name` among the shared vectors, or `nil` when there is none.
    ///
    /// The shared folder is `ASSAY_SHARED`, or `shared` beside the package.
    public static func folder(_ name: String, file: String = #filePath) -> URL? {
        let base: URL
        if let given = ProcessInfo.processInfo.environment["ASSAY_SHARED"] {
            base = URL(fileURLWithPath: given)
        } else {
            base = URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared")
        }
        let folder = base.appendingPathComponent("vectors").appendingPathComponent(name)
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }
}
