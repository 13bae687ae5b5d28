// Reports of admission kept as signed records in a folder, so that sources are admitted once and a record that somebody else put
// there is worth nothing.
internal import Codecs
public import Commitments
internal import Glibc
public import Receipts
public import Replay
public import Signatures
internal import Synchronization

/// A folder of signed admission records, one file for each key of a report.
public final class AdmissionFolder: AdmissionCache {
    private let path: String
    private let key: SigningKey
    private let now: @Sendable () -> Int64
    /// Reports that were read or written before; a folder of thousands is not read twice.
    private let known = Mutex<[Digest: AdmissionReport]>([:])
    private static let knownMax = 1024

    /// A cache in `path`, which exists.
    /// - Parameters:
    ///   - key: signs the records, and is the only key whose records count.
    ///   - now: seconds since 1970.
    public init(path: String, key: SigningKey, now: @escaping @Sendable () -> Int64) {
        self.path = path
        self.key = key
        self.now = now
    }

    public func report(for digest: Digest) -> AdmissionReport? {
        if let report = known.withLock({ $0[digest] }) { return report }
        guard let bytes = try? DurableFile.read(file(digest)), bytes.count <= 1 << 20,
            let record = try? Signed<AdmissionStatement>(verifying: bytes, key: key.verifyingKey),
            record.predicate.report.key == digest
        else { return nil }
        remember(record.predicate.report)
        return record.predicate.report
    }

    public func insert(_ report: AdmissionReport) {
        remember(report)
        guard let record = try? AdmissionStatement.sign(report, at: now(), with: key) else { return }
        // A record that cannot be kept costs another admission and nothing else.
        try? DurableFile.write(record.envelope, to: file(report.key), in: path)
    }

    private func remember(_ report: AdmissionReport) {
        known.withLock { known in
            if known.count >= Self.knownMax { known.removeAll() }
            known[report.key] = report
        }
    }

    private func file(_ digest: Digest) -> String { path + "/" + digest.hex + ".json" }
}
