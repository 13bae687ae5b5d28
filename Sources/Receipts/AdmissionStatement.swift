// A signed record of an admission: which stages the kernels of a job went through, and who says so.
public import Codecs
internal import Commitments
public import Replay
public import Signatures

/// A report of admission under somebody's signature. Its subject is the report's key.
public struct AdmissionStatement: DocumentPredicate {
    public static let predicateType = "urn:assay:admission:1"

    /// Who admitted, or refused.
    public var admitter: VerifyingKey
    /// When, in seconds since 1970 by the admitter's clock.
    public var at: Int64
    /// What was found.
    public var report: AdmissionReport

    public var author: VerifyingKey { admitter }

    /// Makes a statement.
    public init(admitter: VerifyingKey, at: Int64, report: AdmissionReport) {
        self.admitter = admitter
        self.at = at
        self.report = report
    }

    /// Signs a report.
    public static func sign(
        _ report: AdmissionReport,
        at: Int64,
        with key: SigningKey
    ) throws(DocumentError) -> Signed<AdmissionStatement> {
        let statement = AdmissionStatement(admitter: key.verifyingKey, at: at, report: report)
        return try .sign(statement, subjects: [Subject(name: "admission", digest: report.key)], with: key)
    }

    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        admitter = try reader.key("admitter")
        at = try reader.time("at")
        report = try AdmissionReport(try reader.value("report"), reader.path("report"))
        try reader.finish()
    }

    public var json: JSONValue {
        .object(["admitter": .string(admitter.text), "at": .integer(at), "report": report.json])
    }
}
