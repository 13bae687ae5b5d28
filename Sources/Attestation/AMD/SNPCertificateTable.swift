// The certificate table that a host puts beside a report: what the extended guest request returns, and what configfs-tsm
// gives as its auxiliary blob. Source: AMD 56421 "SEV-ES Guest-Hypervisor Communication Block Standardization" §4.1.8.1.

public import Codecs

/// Certificates that came along with an SEV-SNP report. Nothing about them has been verified.
public struct SNPCertificateTable: Sendable {
    /// What an entry holds.
    public enum Kind: String, Sendable, CaseIterable {
        case vcek = "63da758de6644564adc5f4b93be8accd"
        case vlek = "a8074bc2a25a483eaae639c045a0b8a1"
        case ask = "4ab7b379bbac4fe4a02f05aef327c782"
        case ark = "c0b406a4a803495297433fb6014cd0ae"
        case crl = "92f81bc358114d3d97ffd19f88dc67ea"
    }

    /// One entry.
    public struct Entry: Sendable, Equatable {
        /// The identifier, 16 bytes in the order of its text.
        public let identifier: [UInt8]
        /// What it holds; `nil` for an identifier that is not known.
        public let kind: Kind?
        /// The bytes.
        public let body: [UInt8]
    }

    /// The entries in their order.
    public let entries: [Entry]

    /// The most entries and bytes of a table.
    public static let maxEntries = 32
    /// The most bytes of a table.
    public static let maxBytes = 256 << 10
    private static let rowBytes = 24

    /// Reads a table: rows of identifier, offset and length, ended by a row of zeros, then the contents.
    ///
    /// Contents lie behind the rows, within the table, and do not overlap; bytes that no row names must be zero. Otherwise one
    /// table would have many forms, or name the same bytes twice.
    public init(parsing bytes: ArraySlice<UInt8>) throws(ParseError) {
        guard bytes.count <= Self.maxBytes else {
            throw ParseError(field: "table", expected: "at most \(Self.maxBytes) bytes", actual: "\(bytes.count) bytes")
        }
        var reader = ByteReader(bytes)
        var rows: [(identifier: [UInt8], range: Range<Int>)] = []
        while true {
            let field = "table[\(rows.count)]"
            let identifier = Array(try reader.read(16, field + ".guid"))
            let offset = Int(try reader.readLittleEndian(UInt32.self, field + ".offset"))
            let length = Int(try reader.readLittleEndian(UInt32.self, field + ".length"))
            if identifier.allSatisfy({ $0 == 0 }) && offset == 0 && length == 0 { break }
            guard rows.count < Self.maxEntries else {
                throw ParseError(field: "table", expected: "at most \(Self.maxEntries) entries", actual: "more")
            }
            guard offset <= bytes.count, length <= bytes.count - offset, length > 0 else {
                throw ParseError(
                    field: field,
                    expected: "a range within \(bytes.count) bytes",
                    actual: "\(length) bytes at \(offset)"
                )
            }
            guard !rows.contains(where: { $0.identifier == identifier }) else {
                throw ParseError(
                    field: field + ".guid",
                    expected: "each identifier once",
                    actual: Hex.encode(identifier)
                )
            }
            rows.append((identifier, offset..<offset + length))
        }
        var covered = (rows.count + 1) * Self.rowBytes
        for (_, range) in rows.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            guard range.lowerBound >= covered else {
                throw ParseError(field: "table", expected: "contents behind each other", actual: "overlapping ones")
            }
            try Self.requireZeros(bytes, covered..<range.lowerBound)
            covered = range.upperBound
        }
        try Self.requireZeros(bytes, covered..<bytes.count)
        entries = rows.map { identifier, range in
            let start = bytes.startIndex + range.lowerBound
            return Entry(
                identifier: identifier,
                kind: Kind.allCases.first { $0.rawValue == Hex.encode(identifier) },
                body: Array(bytes[start..<start + range.count])
            )
        }
    }

    private static func requireZeros(_ bytes: ArraySlice<UInt8>, _ range: Range<Int>) throws(ParseError) {
        guard
            range.isEmpty
                || bytes[(bytes.startIndex + range.lowerBound)..<(bytes.startIndex + range.upperBound)]
                    .allSatisfy({ $0 == 0 })
        else {
            throw ParseError(field: "table", expected: "zeros between contents", actual: "other bytes")
        }
    }

    /// The certificates and lists as collateral. The root is left out: a root is pinned, not brought along.
    public var items: [CollateralItem] {
        entries.compactMap { entry in
            switch entry.kind {
            case .vcek, .vlek, .ask: CollateralItem(kind: .certificate, body: entry.body)
            case .crl: CollateralItem(kind: .revocationList, body: entry.body)
            case .ark, nil: nil
            }
        }
    }
}
