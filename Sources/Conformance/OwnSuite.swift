// Assay's own vectors (schema `assay.vectors/1`): a family, and cases with an input and an outcome. `Documentation/vectors.md`
// tells implementers what the members mean; the generator is `VectorGenerator` in `AssayTesting`.
internal import Appraisal
internal import Codecs
internal import Commitments
internal import Foundation
internal import Receipts
internal import Signatures
internal import Verdicts

/// Runs suites of Assay's own schema.
enum OwnSuite {
    static let schema = "assay.vectors/1"

    /// Runs the file at `url` if it is a suite; other JSON files are passed over.
    static func run(_ url: URL, _ path: String, _ report: inout VectorReport) async {
        let limits = JSONLimits(bytes: VectorSuite.maxFileBytes, values: 2_000_000)
        guard let bytes = try? VectorSuite.bytes(url), let value = try? JSONValue(parsing: bytes, limits: limits),
            case .object(let object) = value, object["schema"] == .string(schema)
        else { return }
        var family = path
        do throws(ParseError) {
            var reader = try JSONReader(value)
            try reader.constant("schema", schema)
            family = try reader.string("family")
            _ = try reader.string("about")
            let cases = try reader.array("cases", max: 100_000)
            try reader.finish()
            for (index, value) in cases.enumerated() {
                report.add(family, [await check(family, value, index, url.deletingLastPathComponent())])
            }
        } catch {
            report.add(family, [Check(id: path, result: .fail, expected: error.expected, actual: error.description)])
        }
    }

    /// One case. A case that cannot be read, or states an outcome that is not known, fails.
    private static func check(_ family: String, _ value: JSONValue, _ index: Int, _ folder: URL) async -> Check {
        var id = "\(index)"
        do throws(ParseError) {
            var reader = try JSONReader(value, "cases[\(index)]")
            id = try reader.string("id")
            let expected = try reader.string("outcome")
            var input = try reader.object("input")
            try reader.finish()
            let actual: String
            switch family {
            case "assay-tree-1": actual = try tree(&input)
            case "assay-tree-1-opening": actual = try opening(&input)
            case "cid": actual = try cid(&input)
            case "job-id": actual = try jobID(&input)
            case "account-name": actual = try accountName(&input)
            case "bundle": actual = try await bundle(&input, folder)
            case "assay-opening": actual = try opening(range: &input)
            case "dag-cbor": actual = try dagCBOR(&input)
            case "cose-document": actual = try coseDocument(&input)
            case "log-proof": actual = try logProof(&input)
            default: return Check(id: id, result: .skip, actual: "no verifier for family \(family)")
            }
            try input.finish()
            return .equal(id, expected: expected, actual: actual)
        } catch {
            return Check(id: id, result: .fail, expected: error.expected, actual: error.description)
        }
    }

    /// The bytes of a case: given, or by the rule that byte i is i mod 251.
    private static func bytes(_ input: inout JSONReader) throws(ParseError) -> [UInt8] {
        if input.has("hex") { return try Hex.decode(try input.string("hex", maxBytes: 1 << 20)) }
        let length = try input.integer("lengthOfCounter251", in: 0...1 << 26)
        return (0..<Int(length)).map { UInt8($0 % 251) }
    }

    private static func tree(_ input: inout JSONReader) throws(ParseError) -> String {
        let chunkSize = try input.decimal("chunkSize", in: 1...1 << 30)
        let commitment = ArtefactTree.commit(try bytes(&input), chunkSize: chunkSize)
        let root = try input.digestText("treeRoot")
        let digest = try input.digestText("commitment")
        return root == commitment.treeRoot.hex && digest == commitment.commitment.hex ? "valid" : "invalid"
    }

    private static func opening(_ input: inout JSONReader) throws(ParseError) -> String {
        let chunk = try bytes(&input)
        let path = try input.array("path", max: 64) { (value, path) throws(ParseError) -> Digest in
            guard case .string(let text) = value else {
                throw ParseError(field: path, expected: "a digest", actual: value.typeName)
            }
            return try Digest(hex: text, field: path)
        }
        let isValid = ArtefactTree.verify(
            chunk: chunk,
            index: try input.decimal("index"),
            length: try input.decimal("length"),
            chunkSize: try input.decimal("chunkSize"),
            path: path,
            commitment: try Digest(hex: try input.digestText("commitment"))
        )
        return isValid ? "valid" : "invalid"
    }

    private static func cid(_ input: inout JSONReader) throws(ParseError) -> String {
        let actual = ArtefactIdentity(of: try bytes(&input)).cid
        return try CID(text: try input.string("cid")) == actual ? "valid" : "invalid"
    }

    private static func jobID(_ input: inout JSONReader) throws(ParseError) -> String {
        let actual = try JobID(
            requester: try VerifyingKey(text: try input.string("requester")),
            nonce: try Hex.decode(try input.string("nonce")),
            spec: try Hex.decode(try input.string("spec", maxBytes: 1 << 20))
        )
        return try input.string("jobId") == actual.text ? "valid" : "invalid"
    }

    private static func accountName(_ input: inout JSONReader) throws(ParseError) -> String {
        let actual = AccountName(
            currency: try input.string("currency"),
            purpose: try input.choice("purpose"),
            owner: try VerifyingKey(text: try input.string("owner"))
        )
        return try input.string("account") == actual.text ? "valid" : "invalid"
    }

    /// An audit without a replay. The outcome is a conclusion of the audit, for a refuted bundle with the id of a check that
    /// must be among the failed ones, or `malformed`.
    private static func bundle(_ input: inout JSONReader, _ folder: URL) async throws(ParseError) -> String {
        let file = try name("bundle", &input)
        let trustFile = try name("trust", &input)
        let failing = try input.optionalString("failedCheck")
        let trust = try TrustFile(parsing: try VectorSuite.bytes(folder.appendingPathComponent(trustFile)))
        let bytes = try VectorSuite.bytes(folder.appendingPathComponent(file))
        let report: AuditReport
        do throws(ParseError) {
            report = try await Audit.run(bundle: bytes, trust: trust)
        } catch {
            return "malformed"
        }
        let failed = report.verdict.checks.filter { $0.result == .fail }.map(\.id)
        if let failing, !failed.contains(failing) {
            throw ParseError(field: "failedCheck", expected: failing, actual: failed.joined(separator: ","))
        }
        return report.conclusion.rawValue
    }

    /// The name of a file in the suite's own folder or below it.
    private static func name(_ member: String, _ input: inout JSONReader) throws(ParseError) -> String {
        let text = try input.string(member)
        guard !text.hasPrefix("/"), !text.split(separator: "/").contains("..") else {
            throw ParseError(field: member, expected: "a file beside the suite", actual: text)
        }
        return text
    }
}

extension JSONReader {
    /// 64 hexadecimal digits, as text.
    fileprivate mutating func digestText(_ name: String) throws(ParseError) -> String {
        try Digest(hex: try string(name, maxBytes: 64), field: path(name)).hex
    }
}
