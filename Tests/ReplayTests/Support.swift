// What the replay tests share: the worker that was built beside them, job folders, and small specs.
import Codecs
import Foundation
import Testing

@testable import Replay

enum Support {
    /// The root of the package.
    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The worker in the folder of build products that holds the tests.
    static let worker = SandboxedRunner.defaultWorker() ?? "assay-replay"

    static func runner(
        wallSeconds: Int64 = 120,
        compileSeconds: Int64 = 120,
        usesNamespaces: Bool = true,
        skipsAdmission: Bool = false
    ) -> SandboxedRunner {
        var options = SandboxedRunner.Options()
        options.wallSeconds = wallSeconds
        options.compileSeconds = compileSeconds
        options.usesNamespaces = usesNamespaces
        return SandboxedRunner(
            worker: worker,
            workDirectory: NSTemporaryDirectory(),
            options: options,
            skipsAdmission: skipsAdmission
        )
    }

    /// The spec and files of a job folder of the package.
    static func job(_ folder: String) throws -> (spec: ReplaySpec, files: [String: [UInt8]]) {
        let root = package.appendingPathComponent(folder)
        let document = try JSONValue(parsing: [UInt8](Data(contentsOf: root.appendingPathComponent("job.json"))))
        guard case .object(let object) = document, let replay = object["replay"] else {
            throw ParseError(field: "replay", expected: "an object", actual: document.typeName)
        }
        let spec = try ReplaySpec(replay, "replay")
        var files: [String: [UInt8]] = [:]
        for artefact in spec.artefacts {
            files[artefact.file] = [UInt8](try Data(contentsOf: root.appendingPathComponent(artefact.file)))
        }
        return (spec, files)
    }

    /// The elements of a file of the digits example after its npy header.
    static func digits<Element>(_ file: String, as type: Element.Type) throws -> [Element] {
        let bytes = [UInt8](
            try Data(contentsOf: package.appendingPathComponent("Examples/digits").appendingPathComponent(file))
        )
        let array = try NPYFile(parsing: bytes)
        return elements(Array(array.content), as: type)
    }

    /// Little-endian bytes as values of a trivial type.
    static func elements<Element>(_ bytes: [UInt8], as type: Element.Type) -> [Element] {
        bytes.withUnsafeBytes { buffer in
            stride(from: 0, to: buffer.count, by: MemoryLayout<Element>.size).map {
                buffer.loadUnaligned(fromByteOffset: $0, as: Element.self)
            }
        }
    }
}
