// A job in the parent's hands: the spec, the text of its sources, the content of its inputs.
internal import Codecs
internal import Commitments

/// A spec with the content of its files.
struct ReplayJob: Sendable {
    let spec: ReplaySpec
    /// The text of each source, in the spec's order.
    let sources: [[UInt8]]
    /// The initial content of each input slot, by slot index.
    let inputs: [Int: ArraySlice<UInt8>]
    /// What identifies the compiled programs.
    let programKey: Digest

    /// A job with contents that are known to fit.
    init(spec: ReplaySpec, sources: [[UInt8]], inputs: [Int: ArraySlice<UInt8>]) {
        self.spec = spec
        self.sources = sources
        self.inputs = inputs
        programKey = Self.key(spec, sources)
    }

    /// Takes the files that the spec names.
    /// - Throws: `RunFailure` with reason `input` when one is missing or is not what the spec says.
    init(spec: ReplaySpec, files: [String: [UInt8]]) throws(RunFailure) {
        var sources: [[UInt8]] = []
        for source in spec.sources {
            let text = try Self.file(source.file, source.byteCount, files)
            guard UInt64(text.count) <= ReplaySpec.Bounds.sourceBytes else {
                throw RunFailure(.input, "\(source.file) is longer than \(ReplaySpec.Bounds.sourceBytes) bytes")
            }
            sources.append(text)
        }
        var inputs: [Int: ArraySlice<UInt8>] = [:]
        for (index, slot) in spec.slots.enumerated() {
            guard let file = slot.file else { continue }
            let bytes = try Self.file(file.path, file.byteCount, files)
            do throws(ParseError) {
                inputs[index] = try slot.content(of: bytes, format: file.format)
            } catch {
                throw RunFailure(.input, "\(file.path): \(error)")
            }
        }
        self.spec = spec
        self.sources = sources
        self.inputs = inputs
        programKey = Self.key(spec, sources)
    }

    private static func file(
        _ path: String,
        _ byteCount: UInt64?,
        _ files: [String: [UInt8]]
    ) throws(RunFailure) -> [UInt8] {
        guard let bytes = files[path] else { throw RunFailure(.input, "\(path) is missing") }
        if let byteCount, byteCount != UInt64(bytes.count) {
            throw RunFailure(.input, "\(path) has \(bytes.count) bytes, the spec says \(byteCount)")
        }
        return bytes
    }

    /// Everything that a binary depends on, except the device, which the run stage compares.
    private static func key(_ spec: ReplaySpec, _ sources: [[UInt8]]) -> Digest {
        var hash = SHA256()
        hash.update("assay-binary-1\0")
        hash.update(Prelude.digest)
        hash.update(SHA256.hash(Array(Prelude.options.utf8)))
        hash.update(spec.device.kind.rawValue)
        hash.update(bigEndian: spec.device.memoryBytes)
        for source in sources { hash.update(SHA256.hash(source)) }
        for unit in ProgramUnit.needed(by: spec) { hash.update("\(unit.source) \(unit.specialization)\n") }
        return hash.finalized()
    }
}
