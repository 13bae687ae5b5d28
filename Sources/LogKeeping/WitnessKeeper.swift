// Keeps a witness: the last cosigned checkpoint of each log is on disk before a cosignature leaves.
internal import Codecs
internal import Commitments
internal import Foundation
public import Signatures
public import TransparencyLog

/// The one writer of a witness's state.
public actor WitnessKeeper {
    private let store: LogFolder
    private let lock: FolderLock
    private let signer: WitnessSigner
    private var state: WitnessState

    /// Opens a witness, or begins one in an empty folder.
    /// - Parameters:
    ///   - path: the folder with its state.
    ///   - logs: the keys that may sign for each origin; logs are known by this list alone.
    /// - Throws: `LogError` when another process keeps the witness and when a stored checkpoint cannot be read: a witness that
    ///   forgot what it saw would cosign a second history.
    public init(
        path: String,
        name: String,
        signingKey: SigningKey,
        logs: [String: [NoteKey]]
    ) throws(LogError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .database("cannot create '\(path)': \(error)")
        }
        lock = try FolderLock(path: path + "/lock")
        store = LogFolder(path: path)
        do {
            signer = try WitnessSigner(name: name, key: signingKey)
        } catch {
            throw .foreign("'\(name)' is no witness's name: \(error)")
        }
        var latest: [String: Checkpoint] = [:]
        for origin in logs.keys {
            let stored: SignedCheckpoint?
            do {
                stored = try LogFolder(path: path + "/" + Self.place(origin)).checkpoint()
            } catch {
                throw .files(error)
            }
            guard let stored else { continue }
            guard stored.checkpoint.origin == origin, (try? stored.note.verify([signer.key])) != nil else {
                throw .foreign("the stored checkpoint of '\(origin)' is not one that this witness cosigned")
            }
            latest[origin] = stored.checkpoint
        }
        state = WitnessState(logs: logs, latest: latest)
    }

    /// The key by which others check the cosignatures.
    public nonisolated var key: NoteKey { signer.key }

    /// Answers an `add-checkpoint` request: the cosignature is there when, and only when, the answer is `cosign`.
    /// - Parameter time: seconds since 1970, more than zero.
    public func add(
        _ request: AddCheckpointRequest,
        at time: Int64
    ) throws(LogError) -> (answer: WitnessState.Answer, cosignature: SignedNote.Signature?) {
        var next = state
        let answer = next.apply(request)
        guard case .cosign(let checkpoint) = answer else { return (answer, nil) }
        let cosignature: SignedNote.Signature
        do {
            cosignature = try signer.cosign(request.checkpoint, at: time)
        } catch {
            throw .key(error)
        }
        var cosigned = request.checkpoint
        // Only the own line: what is stored is what this witness said.
        cosigned.note.signatures = [cosignature]
        do {
            let name = Self.place(checkpoint.origin) + "/checkpoint"
            try store.write(name, cosigned.bytes)
            try store.sync([name])
        } catch {
            throw .files(error)
        }
        state = next
        return (answer, cosignature)
    }

    /// A folder name for an origin, which may hold any character.
    private static func place(_ origin: String) -> String {
        SHA256.hash(Array(origin.utf8)).hex
    }
}
