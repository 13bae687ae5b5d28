// How good the classification in a receipt is: the labels of the bundle's output against those of the data set, on the
// images that were held out from training.
import ArgumentParser
import Codecs
import Glibc
import Receipts
import Replay
import Validator

@main
struct DigitsAccuracy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "digits-accuracy",
        abstract: "Compares the labels in a receipt of the digits job with the true ones."
    )

    @Argument(help: "The receipt bundle.")
    var bundle: String

    @Option(help: "The folder of the digits example.")
    var example: String = "Examples/digits"

    func run() throws {
        let output = try Bundle(parsing: try read(bundle)).member(BundleMember.output("labels"))
        var reader = ByteReader(output)
        var labels: [UInt32] = []
        while !reader.isAtEnd { labels.append(try reader.readLittleEndian(UInt32.self, "labels")) }
        let truth = try NPYFile(parsing: try read(example + "/reference/labels_u8.npy"))
        var indices = ByteReader(try NPYFile(parsing: try read(example + "/reference/test_index_u16.npy")).content)
        var total = 0
        var right = 0
        while !indices.isAtEnd {
            let index = Int(try indices.readLittleEndian(UInt16.self, "test_index"))
            guard labels.indices.contains(index), index < truth.content.count else {
                throw ParseError(field: "test_index", expected: "below \(labels.count)", actual: "\(index)")
            }
            total += 1
            if labels[index] == UInt32(truth.content[truth.content.startIndex + index]) { right += 1 }
        }
        let tenths = (right * 2000 + total) / (2 * total)
        print("accuracy: \(right) of \(total) held-out images (\(tenths / 10).\(tenths % 10) %)")
    }

    private func read(_ path: String) throws -> [UInt8] {
        guard let bytes = try WholeFile.read(path) else {
            throw ValidationError("\(path): expected a file, found none")
        }
        return bytes
    }
}
