// OCSP responses kept as collateral (RFC 6960): the status of single certificates at a date, signed, usable without a network.
public import Codecs

/// An OCSP response as read from its DER; nothing has been checked but its form.
public final class OCSPResponse: Sendable {
    /// What a responder says of a certificate.
    public enum Status: Sendable, Equatable {
        case good
        case revoked
        /// The responder does not know the certificate.
        case unknown
    }

    /// The answer about one certificate.
    public struct Answer: Sendable {
        /// The hash that names the issuer.
        public let hash: HashAlgorithm
        /// The hash of the issuer's name.
        public let issuerNameHash: ArraySlice<UInt8>
        /// The hash of the issuer's key.
        public let issuerKeyHash: ArraySlice<UInt8>
        /// The serial number as a magnitude.
        public let serialNumber: ArraySlice<UInt8>
        /// What the responder says.
        public let status: Status
        /// From when on it is known to be right.
        public let thisUpdate: Timestamp
        /// When newer information is due at the latest.
        public let nextUpdate: Timestamp

        /// Whether the answer is about certificates of `issuer`.
        public func isAbout(issuer: Certificate) -> Bool {
            issuerNameHash.elementsEqual(hash.digest(issuer.subject))
                && issuerKeyHash.elementsEqual(hash.digest(issuer.publicKey.bytes))
        }
    }

    /// The signed part.
    public let signedPart: ArraySlice<UInt8>
    /// How it is signed.
    public let scheme: SignatureScheme
    /// The signature.
    public let signature: ArraySlice<UInt8>
    /// The answers.
    public let answers: [Answer]
    /// Certificates that came along: the responder's, when it is not the issuer itself.
    public let certificates: [Certificate]

    private static let basicResponse = OID(1, 3, 6, 1, 5, 5, 7, 48, 1, 1)
    private static let ocspSigning = OID(1, 3, 6, 1, 5, 5, 7, 3, 9)
    /// The most bytes of a response that is read.
    public static let maxBytes = 64 << 10

    /// Reads a successful basic response.
    /// - Throws: `ParseError` for other forms, for critical extensions, and for an answer without `nextUpdate`: nobody could
    ///   tell when it is stale.
    public init(der: [UInt8], field: String = "ocsp") throws(ParseError) {
        guard der.count <= Self.maxBytes else {
            throw ParseError(field: field, expected: "at most \(Self.maxBytes) bytes", actual: "\(der.count) bytes")
        }
        var outer = DERReader(der[...], field)
        var body = try outer.nested()
        try outer.finish()
        let status = try body.next(DERReader.Tag.enumerated, "responseStatus").content
        guard status.elementsEqual([0]) else {
            throw ParseError(field: field + ".responseStatus", expected: "0 (successful)", actual: Hex.encode(status))
        }
        var wrapper = try body.nested(DERReader.Tag.constructed(0), "responseBytes")
        try body.finish()
        var typed = try wrapper.nested()
        try wrapper.finish()
        let type = try typed.objectIdentifier("responseType")
        guard type == Self.basicResponse else {
            throw ParseError(field: field + ".responseType", expected: "a basic response", actual: type.description)
        }
        var content = DERReader(try typed.octetString("response"), field)
        try typed.finish()
        var basic = try content.nested()
        try content.finish()
        let signed = try SignedDER(&basic, "tbsResponseData", field: field)
        signedPart = signed.body.encoded
        scheme = signed.scheme
        signature = signed.signature
        var certificates: [Certificate] = []
        if let element = try basic.nextIf(DERReader.Tag.constructed(0), "certs") {
            var wrapped = DERReader(element.content, field + ".certs")
            var list = try wrapped.nested()
            try wrapped.finish()
            while !list.isAtEnd {
                guard certificates.count < 4 else {
                    throw ParseError(field: field + ".certs", expected: "at most 4 certificates", actual: "more")
                }
                certificates.append(try Certificate(der: Array(try list.next().encoded), field: field + ".certs"))
            }
        }
        try basic.finish()
        self.certificates = certificates
        answers = try Self.answers(signed.body.content, field)
    }

