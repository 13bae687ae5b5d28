// Where the model's files are, and its shape.
public import Foundation

/// all-MiniLM-L6-v2: six encoder layers of BERT's shape, for sentence embeddings.
public enum MiniLMModel {
    /// Width of a token's vector.
    public static let width = 384
    /// Encoder layers.
    public static let layers = 6
    /// Attention heads in a layer.
    public static let heads = 12
    /// Width between the two matrices of a layer's feed-forward part.
    public static let inner = 1536
    /// Pieces in the vocabulary.
    public static let vocabulary = 30522
    /// Longest sequence that has position vectors.
    public static let positions = 512

    /// The folder that `Examples/minilm/get-model` fills; `ASSAY_MINILM` names another.
    public static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["ASSAY_MINILM"] { return URL(fileURLWithPath: path) }
        return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(".assay/minilm/model")
    }

    /// Whether the weights and the vocabulary are there.
    public static var isInstalled: Bool {
        ["model.safetensors", "vocab.txt"].allSatisfy {
            FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
        }
    }
}
