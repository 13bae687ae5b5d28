// CBOR values to be written, and their one deterministic encoding (RFC 8949 §4.2.1).

/// A CBOR value without an encoding. `encoded()` gives the only encoding that Assay writes.
public indirect enum CBORValue: Sendable, Equatable {
    /// A number that is not negative.
    case unsigned(UInt64)
    /// The number −1 − `n`.
    case negative(UInt64)
    /// A byte string.
    case bytes([UInt8])
    /// A text string.
    case text(String)
    /// An array.
    case array([CBORValue])
    /// A map. The order does not matter: keys are sorted when it is written.
    case map([Pair])
    /// A tag and what it marks.
    case tagged(UInt64, CBORValue)
    /// `false` or `true`.
    case bool(Bool)
    /// The simple value 22.
    case null
    /// The simple value 23.
    case undefined
    /// Any other simple value.
    case simple(UInt8)
    /// A float; written in the shortest width that keeps it.
    case float(Double)

    /// A key of a map and its value.
    public struct Pair: Sendable, Equatable {
        /// The key.
        public var key: CBORValue
        /// What stands under it.
        public var value: CBORValue

        /// Pairs a key with a value.
        public init(_ key: CBORValue, _ value: CBORValue) {
            self.key = key
            self.value = value
        }
    }

    /// The integer `value`, of major type 0 or 1.
    public static func integer(_ value: Int64) -> CBORValue {
        value >= 0 ? .unsigned(UInt64(value)) : .negative(UInt64(-1 - value))
    }

    /// A map from integer labels, as COSE headers and CWT claims are.
    public static func labelled(_ pairs: KeyValuePairs<Int64, CBORValue>) -> CBORValue {
        .map(pairs.map { Pair(.integer($0.key), $0.value) })
    }

    /// The deterministic encoding.
    ///
    /// The caller gives each map key once; two equal keys are written as they stand, one after the other.
    /// - Parameter floats: how wide floats are written.
    public func encoded(floats: CBORFloatRule = .shortest) -> [UInt8] {
        var output: [UInt8] = []
        write(to: &output, floats)
        return output
    }

    private func write(to output: inout [UInt8], _ floats: CBORFloatRule) {
        switch self {
        case .unsigned(let value): Self.writeHead(0, value, to: &output)
        case .negative(let value): Self.writeHead(1, value, to: &output)
        case .bytes(let bytes):
            Self.writeHead(2, UInt64(bytes.count), to: &output)
            output.append(contentsOf: bytes)
        case .text(let text):
            Self.writeHead(3, UInt64(text.utf8.count), to: &output)
            output.append(contentsOf: text.utf8)
        case .array(let elements):
            Self.writeHead(4, UInt64(elements.count), to: &output)
            for element in elements { element.write(to: &output, floats) }
        case .map(let pairs):
            Self.writeHead(5, UInt64(pairs.count), to: &output)
            let sorted = pairs.map { ($0.key.encoded(floats: floats), $0.value) }.sorted {
                $0.0.lexicographicallyPrecedes($1.0)
            }
            for (key, value) in sorted {
                output.append(contentsOf: key)
                value.write(to: &output, floats)
            }
        case .tagged(let tag, let value):
            Self.writeHead(6, tag, to: &output)
            value.write(to: &output, floats)
        case .bool(let value): output.append(value ? 0xf5 : 0xf4)
        case .null: output.append(0xf6)
        case .undefined: output.append(0xf7)
        case .simple(let value): output.append(contentsOf: value < 24 ? [0xe0 | value] : [0xf8, value])
        case .float(let value) where floats == .double:
            output.append(0xfb)
            output.appendBigEndian(value.bitPattern)
        case .float(let value): output.append(contentsOf: CBORFloat.encoding(value))
        }
    }

    /// Writes the head of an item: major type and argument in the shortest form.
    private static func writeHead(_ major: UInt8, _ argument: UInt64, to output: inout [UInt8]) {
        let type = major << 5
        switch argument {
        case 0..<24: output.append(type | UInt8(argument))
        case 24...UInt64(UInt8.max): output.append(contentsOf: [type | 24, UInt8(argument)])
        case 256...UInt64(UInt16.max):
            output.append(type | 25)
            output.appendBigEndian(UInt16(argument))
        case 65536...UInt64(UInt32.max):
            output.append(type | 26)
            output.appendBigEndian(UInt32(argument))
        default:
            output.append(type | 27)
            output.appendBigEndian(argument)
        }
    }
}

extension CBORItem {
    /// The item's value without its encoding.
    public var value: CBORValue {
        switch content {
        case .unsigned(let value): .unsigned(value)
        case .negative(let value): .negative(value)
        case .bytes(let bytes): .bytes(Array(bytes))
        case .text(let text): .text(text)
        case .array(let elements): .array(elements.map(\.value))
        case .map(let entries): .map(entries.map { CBORValue.Pair($0.key.value, $0.value.value) })
        case .tagged(let tag, let item): .tagged(tag, item.value)
        case .bool(let value): .bool(value)
        case .null: .null
        case .undefined: .undefined
        case .simple(let value): .simple(value)
        case .float(let value): .float(value)
        }
    }
}
