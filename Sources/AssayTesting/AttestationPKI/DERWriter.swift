// Writes the DER that test certificates and lists are made of.
public import Codecs

/// Builders of DER elements.
public enum DERWriter {
    /// One element with definite, shortest length.
    public static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var head = [tag]
        if content.count < 0x80 {
            head.append(UInt8(content.count))
        } else {
            let bytes = Swift.withUnsafeBytes(of: UInt32(content.count).bigEndian) { Array($0) }.drop { $0 == 0 }
            head.append(0x80 | UInt8(bytes.count))
            head.append(contentsOf: bytes)
        }
        return head + content
    }

    /// A SEQUENCE of encoded elements.
    public static func sequence(_ parts: [UInt8]...) -> [UInt8] {
        element(DERReader.Tag.sequence, parts.flatMap { $0 })
    }

    /// A non-negative INTEGER from its magnitude.
    public static func integer(_ magnitude: some Collection<UInt8>) -> [UInt8] {
        let digits = Array(magnitude.drop { $0 == 0 })
        let needsZero = digits.first.map { $0 >= 0x80 } ?? true
        return element(DERReader.Tag.integer, needsZero ? [0] + digits : digits)
    }

    /// A small non-negative INTEGER.
    public static func integer(_ value: UInt64) -> [UInt8] {
        integer(Swift.withUnsafeBytes(of: value.bigEndian) { Array($0) })
    }

    /// An OBJECT IDENTIFIER.
    public static func objectIdentifier(_ name: OID) -> [UInt8] {
        element(DERReader.Tag.objectIdentifier, Array(name.encoded))
    }

    /// A BIT STRING of whole bytes.
    public static func bitString(_ bytes: [UInt8]) -> [UInt8] {
        element(DERReader.Tag.bitString, [0] + bytes)
    }

    /// An OCTET STRING.
    public static func octetString(_ bytes: [UInt8]) -> [UInt8] {
        element(DERReader.Tag.octetString, bytes)
    }

    /// A GeneralizedTime.
    public static func time(_ time: Timestamp) -> [UInt8] {
        let digits = time.text.utf8.filter { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        return element(DERReader.Tag.generalizedTime, digits + [UInt8(ascii: "Z")])
    }

    /// A name with one common name.
    public static func name(_ commonName: String) -> [UInt8] {
        let attribute = sequence(
            objectIdentifier(OID(2, 5, 4, 3)),
            element(DERReader.Tag.utf8String, Array(commonName.utf8))
        )
        return sequence(element(DERReader.Tag.set, attribute))
    }

    /// An extension.
    public static func `extension`(_ name: OID, isCritical: Bool, _ value: [UInt8]) -> [UInt8] {
        let flag = isCritical ? element(DERReader.Tag.boolean, [0xff]) : []
        return sequence(objectIdentifier(name), flag, octetString(value))
    }
}
