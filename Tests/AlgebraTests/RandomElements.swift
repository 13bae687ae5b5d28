// Random field elements from a seeded generator.
import Algebra
import AssayTesting

extension SeededGenerator {
    mutating func element<F: PrimeField>(_ type: F.Type = F.self) -> F {
        F(reducing: Integer(words: (0..<F.wordCount + 1).map { _ in next() }))
    }
}
