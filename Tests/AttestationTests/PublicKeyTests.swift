// The fast check of a P-256 key by table against OpenSSL's own, and the edges of both.

import COpenSSL
import Codecs
import Testing

@testable import Attestation

@Suite("Public keys")
struct PublicKeyTests {
    @Test("A key with a table answers like one without")
    func table() throws {
        let group = try #require(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1))
        let key = try #require(EC_KEY_new())
        defer {
            EC_KEY_free(key)
            EC_GROUP_free(group)
        }
        #expect(EC_KEY_set_group(key, group) == 1 && EC_KEY_generate_key(key) == 1)
        let table = try #require(KeyTable(key))
        var point = [UInt8](repeating: 0, count: 65)
        let count = EC_POINT_point2oct(
            group,
            EC_KEY_get0_public_key(key),
            POINT_CONVERSION_UNCOMPRESSED,
            &point,
            65,
            nil
        )
        #expect(count == 65)
        let plain = try PublicKey(uncompressedPoint: point[...], on: .p256)
        let order = try Hex.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
        for round in 0..<64 {
            let digest = HashAlgorithm.sha256.digest([UInt8(round)])
            var bytes = [UInt8](repeating: 0, count: 80)
            var size: UInt32 = 80
            #expect(ECDSA_sign(0, digest, 32, &bytes, &size, key) == 1)
            let good = try ECDSASignature(der: bytes[0..<Int(size)])
            #expect(table.isValid(good, digest: digest) && plain.isValid(good, digest: digest))
            var other = digest
            other[round % 32] ^= 1 << UInt8(round % 8)
            #expect(!table.isValid(good, digest: other) && !plain.isValid(good, digest: other))
            for bad in [
                ECDSASignature(r: good.s, s: good.r), ECDSASignature(r: [], s: good.s),
                ECDSASignature(r: good.r, s: []), ECDSASignature(r: order[...], s: good.s),
                ECDSASignature(r: good.r, s: order[...]), ECDSASignature(r: [1], s: [1]),
            ] {
                #expect(!table.isValid(bad, digest: digest) && !plain.isValid(bad, digest: digest))
            }
        }
    }

    @Test("Points off the curve and wrong forms are refused")
    func points() throws {
        var point: [UInt8] = [4]
        point.append(contentsOf: [UInt8](repeating: 1, count: 64))
        #expect(throws: ParseError.self) { try PublicKey(uncompressedPoint: point[...], on: .p256) }
        #expect(throws: ParseError.self) { try PublicKey(coordinates: point[0..<10], on: .p384) }
        #expect(throws: ParseError.self) { try ECDSASignature(der: [0x30, 0x06, 0x02, 0x01, 0x80, 0x02, 0x01, 0x01]) }
        #expect(throws: ParseError.self) { try ECDSASignature(der: [0x30, 0x06, 0x02, 0x01, 1, 0x02, 0x01, 1, 0]) }
    }
}
