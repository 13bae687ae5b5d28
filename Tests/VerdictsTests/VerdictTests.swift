// Verdicts, checks and error bounds: what they conclude, and that no document can state a contradiction.
import AssayTesting
import Codecs
import Testing
import Verdicts

@Suite struct VerdictTests {
    private func verdict(_ checks: [Check], soundness: Soundness = .bits(128)) -> Verdict {
        .judged(
            kind: "test",
            by: checks,
            soundness: soundness,
            assumptions: [.kernelClassA],
            cost: Cost(wallMicroseconds: 5, workUnits: 7),
            subject: "sha256:00"
        )
    }

    @Test func onlyAPassWithoutAFailIsAccepted() {
        let pass = Check(id: "a", result: .pass)
        let skip = Check(id: "b", result: .skip, actual: "no input")
        let fail = Check(id: "c", result: .fail, expected: "1", actual: "2")
        #expect(verdict([pass]).isAccepted)
        #expect(verdict([pass, skip]).isAccepted)
        #expect(!verdict([]).isAccepted)
        #expect(!verdict([skip]).isAccepted)
        #expect(!verdict([pass, fail]).isAccepted)
        #expect(verdict([pass, fail]).outcome == .rejected)
        #expect(verdict([pass, fail]).fault == .provider)
        #expect(verdict([pass, fail]).soundness == .none)
        #expect(verdict([pass, fail]).firstFailure == fail)
        #expect(verdict([pass]).fault == .none)
    }

    @Test(arguments: [Soundness.exact, .none, .bits(128), Soundness(millibits: 1500)])
    func readsBack(_ soundness: Soundness) throws {
        let checks = [Check(id: "a", result: .pass, expected: "x", actual: "x", source: "RFC 1")]
        let written = verdict(checks, soundness: soundness)
        #expect(try Verdict(written.json) == written)
        #expect(try Verdict(try JSONValue(parsing: written.json.serialized())) == written)
    }

    @Test func acceptedWithAFailedCheckIsRefused() {
        var written = verdict([Check(id: "a", result: .pass)])
        written.checks.append(Check(id: "b", result: .fail))
        #expect(throws: ParseError.self) { try Verdict(written.json) }
        written.checks = []
        #expect(throws: ParseError.self) { try Verdict(written.json) }
        written.checks = [Check(id: "b", result: .skip)]
        #expect(throws: ParseError.self) { try Verdict(written.json) }
        written.outcome = .inconclusive
        #expect(throws: Never.self) { try Verdict(written.json) }
    }

    @Test func damagedVerdictsAreRefused() throws {
        let written = verdict([Check(id: "a", result: .pass, expected: "x", actual: "x", source: "s")])
        let optional: Set<String> = ["checks[].expected", "checks[].actual", "checks[].source"]
        for mutation in JSONMutation.all(of: written.json) {
            if mutation.kind == .removed && optional.contains(mutation.shape) { continue }
            let error = #expect(throws: ParseError.self, "\(mutation)") { try Verdict(mutation.document) }
            // Without its exponent the bound is another one than its text says.
            if mutation.path != "soundness.millibits" { #expect(error?.field == mutation.path, "\(mutation)") }
        }
    }
}

@Suite struct CheckTests {
    @Test func equalComparesDescriptions() {
        #expect(Check.equal("x", expected: 1, actual: 1).result == .pass)
        #expect(Check.equal("x", expected: 1, actual: 2).result == .fail)
        #expect(Check.equal("x", expected: "a", actual: "b").expected == "a")
        #expect(Check.that("x", true, expected: "", actual: "").result == .pass)
        #expect(Check.that("x", false, expected: "", actual: "").result == .fail)
    }
}

@Suite struct SoundnessTests {
    @Test func textShowsThePowerOfTwo() {
        #expect(Soundness.exact.text == "0")
        #expect(Soundness.none.text == "1")
        #expect(Soundness.bits(128).text == "2^-128")
        #expect(Soundness(millibits: 1500).text == "2^-1.500")
        #expect(Soundness(millibits: 7).text == "2^-0.007")
    }

    @Test func errorsMultiplyOnlyWhenIndependent() {
        #expect(Soundness.bits(10).combined(with: .bits(20), independent: true) == .bits(30))
        #expect(Soundness.bits(10).combined(with: .bits(20), independent: false) == .bits(20))
        #expect(Soundness.bits(10).combined(with: .none, independent: true) == .bits(10))
        #expect(Soundness.exact.combined(with: .bits(1), independent: false) == .exact)
        let most = Soundness(millibits: Int64.max)
        #expect(most.combined(with: most, independent: true) == most)
    }
}
