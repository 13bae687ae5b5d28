// What an item of collateral says about itself: reading it is the proof that it has its form, before it is stored or used.

public import Codecs

/// What an item of collateral is about, and how long it says that it counts.
public struct CollateralSummary: Sendable, Equatable {
    /// The subject: a name, a platform family, a version.
    public var subject: String
    /// The first second at which it counts; `nil` when it does not say.
    public var from: Timestamp?
    /// The last second at which it counts; `nil` when it does not say.
    public var until: Timestamp?
}

extension CollateralItem {
    /// Reads the item and says what it is about. No signature is checked.
    /// - Throws: `ParseError` when the bytes do not have the form of the item's kind.
    public func summary(field: String = "item") throws(ParseError) -> CollateralSummary {
        switch kind {
        case .certificate:
            let certificate = try Certificate(der: body, field: field)
            return CollateralSummary(
                subject: certificate.commonName,
                from: certificate.notBefore,
                until: certificate.notAfter
            )
        case .revocationList:
            let list = try RevocationList(der: body, field: field)
            let issuer = Certificate.commonName(of: list.issuer)
            return CollateralSummary(
                subject: "\(issuer), \(list.revokedSerialNumbers.count) revoked",
                from: list.thisUpdate,
                until: list.nextUpdate
            )
        case .intelTCBInfo:
            let info = try TCBInfo(parsing: body)
            try requireSigned(field)
            return CollateralSummary(
                subject: "\(info.id) \(Hex.encode(info.fmspc)), evaluation \(info.evaluationDataNumber)",
                from: info.issueDate,
                until: info.nextUpdate
            )
        case .intelQEIdentity:
            let identity = try EnclaveIdentity(parsing: body)
            try requireSigned(field)
            return CollateralSummary(
                subject: "\(identity.id), evaluation \(identity.evaluationDataNumber)",
                from: identity.issueDate,
                until: identity.nextUpdate
            )
        case .nvidiaRIM:
            let manifest = try ReferenceManifest(parsing: body)
            return CollateralSummary(subject: "\(manifest.product) \(manifest.version)", from: nil, until: nil)
        case .ocspResponse:
            let response = try OCSPResponse(der: body, field: field)
            let serials = response.answers.map { Hex.encode($0.serialNumber) }.joined(separator: ", ")
            return CollateralSummary(
                subject: "serial \(serials)",
                from: response.answers.map(\.thisUpdate).max(),
                until: response.answers.map(\.nextUpdate).min()
            )
        case .amdIDBlock:
            let block = try SNPIdentityBlock(parsing: body, field: field)
            return CollateralSummary(subject: "guest measured \(Hex.encode(block.measurement.prefix(8)))…")
        case .eventLog:
            let log = try TCGEventLog(parsing: body)
            return CollateralSummary(subject: "\(log.events.count) events", from: nil, until: nil)
        }
    }

    /// Signed JSON carries its signature and its issuer chain apart.
    private func requireSigned(_ field: String) throws(ParseError) {
        guard signature.count == 64 else {
            throw ParseError(field: field + ".signature", expected: "64 bytes", actual: "\(signature.count) bytes")
        }
        guard !(try Certificate.chain(pem: chain[...], field: field + ".chain")).isEmpty else {
            throw ParseError(field: field + ".chain", expected: "certificates", actual: "none")
        }
    }
}
