// What NVIDIA's device certificates say beside the key: the chip, and the identity of the firmware that holds the key.
public import Codecs

/// The facts of a device certificate.
public struct NVIDIACertificate: Sendable {
    /// The certificate.
    public let certificate: Certificate
    /// The chip as the subject names it, without punctuation: `GH100`, `GB100`, `LS10`.
    public let chip: String
    /// The firmware identity (FWID); `nil` when the certificate has none.
    public let fwid: [UInt8]?

    private static let compositeDeviceID = OID(2, 23, 133, 5, 4, 1)
    private static let tcbInfo = OID(2, 23, 133, 5, 4, 1, 1)
    private static let sha384 = OID(2, 16, 840, 1, 101, 3, 4, 2, 2)

    /// Reads the facts. The firmware identity is taken from one of two extensions: Hopper's, a SEQUENCE of version, key and
    /// FWID; Blackwell's, a DiceTcbInfo whose first FWID counts (TCG DICE Attestation Architecture §6.1.1).
    public init(_ certificate: Certificate) throws(ParseError) {
        self.certificate = certificate
        let first = certificate.commonName.prefix { $0 != " " }
        guard !first.isEmpty, first.utf8.count <= 16 else {
            throw ParseError(
                field: "nvidia.certificate.subject",
                expected: "a chip's name",
                actual: certificate.commonName
            )
        }
        chip = first.filter { $0 != "_" }
        if let value = certificate.value(of: Self.tcbInfo) {
            fwid = try Self.fromTCBInfo(value)
        } else if let value = certificate.value(of: Self.compositeDeviceID) {
            fwid = try Self.fromComposite(value)
        } else {
            fwid = nil
        }
    }

    private static func fromComposite(_ value: ArraySlice<UInt8>) throws(ParseError) -> [UInt8] {
        var outer = DERReader(value, "nvidia.certificate.fwid")
        var body = try outer.nested()
        try outer.finish()
        _ = try body.unsigned("version")
        _ = try body.next(DERReader.Tag.sequence, "deviceID")
        var fwid = try body.nested(DERReader.Tag.sequence, "fwid")
        try body.finish()
        return try digest(&fwid)
    }

    private static func fromTCBInfo(_ value: ArraySlice<UInt8>) throws(ParseError) -> [UInt8] {
        var outer = DERReader(value, "nvidia.certificate.tcbInfo")
        var body = try outer.nested()
        try outer.finish()
        while !body.isAtEnd {
            let element = try body.next()
            guard element.tag == DERReader.Tag.constructed(6) else { continue }
            var list = DERReader(element.content, "nvidia.certificate.fwids")
            var fwid = try list.nested()
            return try digest(&fwid)
        }
        throw ParseError(field: "nvidia.certificate.tcbInfo", expected: "a list of FWIDs", actual: "none")
    }

    /// FWID ::= SEQUENCE { hashAlg OBJECT IDENTIFIER, digest OCTET STRING }.
    private static func digest(_ reader: inout DERReader) throws(ParseError) -> [UInt8] {
        let algorithm = try reader.objectIdentifier("hashAlg")
        let digest = Array(try reader.octetString("digest"))
        try reader.finish()
        guard algorithm == sha384, digest.count == 48 else {
            let actual = "\(algorithm), \(digest.count) bytes"
            throw ParseError(field: "nvidia.certificate.fwid", expected: "SHA-384, 48 bytes", actual: actual)
        }
        return digest
    }

    /// The architecture that the chip belongs to; `nil` for an unknown one.
    public var architecture: String? {
        if chip.hasPrefix("GH") { return "HOPPER" }
        if chip.hasPrefix("GB") { return "BLACKWELL" }
        return chip == "LS10" ? "LS10" : nil
    }
}
