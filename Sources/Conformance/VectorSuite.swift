// Runs folders of test vectors: the publications of other projects beside a MANIFEST.json, and Assay's own suites. Nothing
// is listed by hand: what is in the folder is run, and what cannot be run is said.
public import Codecs
internal import Commitments
public import Foundation
public import Verdicts

/// Why a folder of vectors cannot be run at all.
public enum VectorSuiteError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no such folder.
    case missing(path: String)
    /// There is a folder, and neither a manifest nor a suite in it.
    case empty(path: String)
    /// A manifest does not have a manifest's form.
    case malformed(path: String, ParseError)

    public var description: String {
        switch self {
        case .missing(let path): "\(path): expected a folder, found none"
        case .empty(let path):
            "\(path): expected a MANIFEST.json or a suite of schema \(OwnSuite.schema), found neither"
        case .malformed(let path, let error): "\(path): \(error)"
        }
    }
}

/// A file of vectors as a manifest lists it.
public struct VectorFile: Sendable {
    /// The path below the manifest's folder; the beginning of the ids of its checks.
    public let path: String
    /// What the manifest says should come of it: a word, or the text of a structure.
    public let expected: String
    /// Everything that the manifest says about it.
    public let entry: JSONObject
    /// The file's bytes; they have the digest that the manifest states.
    public let bytes: [UInt8]
    /// The folder of the manifest, for files that refer to each other.
    public let folder: URL

    /// The bytes of another file of the same manifest, at `path` below its folder.
    func sibling(_ path: String) throws(ParseError) -> [UInt8] {
        try VectorSuite.bytes(folder.appendingPathComponent(path))
    }

    /// A check on this file or on one case in it.
    public func check(_ detail: String = "", _ passes: Bool, expected: String, actual: String) -> Check {
        .that(detail.isEmpty ? path : path + "#" + detail, passes, expected: expected, actual: actual)
    }

    /// A case that is not run, and why. Cases with the same reason are counted together.
    public func skip(_ detail: String = "", _ reason: String) -> Check {
        Check(id: detail.isEmpty ? path : path + "#" + detail, result: .skip, actual: reason)
    }
}

/// A verifier of one family of published vectors.
public protocol VectorFamily: Sendable {
    /// The family's name: that of the folder with its manifest, or of the first folder in a manifest's paths.
    var name: String { get }
    /// Runs one file.
    /// - Throws: `ParseError` when the file does not have the family's form, which is a failure of the case.
    func checks(_ file: VectorFile) async throws(ParseError) -> [Check]
}

/// A runner of vectors.
public struct VectorSuite: Sendable {
    /// The largest file that is read, in bytes.
    public static let maxFileBytes = 256 << 20
    /// The most files of one run.
    public static let maxFiles = 100_000

    /// The families that are known here.
    public let families: [any VectorFamily]

    /// A runner of these families.
    public init(families: [any VectorFamily] = VectorSuite.standard) {
        self.families = families
    }

    /// Every family that Assay verifies.
    public static let standard: [any VectorFamily] = [
        RFC6962Vectors(), IPFSVectors(), DSSEVectors(), SignatureVectors(), BLAKE3Vectors(), KeccakVectors(),
        BaoVectors(), FilecoinVectors(), OpenZeppelinVectors(), LogVectors(), COSEVectors(), PoseidonVectors(),
        EIP712Vectors(), SigstoreVectors(), IntelVectors("tdx"), IntelVectors("sgx"),
        CollateralVectors(), SNPVectors(), NitroVectors(), CCAVectors(), PSAVectors(), NVIDIAVectors(), TPMVectors(),
    ]

