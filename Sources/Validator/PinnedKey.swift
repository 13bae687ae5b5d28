// The key of the engine that an agent works for, kept from the first contact on.
internal import Codecs
public import Signatures

/// The engine key in a data folder.
public enum PinnedKey {
    /// The key that was kept; `nil` when there is none yet.
    public static func read(in folder: DataFolder) throws(StorageError) -> VerifyingKey? {
        let path = path(folder)
        guard let bytes = try DurableFile.read(path) else { return nil }
        let text = String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)
        do throws(ParseError) {
            return try VerifyingKey(text: text)
        } catch {
            throw StorageError(path: path, operation: "read the engine's key", reason: error.description)
        }
    }

    /// Keeps a key.
    public static func write(_ key: VerifyingKey, in folder: DataFolder) throws(StorageError) {
        try DurableFile.write(Array((key.text + "\n").utf8), to: path(folder), in: folder.path + "/keys")
    }

    private static func path(_ folder: DataFolder) -> String { folder.path + "/keys/engine-key.txt" }
}
