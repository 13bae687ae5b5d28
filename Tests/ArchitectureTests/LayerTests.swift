// The shape that Documentation/architecture.md states, held against the sources: who may import whom, what the offline half
// never reaches, and a few habits that no reviewer should have to look for.
import Foundation
import Testing

/// The package's own sources.
struct SourceTree {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The floor of each target; a target imports only what stands on a lower floor, or beside it in this list above it.
    static let floors: [[String]] = [
        [
            "COpenSSL", "COpenCL", "CCurl", "CGMP", "CPostgres", "CFaultyDisk", "CSpawn", "CSandbox", "CFieldKernels",
            "CHashKernels", "CEdwards25519", "CExactOps",
        ],
        ["Codecs", "Verdicts", "PostgreSQL"],
        ["Commitments", "Signatures", "Algebra"],
        ["Replay", "ExactOps", "Attestation", "Proofs", "TransparencyLog", "assay-replay"],
        ["Receipts"],
        ["Appraisal", "Ledger", "LogKeeping"],
        ["Market", "EngineAPI"],
        ["Validator", "Transfer", "EngineClient", "CollateralClient"],
        ["HTTPAPI"],
        ["AssayTesting", "Conformance", "make-vectors", "AssayCommands", "assay", "assayd"],
    ]

    /// The Swift files of a folder, with their text.
    static func swiftFiles(in folder: String) throws -> [(path: String, text: String)] {
        let base = root.appendingPathComponent(folder)
        guard let walker = FileManager.default.enumerator(atPath: base.path) else { return [] }
        var files: [(String, String)] = []
        for case let name as String in walker where name.hasSuffix(".swift") {
            let url = base.appendingPathComponent(name)
            files.append((folder + "/" + name, try String(contentsOf: url, encoding: .utf8)))
        }
        return files.sorted { $0.0 < $1.0 }
    }

    /// The modules that a file imports.
    static func imports(of text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index <= 2, words.indices.contains(index + 1) else {
                return nil
            }
            let prefix = words[..<index]
            guard prefix.allSatisfy({ ["public", "internal", "package", "@testable", "@preconcurrency"].contains($0) })
            else {
                return nil
            }
            return String(words[index + 1].split(separator: ".")[0])
        }
    }

    /// The targets under Sources, each with everything that its files import.
    static func targets() throws -> [String: Set<String>] {
        var found: [String: Set<String>] = [:]
        for (path, text) in try swiftFiles(in: "Sources") {
            let target = String(path.split(separator: "/")[1])
            found[target, default: []].formUnion(imports(of: text))
        }
        return found
    }

    /// Everything that a target reaches through the package's own targets.
    static func reach(of target: String, in targets: [String: Set<String>]) -> Set<String> {
        var seen: Set<String> = []
        var queue = [target]
        while let next = queue.popLast() {
            for module in targets[next] ?? [] where seen.insert(module).inserted { queue.append(module) }
        }
        return seen
    }
}

@Suite struct LayerTests {
    @Test func everyTargetHasAFloor() throws {
        let known = Set(SourceTree.floors.joined())
        for target in try SourceTree.targets().keys { #expect(known.contains(target), "\(target) stands on no floor") }
    }

    @Test func targetsImportOnlyWhatStandsAbove() throws {
        var place: [String: (floor: Int, index: Int)] = [:]
        for (floor, targets) in SourceTree.floors.enumerated() {
            for (index, target) in targets.enumerated() { place[target] = (floor, index) }
        }
        for (target, modules) in try SourceTree.targets() {
            guard let mine = place[target] else { continue }
            for module in modules {
                guard let theirs = place[module] else { continue }
                #expect((theirs.floor, theirs.index) < (mine.floor, mine.index), "\(target) imports \(module)")
            }
        }
    }

    @Test func onlyTheWorkerReachesOpenCL() throws {
        let targets = try SourceTree.targets()
        for target in targets.keys where target != "assay-replay" {
            #expect(!SourceTree.reach(of: target, in: targets).contains("COpenCL"), "\(target) reaches OpenCL")
        }
        #expect(targets["assay-replay"]?.contains("COpenCL") == true)
    }

    @Test(arguments: ["assay", "AssayCommands", "Appraisal", "Receipts"])
    func theOfflineHalfReachesNoServer(_ target: String) throws {
        let reach = SourceTree.reach(of: target, in: try SourceTree.targets())
        for module in reach {
            #expect(!module.hasPrefix("NIO") && !module.hasPrefix("Hummingbird"), "\(target) reaches \(module)")
        }
    }

    @Test(arguments: ["Appraisal", "Receipts", "Replay", "Commitments", "Signatures", "Verdicts", "Codecs"])
    func theLibraryReachesNoDatabaseAndNoNetwork(_ target: String) throws {
        let reach = SourceTree.reach(of: target, in: try SourceTree.targets())
        for module in ["GRDB", "CCurl", "COpenCL", "Ledger", "FoundationNetworking"] {
            #expect(!reach.contains(module), "\(target) reaches \(module)")
        }
    }

    @Test func theMarketKnowsNeitherTimeNorChance() throws {
        for (path, text) in try SourceTree.swiftFiles(in: "Sources/Market") {
            for word in [
                "time(nil)", "Date()", ".random", "clock_gettime", "ContinuousClock", "import Glibc",
                "import Foundation",
            ] {
                #expect(!text.contains(word), "\(path) has \(word)")
            }
        }
    }
}

@Suite struct HabitTests {
    @Test func sourcesNeverTrapOnPurpose() throws {
        for (path, text) in try SourceTree.swiftFiles(in: "Sources") {
            for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                for word in ["fatalError(", "try!", "as!"] {
                    #expect(!line.contains(word), "\(path):\(number + 1) has \(word)")
                }
            }
        }
    }

    @Test func filesHoldOneIdea() throws {
        for (path, text) in try SourceTree.swiftFiles(in: "Sources") {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count
            #expect(lines <= 600, "\(path) has \(lines) lines")
        }
    }

    @Test func everyFileSaysWhatItIsFor() throws {
        for (path, text) in try SourceTree.swiftFiles(in: "Sources") {
            #expect(text.hasPrefix("//"), "\(path) has no comment at its head")
        }
    }
}