    /// Runs everything below `folder`.
    /// - Throws: `VectorSuiteError` when there is nothing to run or a manifest cannot be read. A file that is missing or
    ///   was changed is a failed case.
    public func run(folder: URL) async throws(VectorSuiteError) -> VectorReport {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isDirectory), isDirectory.boolValue
        else {
            throw .missing(path: folder.path)
        }
        let paths = (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []).sorted()
        var report = VectorReport()
        var listed: [String] = []
        for path in paths.prefix(Self.maxFiles) where path.split(separator: "/").last == "MANIFEST.json" {
            let parent = String(path.dropLast("MANIFEST.json".count))
            listed.append(parent)
            try await runManifest(folder, parent, &report)
        }
        for path in paths.prefix(Self.maxFiles)
        where path.hasSuffix(".json") && !listed.contains(where: { path.hasPrefix($0) }) {
            await OwnSuite.run(folder.appendingPathComponent(path), path, &report)
        }
        guard !report.families.isEmpty else { throw .empty(path: folder.path) }
        return report
    }

    /// One manifest: an array of files with digest and expectation.
    private func runManifest(
        _ folder: URL,
        _ parent: String,
        _ report: inout VectorReport
    ) async throws(VectorSuiteError) {
        let base = parent.isEmpty ? folder : folder.appendingPathComponent(parent, isDirectory: true)
        let place = parent + "MANIFEST.json"
        let entries: [ManifestEntry]
        do throws(ParseError) {
            entries = try ManifestEntry.list(try Self.bytes(base.appendingPathComponent("MANIFEST.json")))
        } catch {
            throw .malformed(path: place, error)
        }
        let manifestName = base.standardizedFileURL.lastPathComponent
        for entry in entries {
            let first = entry.file.split(separator: "/").first.map(String.init) ?? entry.file
            let family = families.first { $0.name == manifestName } ?? families.first { $0.name == first }
            guard let family else {
                let check = Check(id: entry.file, result: .skip, actual: "no verifier for this family")
                report.add(manifestName, [check])
                continue
            }
            report.add(family.name, await Self.checks(family, entry, base))
        }
    }

    private static func checks(_ family: any VectorFamily, _ entry: ManifestEntry, _ base: URL) async -> [Check] {
        do throws(ParseError) {
            let bytes = try bytes(base.appendingPathComponent(entry.file))
            let digest = SHA256.hash(bytes).hex
            guard digest == entry.sha256 else {
                throw ParseError(field: "sha256", expected: entry.sha256, actual: digest)
            }
            let expected =
                switch entry.members["expected"] {
                case .string(let text): text
                case let value?: value.text()
                case nil: ""
                }
            let file = VectorFile(
                path: entry.file,
                expected: expected,
                entry: entry.members,
                bytes: bytes,
                folder: base
            )
            return try await family.checks(file)
        } catch {
            return [
                Check(id: entry.file, result: .fail, expected: error.field + " " + error.expected, actual: error.actual)
            ]
        }
    }

    /// The bytes of a file.
    static func bytes(_ url: URL) throws(ParseError) -> [UInt8] {
        let data: Data
        do {
            data = try Data(contentsOf: url)
        } catch {
            throw ParseError(field: url.lastPathComponent, expected: "a readable file", actual: "none")
        }
        guard data.count <= maxFileBytes else {
            throw ParseError(
                field: url.lastPathComponent,
                expected: "at most \(maxFileBytes) bytes",
                actual: "\(data.count) bytes"
            )
        }
        return [UInt8](data)
    }
}

/// A line of a manifest. Members that say where a file is from are left to the families that care.
private struct ManifestEntry {
    let file: String
    let sha256: String
    let members: JSONObject

    /// The entries of an array, or of member `files` of an object.
    static func list(_ bytes: [UInt8]) throws(ParseError) -> [ManifestEntry] {
        let limits = JSONLimits(bytes: 64 << 20, values: 2_000_000, allowsFractions: true)
        var document = try JSONValue(parsing: bytes, limits: limits)
        if case .object(let object) = document, let files = object["files"] { document = files }
        guard case .array(let values) = document else {
            throw ParseError(field: "", expected: "an array, or an object with files", actual: document.typeName)
        }
        var entries: [ManifestEntry] = []
        for (index, value) in values.enumerated() {
            var reader = try JSONReader(value, "[\(index)]")
            let file = try reader.string("file")
            guard !file.hasPrefix("/"), !file.split(separator: "/").contains("..") else {
                throw ParseError(field: reader.path("file"), expected: "a path below the manifest", actual: file)
            }
            let sha256 = try reader.optionalString("sha256") ?? ""
            guard case .object(let members) = value else { continue }
            entries.append(ManifestEntry(file: file, sha256: sha256, members: members))
        }
        return entries
    }
}
