// Why a kernel is not admitted: the rule, the place, and what stands there.
public import Codecs

/// A breach of a rule for replayable kernels: the requester's fault.
public struct AdmissionFault: Sendable, Equatable, CustomStringConvertible {
    /// The rules, by the names that stand in documents.
    public enum Rule: String, Sendable, CaseIterable {
        /// The text is longer than admission reads, or has too many tokens.
        case sourceSize
        /// Not the plain text that two compilers read alike: control characters, digraphs, trigraphs, stray backslashes.
        case sourceText
        /// A directive other than `#define`, `#if` and their kin.
        case directive
        /// `#include`.
        case include
        /// `#pragma`: it could turn contraction on again.
        case pragma
        /// `##` or `#` in a macro: it could build a name that no reader sees.
        case tokenPasting
        /// A macro that is defined twice, undefined, or takes a name that means something already.
        case macroName
        /// Macros that expand to more text than a compiler should be asked to read.
        case macroExpansion
        /// A condition on a name that this source does not define: its value belongs to the device.
        case deviceCondition
        /// A name of the compiler's own, or of the prelude.
        case reservedIdentifier
        /// `asm`.
        case assembler
        /// `extern`, or a function declared and not defined: it could name code outside the program.
        case externalDeclaration
        /// `printf`.
        case printf
        /// A string literal.
        case stringLiteral
        /// An attribute that admission does not know.
        case attribute
        /// A cast to a pointer, or an integer type made for pointers.
        case pointerCast
        /// A union: it turns integers into pointers without a cast.
        case union
        /// A GNU statement expression.
        case statementExpression
        /// `native_*` and `half_*`, whose result is the implementation's own.
        case implementationDefinedMath
        /// A built-in whose result may be off by a bit: `exp`, `sin`, `pow`, `dot`, …
        case inexactMath
        /// `mad` and its kin: fused or not, as the implementation likes.
        case unspecifiedContraction
        /// The type `half`, which not every device computes with.
        case halfPrecision
        /// A compare-and-swap or an exchange: its result depends on the order of work-items.
        case atomicExchange
        /// The value of an atomic operation is used: it depends on the order of work-items.
        case atomicResult
        /// Images, samplers and pipes.
        case image
        /// Functions over a work-group or a sub-group.
        case groupCollective
        /// A floating-point type or literal in class `integer`.
        case floatingPoint
        /// A kernel without `reqd_work_group_size`, or with another one than the step's `local`.
        case workGroupSize
        /// The step's kernel is not in its source, or is there twice.
        case kernelMissing
        /// The step's arguments are not the kernel's parameters in number, kind, type or access.
        case arguments
    }

    /// The rule that is broken.
    public var rule: Rule
    /// The source's name in the spec.
    public var source: String
    /// The line in the source, from 1; 0 when no line is concerned.
    public var line: Int
    /// What stands there, for people.
    public var detail: String

    /// Describes a breach.
    public init(rule: Rule, source: String, line: Int, detail: String) {
        self.rule = rule
        self.source = source
        self.line = line
        self.detail = detail
    }

    public var description: String { "\(source):\(line): \(rule.rawValue): \(detail)" }

    /// The breach as a JSON object.
    public var json: JSONValue {
        .object([
            "rule": .string(rule.rawValue),
            "source": .string(source),
            "line": .integer(line),
            "detail": .string(detail),
        ])
    }
}