    private static func answers(_ bytes: ArraySlice<UInt8>, _ field: String) throws(ParseError) -> [Answer] {
        var reader = DERReader(bytes, field)
        if let version = try reader.nextIf(DERReader.Tag.constructed(0), "version") {
            var number = DERReader(version.content, field + ".version")
            guard try number.unsigned() == 0 else {
                throw ParseError(field: field + ".version", expected: "1", actual: "another version")
            }
        }
        // The responder's name or key hash: who may answer is decided by the signature.
        let responder = try reader.next("responderID")
        guard responder.tag == DERReader.Tag.constructed(1) || responder.tag == DERReader.Tag.constructed(2) else {
            throw ParseError(field: field + ".responderID", expected: "a name or a key", actual: "another identifier")
        }
        _ = try reader.time("producedAt")
        var list = try reader.nested(DERReader.Tag.sequence, "responses")
        var answers: [Answer] = []
        while !list.isAtEnd {
            guard answers.count < 64 else {
                throw ParseError(field: field + ".responses", expected: "at most 64 answers", actual: "more")
            }
            answers.append(try answer(try list.next(DERReader.Tag.sequence).content, field))
        }
        if let extensions = try reader.nextIf(DERReader.Tag.constructed(1), "responseExtensions") {
            try refuseCritical(extensions.content, field + ".responseExtensions")
        }
        try reader.finish()
        return answers
    }

    private static func answer(_ bytes: ArraySlice<UInt8>, _ field: String) throws(ParseError) -> Answer {
        var reader = DERReader(bytes, field + ".response")
        var identifier = try reader.nested(DERReader.Tag.sequence, "certID")
        var algorithm = try identifier.nested(DERReader.Tag.sequence, "hashAlgorithm")
        let name = try algorithm.objectIdentifier()
        guard let hash = hashes[name] else {
            throw ParseError(field: field + ".hashAlgorithm", expected: "a known hash", actual: name.description)
        }
        let nameHash = try identifier.octetString("issuerNameHash")
        let keyHash = try identifier.octetString("issuerKeyHash")
        let serial = try identifier.magnitude("serialNumber")
        try identifier.finish()
        let status: Status
        let element = try reader.next("certStatus")
        switch element.tag {
        case DERReader.Tag.primitive(0): status = .good
        case DERReader.Tag.constructed(1): status = .revoked
        case DERReader.Tag.primitive(2): status = .unknown
        default:
            throw ParseError(field: field + ".certStatus", expected: "good, revoked or unknown", actual: "another")
        }
        let thisUpdate = try reader.time("thisUpdate")
        var next = try reader.nested(DERReader.Tag.constructed(0), "nextUpdate")
        let nextUpdate = try next.time("nextUpdate")
        try next.finish()
        if let extensions = try reader.nextIf(DERReader.Tag.constructed(1), "singleExtensions") {
            try refuseCritical(extensions.content, field + ".singleExtensions")
        }
        try reader.finish()
        return Answer(
            hash: hash,
            issuerNameHash: nameHash,
            issuerKeyHash: keyHash,
            serialNumber: serial,
            status: status,
            thisUpdate: thisUpdate,
            nextUpdate: nextUpdate
        )
    }

    /// SHA-1 names issuers in most responses. It is an index here: the answer's signature is by the issuer that it names.
    private static let hashes: [OID: HashAlgorithm] = [
        OID(1, 3, 14, 3, 2, 26): .sha1, OID(2, 16, 840, 1, 101, 3, 4, 2, 1): .sha256,
        OID(2, 16, 840, 1, 101, 3, 4, 2, 2): .sha384, OID(2, 16, 840, 1, 101, 3, 4, 2, 3): .sha512,
    ]

    private static func refuseCritical(_ bytes: ArraySlice<UInt8>, _ field: String) throws(ParseError) {
        var outer = DERReader(bytes, field)
        var list = try outer.nested()
        try outer.finish()
        while !list.isAtEnd {
            var item = try list.nested()
            let name = try item.objectIdentifier()
            let isCritical = try item.nextIf(DERReader.Tag.boolean).map { $0.content.first != 0 } ?? false
            guard !isCritical else {
                throw ParseError(field: field, expected: "no critical extension", actual: name.description)
            }
        }
    }

