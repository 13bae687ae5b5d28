// The member types that Assay's documents share: digests, keys, amounts, times, names.
internal import Codecs
internal import Commitments
internal import Signatures

/// The largest amount of minor units that a document may hold: what a signed 64-bit ledger can count.
let maxAmount = UInt64(Int64.max)

extension JSONReader {
    /// A digest in lower-case hexadecimal.
    mutating func digest(_ name: String) throws(ParseError) -> Digest {
        try Digest(hex: try string(name, maxBytes: 64), field: path(name))
    }

    /// A digest, or `nil` when the member is missing.
    mutating func optionalDigest(_ name: String) throws(ParseError) -> Digest? {
        guard let text = try optionalString(name, maxBytes: 64) else { return nil }
        return try Digest(hex: text, field: path(name))
    }

    /// A public key in its text form.
    mutating func key(_ name: String) throws(ParseError) -> VerifyingKey {
        try VerifyingKey(text: try string(name, maxBytes: 128), field: path(name))
    }

    /// An amount of minor units as a decimal string, at most 2^63 − 1.
    mutating func amount(_ name: String) throws(ParseError) -> UInt64 {
        try decimal(name, in: 0...maxAmount)
    }

    /// An amount, or `nil` when the member is missing.
    mutating func optionalAmount(_ name: String) throws(ParseError) -> UInt64? {
        guard has(name) else {
            _ = optionalValue(name)
            return nil
        }
        return try amount(name)
    }

    /// A decimal string, or `nil` when the member is missing.
    mutating func optionalDecimal(_ name: String) throws(ParseError) -> UInt64? {
        guard has(name) else {
            _ = optionalValue(name)
            return nil
        }
        return try decimal(name)
    }

    /// A content identifier in base 32.
    mutating func cid(_ name: String) throws(ParseError) -> CID {
        try CID(text: try string(name, maxBytes: 128), field: path(name))
    }

    /// A time in seconds since 1970-01-01 UTC, before the year 10000.
    mutating func time(_ name: String) throws(ParseError) -> Int64 {
        try integer(name, in: 0...253_402_300_799)
    }

    /// The number of an attempt at a job, from 1.
    mutating func attempt(_ name: String = "attempt") throws(ParseError) -> Int64 {
        try integer(name, in: 1...JobSpec.maxAttempts)
    }

    /// A stable code: lower- and upper-case letters, digits, `.`, `_` and `-`, 1 to 64 of them.
    mutating func code(_ name: String) throws(ParseError) -> String {
        let text = try string(name, maxBytes: 64)
        guard Self.isCode(text) else {
            throw ParseError(field: path(name), expected: "1 to 64 letters, digits, . _ -", actual: text)
        }
        return text
    }

    private static func isCode(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// A nested object, or `nil` when the member is missing.
    mutating func optionalObject(_ name: String) throws(ParseError) -> JSONReader? {
        guard has(name) else {
            _ = optionalValue(name)
            return nil
        }
        return try object(name)
    }
}
