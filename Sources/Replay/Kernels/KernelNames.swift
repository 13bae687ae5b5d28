// The names of OpenCL C that the rules speak of (OpenCL C 1.2 specification, §6).

/// Tables of names. What a table forbids is decided by `Admission`.
enum KernelNames {
    /// Built-ins whose result may differ from the exact one (§7.4, "Relative Error as ULPs"), and geometric and common
    /// functions that are made of them.
    static let inexact: Set<String> = [
        "acos", "acosh", "acospi", "asin", "asinh", "asinpi", "atan", "atan2", "atanh", "atanpi", "atan2pi", "cbrt",
        "cos", "cosh", "cospi", "erf", "erfc", "exp", "exp2", "exp10", "expm1", "hypot", "lgamma", "lgamma_r", "log",
        "log2", "log10", "log1p", "pow", "pown", "powr", "rootn", "rsqrt", "sin", "sincos", "sinh", "sinpi", "tan",
        "tanh", "tanpi", "tgamma", "degrees", "radians", "mix", "smoothstep", "cross", "dot", "distance", "length",
        "normalize", "fast_distance", "fast_length", "fast_normalize",
        // Free in the sign of a zero (§6.12.2); the prelude has defined versions.
        "fmax", "fmin", "maxmag", "minmag", "nan", "fract",
    ]
    /// Fused or not, or defined only for small operands, as the implementation likes.
    static let unspecified: Set<String> = ["mad", "mad24", "mul24"]
    /// Atomic operations whose final effect does not depend on order.
    static let orderFreeAtomics: Set<String> = {
        let operations = ["add", "sub", "inc", "dec", "min", "max", "and", "or", "xor"]
        return Set(operations.flatMap { ["atomic_" + $0, "atom_" + $0] })
    }()
    /// Attributes that change nothing about the result and nothing about linking.
    static let attributes: Set<String> = [
        "reqd_work_group_size", "work_group_size_hint", "vec_type_hint", "aligned", "packed", "always_inline",
        "noinline",
        "opencl_unroll_hint", "unused",
    ]
    static let addressSpaces: Set<String> = [
        "__global", "global", "__local", "local", "__constant", "constant", "__private", "private",
    ]
    static let qualifiers: Set<String> = addressSpaces.union(["const", "volatile", "restrict", "__restrict"])
    /// Names with leading underscores that are the language's own.
    static let languageUnderscores: Set<String> = addressSpaces.union([
        "__kernel", "__attribute__", "__restrict", "__read_only", "__write_only", "__read_write",
    ])
    /// Words after which a name and `(` are a call and not a declaration.
    static let statementWords: Set<String> = [
        "return", "else", "do", "case", "goto", "sizeof", "if", "while", "for", "switch", "vec_step",
    ]
    static let keywords: Set<String> = statementWords.union(qualifiers).union([
        "break", "continue", "default", "enum", "struct", "union", "typedef", "static", "inline", "extern", "auto",
        "register", "signed", "unsigned", "void", "bool", "kernel", "__kernel", "__attribute__", "half", "size_t",
    ])
    static let pointerSizedIntegers: Set<String> = ["uintptr_t", "intptr_t", "ptrdiff_t"]
    static let floatingTypes: Set<String> = vectors(of: ["float", "double"])
    static let halfTypes: Set<String> = vectors(of: ["half"])
    static let integerTypes: Set<String> = vectors(of: [
        "char", "uchar", "short", "ushort", "int", "uint", "long", "ulong",
    ])
    static let types: Set<String> = floatingTypes.union(halfTypes).union(integerTypes).union([
        "void", "bool", "signed", "unsigned", "size_t", "struct",
    ])

    /// The element type of a kernel parameter by the words of its declaration.
    static func elementType(_ words: [String]) -> ElementType? {
        let named = words.filter { !qualifiers.contains($0) }
        switch named {
        case ["unsigned"], ["unsigned", "int"]: return .u32
        case ["unsigned", "char"]: return .u8
        case ["unsigned", "short"]: return .u16
        case ["unsigned", "long"]: return .u64
        default: break
        }
        guard named.count == 1 else { return nil }
        let base = String(named[0].prefix { !$0.isNumber })
        guard types.contains(named[0]) else { return nil }
        return [
            "char": .i8, "uchar": .u8, "short": .i16, "ushort": .u16, "int": .i32, "uint": .u32, "long": .i64,
            "ulong": .u64, "float": .f32, "double": .f64,
        ][base]
    }

    private static func vectors(of bases: [String]) -> Set<String> {
        Set(bases.flatMap { base in [base] + ["2", "3", "4", "8", "16"].map { base + $0 } })
    }
}
