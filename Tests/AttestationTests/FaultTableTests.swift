// The table of known faults in the documentation: every test that it names exists, so that a row cannot outlive its test.
import AssayTesting
import Foundation
import Testing

@Suite("Table of known faults") struct FaultTableTests {
    private struct Row {
        var fault: String
        var tests: [String]
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: SharedVectors.packageRoot.appendingPathComponent(path), encoding: .utf8)
    }

    /// The rows of the table under the heading, with the names in its second column.
    private static func rows() throws -> [Row] {
        let page = try text("Documentation/attestation.md")
        let section = try #require(
            page.components(separatedBy: "\n## ").first { $0.hasPrefix("Faults of other verifiers") }
        )
        return section.split(separator: "\n").filter { $0.hasPrefix("|") }.dropFirst(2).map { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let names = (cells.last ?? "").split(separator: "`", omittingEmptySubsequences: false)
            // Every second part stands between backticks.
            let tests = names.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
            return Row(fault: cells.first ?? "", tests: tests)
        }
    }

    @Test("Every row names tests that exist") func names() throws {
        let folder = SharedVectors.packageRoot.appendingPathComponent("Tests/AttestationTests")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        var sources = ""
        for file in files where file.pathExtension == "swift" {
            sources += try String(contentsOf: file, encoding: .utf8)
        }
        // A name is a suite, a suite and a function, a function, or the title of a test; `…` leaves out the rest of a title.
        func exists(_ name: String) -> Bool {
            if name.contains(" ") || name.hasSuffix("…") {
                let start = name.hasSuffix("…") ? String(name.dropLast()) : name + "\""
                return sources.contains("@Test(\"" + start) || sources.contains("        \"" + start)
            }
            return name.split(separator: ".").allSatisfy { part in
                sources.contains("func \(part)(") || sources.contains("struct \(part) {")
                    || sources.contains("struct \(part):")
            }
        }
        let rows = try Self.rows()
        #expect(rows.count >= 38)
        for row in rows {
            #expect(!row.tests.isEmpty, "no test for '\(row.fault)'")
            for name in row.tests { #expect(exists(name), "'\(name)', for '\(row.fault)', is no test") }
        }
    }
}
