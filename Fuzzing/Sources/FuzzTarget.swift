// One thing that is fuzzed: a name, where valid inputs lie, and what has to hold for any input.
import Codecs
import Foundation

/// A reader of hostile bytes under test.
///
/// The types say most of it: the closure of a target can throw the reader's own error and nothing else, so any other way out
/// is a crash that libFuzzer sees.
struct FuzzTarget: Sendable {
    /// The name on the command line: the area, a dot, the format.
    let name: String
    /// The longest input that is tried.
    let maxBytes: Int
    /// Valid inputs to start from.
    let seeds: [Seeds]
    /// Feeds one input. It returns for every input, or the process dies.
    let run: @Sendable ([UInt8]) -> Void

    /// A target whose reader throws `ParseError`.
    init(
        _ name: String,
        maxBytes: Int = 4096,
        seeds: [Seeds],
        _ body: @escaping @Sendable ([UInt8]) throws(ParseError) -> Void
    ) {
        self.init(name, maxBytes: maxBytes, seeds: seeds, throwing: ParseError.self, body)
    }

    /// A target whose reader throws errors of another type; `Never` for one that answers with a value.
    init<Failure: Error>(
        _ name: String,
        maxBytes: Int = 4096,
        seeds: [Seeds],
        throwing: Failure.Type,
        _ body: @escaping @Sendable ([UInt8]) throws(Failure) -> Void
    ) {
        self.name = name
        self.maxBytes = maxBytes
        self.seeds = seeds
        run = { bytes in
            do throws(Failure) {
                try body(bytes)
            } catch {
                // A refusal has words; making them must not crash either.
                _ = String(describing: error)
            }
        }
    }
}

/// Ends the process when something that always holds does not, so that libFuzzer keeps the input.
func require(_ holds: Bool, _ rule: @autoclosure () -> String) {
    guard !holds else { return }
    FileHandle.standardError.write(Data("broken: \(rule())\n".utf8))
    abort()
}

/// What a reader that has already accepted a value must accept again.
func reread<Value>(_ rule: String, _ body: () throws(ParseError) -> Value) -> Value? {
    do throws(ParseError) {
        return try body()
    } catch {
        require(false, "\(rule): \(error)")
        return nil
    }
}

extension [UInt8] {
    /// The bytes as text; what is no UTF-8 is replaced.
    var text: String { String(decoding: self, as: UTF8.self) }
}
