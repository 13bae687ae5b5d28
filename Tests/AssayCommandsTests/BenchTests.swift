// `assay bench` on a clock that the test moves, and the statistics behind FAST, SAME and SLOW.
import AssayTesting
import Codecs
import Foundation
import Synchronization
import Testing

@testable import AssayCommands

struct BenchTests {
    /// A clock that moves on by the next of these steps at every look, again and again.
    private func stopwatch(_ steps: [UInt64]) -> Stopwatch {
        let state = Mutex((now: UInt64(0), looks: 0))
        let look: @Sendable () -> UInt64 = {
            state.withLock { state in
                state.now += steps[state.looks % steps.count]
                state.looks += 1
                return state.now
            }
        }
        return Stopwatch(wall: look, processor: look)
    }

    /// Runs a measurement whose samples take about so many milliseconds, with a few different remainders.
    private func run(_ workplace: Workplace, _ milliseconds: UInt64, _ arguments: [String]) async -> Run {
        var workplace = workplace
        let base = milliseconds * 1_000_000
        workplace.stopwatch = stopwatch((0..<7).map { base + $0 * base / 500 })
        return await workplace.run(["bench", "run"] + arguments)
    }

    @Test func `a run is compared with an earlier one`() async throws {
        let workplace = try Workplace()
        let arguments = ["pairing", "--sizes", "1"]
        let first = await run(workplace, 100, arguments + ["--json"])
        #expect(first.status == .ok)
        let results = try JSONValue.object(first.document())["results"].items
        #expect(results.map { $0["name"].text } == ["pairing/bn254", "pairing/bls12-381"])
        #expect(results[0]["samples"].items.count == 12)
        #expect(results[0]["verdict"] == .null)
        try workplace.write(Array(first.output.utf8), "base.json")
        let base = ["--baseline", workplace.path("base.json")]
        for (milliseconds, word, status) in [
            (100, "SAME", ExitStatus.ok), (103, "SAME", .ok), (120, "SLOW", .regression), (80, "FAST", .ok),
        ] as [(UInt64, String, ExitStatus)] {
            let again = await run(workplace, milliseconds, arguments + base + ["--json"])
            #expect(again.status == status, "\(milliseconds)")
            let verdicts = try JSONValue.object(again.document())["results"].items.map { $0["verdict"].text }
            #expect(verdicts == [word, word], "\(milliseconds)")
            let human = await run(workplace, milliseconds, arguments + base)
            #expect(human.status == status)
            #expect(human.output.contains(word))
        }
        // A narrower threshold lets a difference count that is certain though small.
        let narrow = await run(workplace, 103, arguments + base + ["--threshold", "1"])
        #expect(narrow.status == .regression)
        let other = await run(workplace, 100, ["pairing", "--sizes", "2"] + base)
        #expect(other.status == .incomplete)
        #expect(other.output.contains("NEW"))
    }

    @Test(arguments: BenchSubject.allCases.map(\.rawValue))
    func `every subject can be measured`(_ name: String) async throws {
        let workplace = try Workplace()
        let sizes = ["msm": "2^4..2^5", "ntt": "2^4..2^5"][name] ?? "1,2"
        let run = await run(workplace, 20, [name, "--sizes", sizes, "--samples", "5"])
        #expect(run.status == .ok, "\(run.error)")
        #expect(run.output.contains(" ± "))
        #expect(run.output.contains(" … "))
        #expect(run.output.split(separator: "\n").count == (name == "kzg" ? 5 : 6))
    }

    @Test func `wrong sizes and subjects are usage`() async throws {
        let workplace = try Workplace()
        for arguments in [
            ["poetry"], ["ntt", "--sizes", "3"], ["ntt", "--sizes", "2^40"], ["pairing", "--sizes", "0"],
            ["pairing", "--sizes", "4..1"], ["pairing", "--sizes", "1,,2"], ["msm", "--sizes", "3..9"],
            ["pairing", "--samples", "2"], ["pairing", "--threshold", "5000"],
        ] {
            #expect(await workplace.run(["bench", "run"] + arguments).status == .usage, "\(arguments)")
        }
        try workplace.write(Array("{}".utf8), "base.json")
        let base = ["--baseline", workplace.path("base.json")]
        #expect(await workplace.run(["bench", "run", "pairing"] + base).status == .dataError)
        #expect(await workplace.run(["bench", "run", "pairing", "--baseline", "nowhere"]).status == .noInput)
    }

    @Test func `sizes are read as they are written`() throws {
        #expect(try BenchRun.sizes("64", .msm) == [64])
        #expect(try BenchRun.sizes("1,16,64", .groth16) == [1, 16, 64])
        #expect(try BenchRun.sizes("2^2..2^4", .ntt) == [4, 8, 16])
        #expect(try BenchRun.sizes("2^0,2^3", .ntt) == [1, 8])
    }

    @Test func `mean, deviation and median`() {
        let measurement = Measurement(name: "x", size: 1, samples: [2, 4, 4, 4, 5, 5, 7, 9])
        #expect(measurement.mean == 5)
        #expect(abs(measurement.deviation - 2.138) < 0.001)
        #expect(measurement.median == 4.5)
    }

    /// p values of SciPy 1.17: mannwhitneyu(a, b, method="asymptotic").
    @Test func `the rank test`() {
        let a: [Double] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
        #expect(abs(Comparison.mannWhitney(a, a.map { $0 + 10 }) - 0.000_182_672) < 1e-8)
        #expect(abs(Comparison.mannWhitney(a, a.map { $0 + 0.5 }) - 0.733_729_996) < 1e-8)
        #expect(
            abs(Comparison.mannWhitney([1, 2, 2, 3, 3, 3, 4, 5], [2, 3, 4, 4, 5, 5, 6, 7]) - 0.054_640_955) < 1e-8
        )
        #expect(Comparison.mannWhitney([5, 5, 5], [5, 5, 5]) == 1)
        // One wild outlier moves the mean and not the ranks.
        #expect(Comparison(a.dropLast() + [1000], against: a, threshold: 0.05) == .same)
    }
}
