// Public keys in the forms that tokens carry them: COSE_Key (RFC 9052 §7), JWK (RFC 7517) and TPM public areas.
public import Codecs

extension PublicKey {
    /// The RSA key with this modulus and exponent, both big-endian.
    public convenience init(
        modulus: ArraySlice<UInt8>,
        exponent: ArraySlice<UInt8>,
        field: String = "key"
    ) throws(ParseError) {
        guard modulus.count <= 1024, exponent.count <= 8 else {
            throw ParseError(field: field, expected: "at most 8192 bits", actual: "\(modulus.count) bytes")
        }
        func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
            var head = [tag]
            switch content.count {
            case 0..<0x80: head.append(UInt8(content.count))
            case 0x80..<0x100: head.append(contentsOf: [0x81, UInt8(content.count)])
            default: head.append(contentsOf: [0x82, UInt8(content.count >> 8), UInt8(content.count & 0xff)])
            }
            return head + content
        }
        func integer(_ magnitude: ArraySlice<UInt8>) -> [UInt8] {
            let digits = Array(magnitude.drop { $0 == 0 })
            let needsSign = digits.first.map { $0 >= 0x80 } ?? true
            return element(DERReader.Tag.integer, needsSign ? [0] + digits : digits)
        }
        let der = element(DERReader.Tag.sequence, integer(modulus) + integer(exponent))
        try self.init(rsaPublicKey: der[...], field: field)
    }

    /// An elliptic curve key as COSE_Key: kty 2, a NIST curve and both coordinates at full width.
    ///
    /// A compressed point (y as a boolean) is refused; no attestation format uses one.
    public convenience init(coseKey item: CBORItem, field: String = "key") throws(ParseError) {
        _ = try item.entries(max: 16, field)
        guard let type = item[1], type.integer == 2 else {
            throw ParseError(field: field + ".kty", expected: "2 (EC2)", actual: item[1]?.typeName ?? "nothing")
        }
        let curve: SignatureCurve
        switch item[-1]?.integer {
        case 1: curve = .p256
        case 2: curve = .p384
        case 3: curve = .p521
        default:
            throw ParseError(field: field + ".crv", expected: "P-256, P-384 or P-521", actual: "another curve")
        }
        let width = curve.coordinateCount
        guard let x = item[-2], let y = item[-3] else {
            throw ParseError(field: field, expected: "x and y", actual: "a coordinate is missing")
        }
        let coordinates =
            Array(try x.byteString(width...width, field + ".x")) + Array(try y.byteString(width...width, field + ".y"))
        try self.init(coordinates: coordinates[...], on: curve, field: field)
    }

    /// A JWK of type `EC` or `RSA` (RFC 7518 §6). Members that only describe the key's use are not judged.
    public convenience init(jwk value: JSONValue, field: String = "key") throws(ParseError) {
        var reader = try JSONReader(value, field)
        func bytes(_ name: String) throws(ParseError) -> [UInt8] {
            try Base64.decode(try reader.string(name, maxBytes: 2048), field: reader.path(name))
        }
        let type = try reader.string("kty", maxBytes: 16)
        switch type {
        case "EC":
            let name = try reader.string("crv", maxBytes: 16)
            guard let curve = SignatureCurve(rawValue: name) else {
                throw ParseError(field: reader.path("crv"), expected: "P-256, P-384 or P-521", actual: name)
            }
            let x = try bytes("x")
            let y = try bytes("y")
            guard x.count == curve.coordinateCount, y.count == curve.coordinateCount else {
                let expected = "coordinates of \(curve.coordinateCount) bytes"
                throw ParseError(field: field, expected: expected, actual: "\(x.count) and \(y.count)")
            }
            try self.init(coordinates: (x + y)[...], on: curve, field: field)
        case "RSA":
            try self.init(modulus: try bytes("n")[...], exponent: try bytes("e")[...], field: field)
        default:
            throw ParseError(field: reader.path("kty"), expected: "EC or RSA", actual: type)
        }
    }

    /// The key of a TPM public area.
    public convenience init(tpm area: TPMPublic, field: String = "key") throws(ParseError) {
        switch area.key {
        case .rsa(let modulus, let exponent):
            var bytes: [UInt8] = []
            bytes.appendBigEndian(exponent)
            try self.init(modulus: modulus[...], exponent: bytes[...], field: field)
        case .ecc(let number, let x, let y):
            let curves: [UInt16: SignatureCurve] = [3: .p256, 4: .p384, 5: .p521]
            guard let curve = curves[number] else {
                throw ParseError(field: field, expected: "a NIST curve", actual: "curve \(number)")
            }
            try self.init(coordinates: (x + y)[...], on: curve, field: field)
        }
    }
}
