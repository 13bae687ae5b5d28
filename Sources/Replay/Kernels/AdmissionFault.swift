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

        /// The compiler refuses the source.
        case doesNotCompile
        /// Compiling took more time or memory than it may.
        case compileResources

        /// A read or a write outside its buffer.
        case outOfBounds
        /// Two work-items use one place, one of them writes, and nothing orders them.
        case dataRace
        /// Not every work-item of a group comes to the same barrier.
        case barrierDivergence
        /// A result depends on memory that nothing was written to.
        case uninitialisedMemory
        /// Another operation that the simulator reports as invalid.
        case invalidOperation
        /// A small range of the job comes to no end.
        case endlessRun

        /// Two conforming devices, or two runs, compute different bits.
        case deviceDependence
        /// Another work-group shape computes different bits.
        case workGroupDependence
        /// A step reads what it declares to write only.
        case readsUnwritten

        /// The stage of admission that finds it.
        public var stage: AdmissionStage {
            switch self {
            case .doesNotCompile, .compileResources: .compile
            case .outOfBounds, .dataRace, .barrierDivergence, .uninitialisedMemory, .invalidOperation, .endlessRun:
                .dryRun
            case .deviceDependence, .workGroupDependence, .readsUnwritten: .differential
            default: .rules
            }
        }
    }

    /// The rule that is broken.
    public var rule: Rule
    /// The source's name in the spec.
    public var source: String
    /// The line in the source, from 1; 0 when no line is concerned.
    public var line: Int
    /// The place in the line, from 1; 0 when it is not known.
    public var column: Int
    /// What stands there, for people.
    public var detail: String

    /// Describes a breach.
    public init(rule: Rule, source: String, line: Int, column: Int = 0, detail: String) {
        self.rule = rule
        self.source = source
        self.line = line
        self.column = column
        self.detail = detail
    }

    public var description: String {
        "\(source):\(line):" + (column > 0 ? "\(column):" : "") + " \(rule.rawValue): \(detail)"
    }

    /// The breach as a JSON object.
    public var json: JSONValue {
        .object([
            "rule": .string(rule.rawValue),
            "source": .string(source),
            "line": .integer(line),
            "column": .integer(column),
            "stage": .string(rule.stage.rawValue),
            "detail": .string(detail),
        ])
    }

    /// Reads a breach.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        rule = try reader.choice("rule")
        source = try reader.string("source", maxBytes: 64)
        line = Int(try reader.integer("line", in: 0...1 << 32))
        column = Int(try reader.integer("column", in: 0...1 << 32))
        let stage = try reader.choice("stage", AdmissionStage.self)
        detail = try reader.string("detail", maxBytes: 8192)
        try reader.finish()
        guard stage == rule.stage else {
            throw ParseError(field: reader.path("stage"), expected: rule.stage.rawValue, actual: stage.rawValue)
        }
    }
}