    /// Whether `issuer` signed the response, or a responder that `issuer` certified for just that (RFC 6960 §4.2.2.2), whose
    /// certificate is valid at `time`.
    public func isSigned(by issuer: Certificate, at time: Timestamp) -> Bool {
        if issuer.publicKey.isValid(signature, scheme: scheme, message: signedPart) { return true }
        return certificates.contains { responder in
            Self.mayAnswer(responder) && time >= responder.notBefore && time <= responder.notAfter
                && responder.publicKey.isValid(signature, scheme: scheme, message: signedPart)
                && responder.isSigned(by: issuer)
        }
    }

    private static func mayAnswer(_ certificate: Certificate) -> Bool {
        guard let value = certificate.value(of: Certificate.Extension.extendedKeyUsage) else { return false }
        do throws(ParseError) {
            var outer = DERReader(value)
            var list = try outer.nested()
            while !list.isAtEnd {
                if try list.objectIdentifier() == ocspSigning { return true }
            }
        } catch {
            return false
        }
        return false
    }
}

extension CollateralBundle {
    /// The well-formed OCSP responses of the bundle; `malformed` gets the reasons for the others.
    public func ocspResponses(malformed: inout [ParseError]) -> [OCSPResponse] {
        var responses: [OCSPResponse] = []
        for (index, item) in items.enumerated() where item.kind == .ocspResponse {
            do throws(ParseError) {
                responses.append(try OCSPResponse(der: item.body, field: "collateral.items[\(index)]"))
            } catch {
                malformed.append(error)
            }
        }
        return responses
    }
}

extension ChainVerifier {
    /// Looks for answers about `certificate` that `issuer` vouches for.
    /// - Returns: `nil` when there is none; otherwise whether the newest one is current and good. Lines are written for it. A
    ///   validly signed answer that says `revoked` decides, whatever newer ones say.
    func checkStatus(
        of certificate: Certificate,
        issuer: Certificate,
        _ rules: ChainRules,
        into findings: inout Findings
    ) -> Bool? {
        var newest: OCSPResponse.Answer?
        for response in responses {
            let answers = response.answers.filter { answer in
                answer.serialNumber == certificate.serialNumber && answer.thisUpdate <= time
                    && answer.isAbout(issuer: issuer)
            }
            guard !answers.isEmpty, response.isSigned(by: issuer, at: time) else { continue }
            for answer in answers where newest?.status != .revoked {
                if answer.status == .revoked || newest.map({ $0.thisUpdate < answer.thisUpdate }) ?? true {
                    newest = answer
                }
            }
        }
        guard let answer = newest else { return nil }
        let id = rules.id + ".revocation"
        findings.holds(from: answer.thisUpdate)
        findings.rests(onIssueAt: answer.thisUpdate, what: "OCSP answer about '\(certificate.commonName)'")
        findings.holds(
            until: answer.nextUpdate,
            what: "OCSP answer about '\(certificate.commonName)' (nextUpdate)"
        )
        let isFresh = findings.requireFresh(
            rules.id + ".revocation.current",
            time <= answer.nextUpdate.adding(seconds: graceSeconds),
            expected: "nextUpdate not before \(time)",
            actual: "\(answer.nextUpdate)",
            source: "RFC 6960 §4.2.2.1"
        )
        guard answer.status != .unknown else {
            findings.missing(
                id,
                expected: "a responder that knows '\(certificate.commonName)'",
                actual: "status unknown",
                source: "RFC 6960 §2.2"
            )
            return false
        }
        let isGood = findings.require(
            id,
            answer.status == .good,
            expected: "status good for '\(certificate.commonName)'",
            actual: answer.status == .good ? "good" : "revoked",
            source: "RFC 6960 §2.2"
        )
        return isGood && isFresh
    }
}
