import Appraisal
import Foundation
import Receipts

@main
struct AuditABundle {
    static func main() async throws {
        let bundle = try [UInt8](Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1])))
        let trust = try TrustFile(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[2]))))
        let report = try await Audit.run(bundle: bundle, trust: trust)
        for check in report.verdict.checks { print(check.result, check.id, check.actual) }
        print(report.conclusion)
        exit(report.conclusion == .accepted ? 0 : 1)
    }
}
