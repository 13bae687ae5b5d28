// The ID block with which a guest's owner names a guest, and the authentication of it by the owner's keys.
// Source: AMD 56860 "SEV Secure Nested Paging Firmware ABI Specification", §8.18 (SNP_LAUNCH_FINISH, ID_BLOCK and ID_AUTH).

public import Codecs

/// An ID block of 96 bytes followed by its authentication of 4,096 bytes. Nothing about it has been verified.
///
/// A report carries only the digests of the keys. The block shows which measurement, policy and security version the owner
/// signed for, and that the keys with these digests really did.
public struct SNPIdentityBlock: Sendable {
    /// The bytes of block and authentication together.
    public static let byteCount = 96 + 4096

    private let bytes: [UInt8]

    /// Takes a block with its authentication.
    /// - Throws: `ParseError` for another size, block version or key algorithm.
    public init(parsing bytes: [UInt8], field: String = "id-block") throws(ParseError) {
        guard bytes.count == Self.byteCount else {
            throw ParseError(field: field, expected: "\(Self.byteCount) bytes", actual: "\(bytes.count) bytes")
        }
        self.bytes = bytes
        let numbers: [(String, Int, UInt64)] = [(".version", 0x50, 1), (".idKeyAlgo", 96, 1), (".authKeyAlgo", 100, 1)]
        for (name, offset, wanted) in numbers {
            let actual = Self.number(bytes[offset..<offset + 4])
            // Without an author key its algorithm means nothing.
            if name == ".authKeyAlgo" && actual == 0 { continue }
            guard actual == wanted else {
                throw ParseError(field: field + name, expected: "\(wanted)", actual: "\(actual)")
            }
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The signed block.
    public var block: ArraySlice<UInt8> { bytes[0..<96] }
    /// The launch measurement that the owner expects.
    public var measurement: ArraySlice<UInt8> { bytes[0..<48] }
    /// The owner's family identifier.
    public var familyId: ArraySlice<UInt8> { bytes[48..<64] }
    /// The owner's image identifier.
    public var imageId: ArraySlice<UInt8> { bytes[64..<80] }
    /// The guest's security version.
    public var guestSvn: UInt64 { Self.number(bytes[84..<88]) }
    /// The guest policy.
    public var policy: UInt64 { Self.number(bytes[88..<96]) }
    /// The ID key's area of 1,028 bytes, over which its digest is taken.
    public var idKey: ArraySlice<UInt8> { bytes[(96 + 0x240)..<(96 + 0x240 + 1028)] }
    /// The author key's area.
    public var authorKey: ArraySlice<UInt8> { bytes[(96 + 0x880)..<(96 + 0x880 + 1028)] }
    private var blockSignature: ArraySlice<UInt8> { bytes[(96 + 0x40)..<(96 + 0x40 + 512)] }
    private var idKeySignature: ArraySlice<UInt8> { bytes[(96 + 0x680)..<(96 + 0x680 + 512)] }
    /// Whether an author key is there.
    public var hasAuthorKey: Bool { authorKey.contains { $0 != 0 } }

    /// The key in an area: the number of P-384 (2), then both coordinates, little-endian in fields of 72 bytes.
    private static func key(_ area: ArraySlice<UInt8>) throws(ParseError) -> PublicKey {
        guard number(area.prefix(4)) == 2 else {
            throw ParseError(field: "id-block.curve", expected: "2 (P-384)", actual: "\(number(area.prefix(4)))")
        }
        let x = area.dropFirst(4).prefix(72)
        let y = area.dropFirst(76).prefix(72)
        let rest = x.dropFirst(48) + y.dropFirst(48) + area.dropFirst(148)
        guard rest.allSatisfy({ $0 == 0 }) else {
            throw ParseError(field: "id-block.key", expected: "zeros around the coordinates", actual: "other bytes")
        }
        let coordinates = Array(x.prefix(48).reversed()) + Array(y.prefix(48).reversed())
        return try PublicKey(coordinates: coordinates[...], on: .p384, field: "id-block.key")
    }

    private static func isSigned(
        _ message: ArraySlice<UInt8>,
        _ signature: ArraySlice<UInt8>,
        by area: ArraySlice<UInt8>
    ) throws(ParseError) -> Bool {
        let r = signature.prefix(72)
        let s = signature.dropFirst(72).prefix(72)
        let rest = r.dropFirst(48) + s.dropFirst(48) + signature.dropFirst(144)
        guard rest.allSatisfy({ $0 == 0 }) else { return false }
        let pair = ECDSASignature(r: Array(r.prefix(48).reversed())[...], s: Array(s.prefix(48).reversed())[...])
        return try key(area).isValid(pair, digest: HashAlgorithm.sha384.digest(message))
    }

    /// Whether this is the block of the guest that `report` is of: the report's ID key is this block's.
    func isOf(_ report: SNPReport) -> Bool {
        report.idKeyDigest.elementsEqual(HashAlgorithm.sha384.digest(idKey))
    }

    /// The lines about the block: what it says is what the report says, and the keys whose digests the report carries
    /// signed it.
    func verify(_ report: SNPReport, into findings: inout Findings) {
        let source = "AMD 56860 §8.18"
        let id = "amd.id-block"
        findings.requireEqual(id + ".measurement", expected: measurement, actual: report.measurement, source: source)
        findings.requireEqual(id + ".family-id", expected: familyId, actual: report.familyId, source: source)
        findings.requireEqual(id + ".image-id", expected: imageId, actual: report.imageId, source: source)
        findings.requireEqual(
            id + ".guest-svn",
            expected: "\(guestSvn)",
            actual: "\(report.guestSvn)",
            source: source
        )
        findings.requireEqual(
            id + ".policy",
            expected: "0x" + String(policy, radix: 16),
            actual: "0x" + String(report.guestPolicy, radix: 16),
            source: source
        )
        requireSigned(id + ".signature", block, blockSignature, by: idKey, "the ID key", source, into: &findings)
        guard report.isAuthorKeyEnabled else {
            findings.notApplicable(id + ".author", why: "the report names no author key", source: source)
            return
        }
        findings.requireEqual(
            id + ".author",
            expected: report.authorKeyDigest,
            actual: HashAlgorithm.sha384.digest(authorKey),
            source: source
        )
        requireSigned(
            id + ".author.signature",
            idKey,
            idKeySignature,
            by: authorKey,
            "the author key",
            source,
            into: &findings
        )
    }

    private func requireSigned(
        _ id: String,
        _ message: ArraySlice<UInt8>,
        _ signature: ArraySlice<UInt8>,
        by area: ArraySlice<UInt8>,
        _ name: String,
        _ source: String,
        into findings: inout Findings
    ) {
        do throws(ParseError) {
            let isSigned = try Self.isSigned(message, signature, by: area)
            findings.require(
                id,
                isSigned,
                expected: "ECDSA P-384 of \(name)",
                actual: isSigned ? "verified" : "does not verify",
                source: source
            )
        } catch {
            findings.malformed(id, error, source: source)
        }
    }
}
