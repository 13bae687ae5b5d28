// What can be said against a job's own files before anything is run, by anybody who has them.
public import Codecs

/// A reason for which nobody can run a job as it is specified.
public enum JobFault: Sendable, Equatable, CustomStringConvertible {
    /// A kernel breaks a rule of replay.
    case kernel(AdmissionFault)
    /// A file is missing or is not what its slot says.
    case file(ParseError)

    public var description: String {
        switch self {
        case .kernel(let fault): fault.description
        case .file(let error): error.description
        }
    }
}

extension ReplaySpec {
    /// The first fault in the job's own files; `nil` when a sandbox may be given the job.
    /// - Parameter files: the content of every file that `artefacts` names, by path.
    public func fault(in files: [String: [UInt8]]) -> JobFault? {
        var contents: [[UInt8]] = []
        for source in sources {
            guard let bytes = files[source.file] else { return .file(Self.missing(source.file)) }
            contents.append(bytes)
        }
        for (index, slot) in slots.enumerated() {
            guard let file = slot.file else { continue }
            guard let bytes = files[file.path] else { return .file(Self.missing(file.path)) }
            do throws(ParseError) {
                _ = try slot.content(of: bytes, format: file.format)
            } catch {
                return .file(error.within("slots[\(index)]"))
            }
        }
        return Admission.faults(in: self, sources: contents).first.map { .kernel($0) }
    }

    private static func missing(_ path: String) -> ParseError {
        ParseError(field: path, expected: "a file", actual: "none")
    }
}
