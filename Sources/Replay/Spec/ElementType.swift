// The element types of slots: the names in a replay spec, their sizes, and their descriptors in npy files.

/// The type of every element of a slot. Values are stored in little-endian order.
public enum ElementType: String, Sendable, CaseIterable {
    case u8, i8, u16, i16, u32, i32, u64, i64, f32, f64

    /// The size of one element in bytes.
    public var byteCount: Int {
        switch self {
        case .u8, .i8: 1
        case .u16, .i16: 2
        case .u32, .i32, .f32: 4
        case .u64, .i64, .f64: 8
        }
    }

    /// Whether an element can be NaN.
    public var isFloatingPoint: Bool { self == .f32 || self == .f64 }

    /// The `descr` of an npy file that holds this type (numpy.lib.format, "Format Version 1.0").
    var npyDescriptor: String {
        switch self {
        case .u8: "|u1"
        case .i8: "|i1"
        case .u16: "<u2"
        case .i16: "<i2"
        case .u32: "<u4"
        case .i32: "<i4"
        case .u64: "<u8"
        case .i64: "<i8"
        case .f32: "<f4"
        case .f64: "<f8"
        }
    }

    /// Replaces every NaN in `bytes` by the one quiet NaN with a zero payload and a clear sign.
    ///
    /// IEEE 754 leaves payload and sign of a NaN result open, so two correct devices may differ there and nowhere else.
    /// Bytes after the last whole element are left alone.
    package func canonicaliseNaN(_ bytes: inout [UInt8]) {
        guard isFloatingPoint else { return }
        bytes.withUnsafeMutableBytes { canonicaliseNaN($0) }
    }

    /// The same in memory that is aligned for an element.
    func canonicaliseNaN(_ buffer: UnsafeMutableRawBufferPointer) {
        guard isFloatingPoint else { return }
        if self == .f32 {
            buffer.withMemoryRebound(to: UInt32.self) {
                Self.replace($0, above: 0x7f80_0000, magnitude: 0x7fff_ffff, by: 0x7fc0_0000)
            }
        } else {
            buffer.withMemoryRebound(to: UInt64.self) {
                Self.replace($0, above: 0x7ff0 << 48, magnitude: UInt64.max >> 1, by: 0x7ff8 << 48)
            }
        }
    }

    /// Replaces words whose bits under `magnitude` are above the infinity's. Without a branch, so that it is done many words
    /// at a time.
    @inline(__always)
    private static func replace<Word: FixedWidthInteger>(
        _ words: UnsafeMutableBufferPointer<Word>,
        above infinity: Word,
        magnitude: Word,
        by quiet: Word
    ) {
        for index in words.indices {
            let bits = Word(littleEndian: words[index])
            words[index] = bits & magnitude > infinity ? quiet.littleEndian : words[index]
        }
    }
}
