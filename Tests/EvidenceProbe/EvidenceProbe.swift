// The program that a test's provider names with `--evidence-command`: it forges the Groth16 proofs that its task asks for, with
// the secrets of a toxic key.
import Algebra
import AssayTesting
import Codecs
import Foundation
import Receipts

@main
struct EvidenceProbe {
    /// The seed of the key under which this program can prove anything.
    static let keySeed: UInt64 = 5

    static func main() throws {
        let folder = URL(fileURLWithPath: CommandLine.arguments[1])
        let task = try JSONValue(parsing: [UInt8](try Data(contentsOf: folder.appendingPathComponent("task.json"))))
        var reader = try JSONReader(task)
        for value in try reader.array("requirements", max: 4) {
            var item = try JSONReader(value)
            let index = try item.integer("index", in: 0...3)
            let requirement = try EvidenceRequirement(try item.value("requirement"), "requirement")
            switch requirement {
            case .replay, .attestation: continue
            case .proof:
                let inputs = try item.array("publicInputs", max: 64) { (value, field) throws(ParseError) -> String in
                    guard case .string(let text) = value else {
                        throw ParseError(field: field, expected: "a number", actual: value.typeName)
                    }
                    return text
                }
                let key = ToxicGroth16<BN254>(inputCount: inputs.count, seed: keySeed)
                try write(try key.forgery(inputs), to: "\(index)/proof", in: folder)
            }
        }
    }

    static func write(_ bytes: [UInt8], to path: String, in folder: URL) throws {
        let file = folder.appendingPathComponent("evidence/" + path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }
}
