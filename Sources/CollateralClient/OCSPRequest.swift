// The question of RFC 6960 §4.1 about one certificate, by SHA-384 of its issuer's name and key, without a nonce: answers are
// kept, so a nonce would prove nothing to whoever reads them later.

internal import Attestation

/// Requests to OCSP responders.
enum OCSPRequest {
    /// 2.16.840.1.101.3.4.2.2, SHA-384 (RFC 5754 §2).
    private static let sha384: [UInt8] = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02]

    /// The DER of a request about `certificate`.
    static func bytes(for certificate: Certificate, issuer: Certificate) -> [UInt8] {
        let algorithm = element(0x30, sha384 + [0x05, 0x00])
        let name = element(0x04, HashAlgorithm.sha384.digest(issuer.subject))
        let key = element(0x04, HashAlgorithm.sha384.digest(issuer.publicKey.bytes))
        // A magnitude whose first bit is set needs a zero before it to stay positive.
        let magnitude = Array(certificate.serialNumber)
        let serial = element(0x02, (magnitude.first ?? 0x80) & 0x80 != 0 ? [0] + magnitude : magnitude)
        let identifier = element(0x30, algorithm + name + key + serial)
        return element(0x30, element(0x30, element(0x30, element(0x30, identifier))))
    }

    private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        if content.count < 128 {
            length = [UInt8(content.count)]
        } else {
            var rest = content.count
            while rest > 0 {
                length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
                rest >>= 8
            }
            length.insert(0x80 | UInt8(length.count), at: 0)
        }
        return [tag] + length + content
    }
}
