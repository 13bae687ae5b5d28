// One file with everything besides the evidence that a verification needs. Each item carries its own signature and date;
// the bundle itself is not trusted.

public import Codecs

/// What an item of collateral is.
public enum CollateralKind: String, Sendable, CaseIterable, Hashable {
    /// One DER certificate: an intermediate authority, a VCEK or VLEK, a PCK.
    case certificate = "x509-certificate"
    /// One DER revocation list.
    case revocationList = "x509-crl"
    /// The exact text of the `tcbInfo` value of an Intel TCB info, its signature and its issuer chain.
    case intelTCBInfo = "intel-tcb-info"
    /// The exact text of the `enclaveIdentity` value of an Intel QE identity, its signature and its issuer chain.
    case intelQEIdentity = "intel-qe-identity"
    /// One NVIDIA reference integrity manifest (SWID tag with an XML signature).
    case nvidiaRIM = "nvidia-rim"
    /// One DER OCSP response (RFC 6960).
    case ocspResponse = "ocsp-response"
    /// One TCG or CCEL event log.
    case eventLog = "event-log"
    /// One SEV-SNP ID block of 96 bytes with its authentication of 4,096.
    case amdIDBlock = "amd-id-block"
}

/// One item of collateral.
public struct CollateralItem: Sendable, Hashable {
    /// What it is.
    public var kind: CollateralKind
    /// Its bytes, exactly as they were signed.
    public var body: [UInt8]
    /// The raw signature, for kinds that carry it apart.
    public var signature: [UInt8]
    /// The issuer chain in PEM, for kinds that carry it apart.
    public var chain: [UInt8]

    /// Makes an item.
    public init(kind: CollateralKind, body: [UInt8], signature: [UInt8] = [], chain: [UInt8] = []) {
        self.kind = kind
        self.body = body
        self.signature = signature
        self.chain = chain
    }
}

/// A set of collateral, in any order.
///
/// Verifiers find what they need by content (issuer, FMSPC, chip), so a wrong or superfluous item can never be taken for
/// another one.
public struct CollateralBundle: Sendable {
    /// The items.
    public var items: [CollateralItem]

    /// Takes items.
    public init(_ items: [CollateralItem] = []) {
        self.items = items
    }

    /// The items of one kind.
    public func items(_ kind: CollateralKind) -> [CollateralItem] {
        items.filter { $0.kind == kind }
    }

    /// The most items of a bundle.
    public static let maxItems = 4096

    /// Reads `{"schema": "assay-collateral-1", "items": [{"kind": …, "body": BASE64, "signature": HEX, "chain": PEM}…]}`;
    /// `signature` and `chain` may be left out.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        try reader.constant("schema", "assay-collateral-1")
        items = try reader.array("items", max: Self.maxItems) { (value, path) throws(ParseError) -> CollateralItem in
            var item = try JSONReader(value, path)
            let kind: CollateralKind = try item.choice("kind")
            let body = try Base64.decode(try item.string("body", maxBytes: 12 << 20), field: item.path("body"))
            let signature = try item.optionalString("signature") ?? ""
            let chain = try item.optionalString("chain", maxBytes: 1 << 16) ?? ""
            try item.finish()
            return CollateralItem(
                kind: kind,
                body: body,
                signature: try Hex.decode(signature, field: item.path("signature")),
                chain: Array(chain.utf8)
            )
        }
        try reader.finish()
    }

    /// Reads the JSON text of a bundle.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        try self.init(try JSONValue(parsing: bytes, limits: JSONLimits(bytes: 64 << 20)))
    }

    /// The bundle as a JSON object.
    public var json: JSONValue {
        .object([
            "schema": .string("assay-collateral-1"),
            "items": .array(
                items.map { item in
                    var object: JSONObject = [
                        "kind": .string(item.kind.rawValue),
                        "body": .string(Base64.encode(item.body)),
                    ]
                    if !item.signature.isEmpty { object["signature"] = .string(Hex.encode(item.signature)) }
                    if !item.chain.isEmpty { object["chain"] = .string(String(decoding: item.chain, as: UTF8.self)) }
                    return .object(object)
                }
            ),
        ])
    }

    /// The well-formed revocation lists of the bundle. A malformed one covers nothing, so what needed it stays incomplete;
    /// `malformed` gets the reason.
    public func revocationLists(malformed: inout [ParseError]) -> [RevocationList] {
        var lists: [RevocationList] = []
        for (index, item) in items.enumerated() where item.kind == .revocationList {
            do throws(ParseError) {
                lists.append(try RevocationList(der: item.body, field: "collateral.items[\(index)]"))
            } catch {
                malformed.append(error)
            }
        }
        return lists
    }

    /// The well-formed certificates of the bundle; `malformed` gets the reasons for the others.
    /// - Parameter known: certificates that have been read before; where the bytes are the same, they are taken as they are.
    public func certificates(malformed: inout [ParseError], known: [Certificate] = []) -> [Certificate] {
        var certificates: [Certificate] = []
        for (index, item) in items.enumerated() where item.kind == .certificate {
            if let certificate = known.first(where: { $0.der == item.body }) {
                certificates.append(certificate)
                continue
            }
            do throws(ParseError) {
                certificates.append(try Certificate(der: item.body, field: "collateral.items[\(index)]"))
            } catch {
                malformed.append(error)
            }
        }
        return certificates
    }
}
