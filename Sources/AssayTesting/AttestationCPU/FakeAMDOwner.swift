// A fake owner of a guest: an ID block signed by an ID key that an author key certified, and the certificate table of a host.

public import Attestation
internal import Codecs

/// The keys of a guest's owner.
public struct FakeAMDOwner: Sendable {
    /// Signs ID blocks.
    public let idKey = TestKey(.p384)
    /// Certifies the ID key.
    public let authorKey = TestKey(.p384)

    /// Makes an owner with fresh keys.
    public init() {}

    /// The area of a key as the firmware takes it, 1,028 bytes.
    public static func area(_ key: TestKey) -> [UInt8] {
        let coordinates = key.coordinates
        let padding = [UInt8](repeating: 0, count: 24)
        let x = Array(coordinates.prefix(48).reversed()) + padding
        let y = Array(coordinates.suffix(48).reversed()) + padding
        return [2, 0, 0, 0] + x + y + [UInt8](repeating: 0, count: 880)
    }

    /// A signature as the firmware takes it, 512 bytes.
    private static func signature(_ message: [UInt8], by key: TestKey) -> [UInt8] {
        let raw = key.sign(message)
        let padding = [UInt8](repeating: 0, count: 24)
        let r = Array(raw.prefix(48).reversed()) + padding
        return r + Array(raw.suffix(48).reversed()) + padding + [UInt8](repeating: 0, count: 368)
    }

    /// The digests of both keys as reports carry them.
    public var digests: (id: [UInt8], author: [UInt8]) {
        (HashAlgorithm.sha384.digest(Self.area(idKey)), HashAlgorithm.sha384.digest(Self.area(authorKey)))
    }

    /// Block and authentication for a guest of this measurement and policy.
    public func block(measurement: [UInt8], policy: UInt64 = 0x30000, guestSvn: UInt32 = 0) -> [UInt8] {
        var block = measurement + [UInt8](repeating: 0, count: 32)
        block.appendLittleEndian(UInt32(1))
        block.appendLittleEndian(guestSvn)
        block.appendLittleEndian(policy)
        var authentication = [UInt8](repeating: 0, count: 4096)
        func put(_ offset: Int, _ value: [UInt8]) {
            authentication.replaceSubrange(offset..<offset + value.count, with: value)
        }
        put(0, [1, 0, 0, 0, 1, 0, 0, 0])
        put(0x40, Self.signature(block, by: idKey))
        put(0x240, Self.area(idKey))
        put(0x680, Self.signature(Self.area(idKey), by: authorKey))
        put(0x880, Self.area(authorKey))
        return block + authentication
    }

    /// A host's certificate table with these entries.
    public static func table(_ entries: [(kind: SNPCertificateTable.Kind, body: [UInt8])]) -> [UInt8] {
        var rows: [UInt8] = []
        var contents: [UInt8] = []
        let start = (entries.count + 1) * 24
        for (kind, body) in entries {
            rows += (try? Hex.decode(kind.rawValue)) ?? []
            rows.appendLittleEndian(UInt32(start + contents.count))
            rows.appendLittleEndian(UInt32(body.count))
            contents += body
        }
        return rows + [UInt8](repeating: 0, count: 24) + contents
    }
}
