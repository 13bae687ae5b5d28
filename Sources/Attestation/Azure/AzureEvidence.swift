// The JSON envelope of Azure confidential VM evidence, as the guest components of the confidential containers project
// write it: HCL report, vTPM quote with its registers, and the hardware vendor's part (TD quote, or VCEK).
public import Codecs

/// Evidence of an Azure confidential VM. Nothing about it has been verified yet.
public struct AzureEvidence: Sendable {
    /// The HCL report.
    public let report: HCLReport
    /// The vTPM's quote.
    public let quote: TPMQuote
    /// The quote's signature.
    public let signature: TPMSignature
    /// The SHA-256 registers, PCR 0 first.
    public let values: PCRValues
    /// The TD quote; on TDX machines only.
    public let tdQuote: [UInt8]?
    /// The VCEK in DER, as it came along; on SNP machines only. It is a hint: its chain decides.
    public let vcek: [UInt8]?

    /// Reads the envelope: version 1 (base64url, hexadecimal) or the earlier one of byte arrays.
    public init(_ value: JSONValue, field: String = "azure") throws(ParseError) {
        var json = try JSONReader(value, field)
        let isVersioned = json.has("version")
        var tpm: JSONReader
        let reportBytes: [UInt8]
        if isVersioned {
            _ = try json.integer("version", in: 1...1)
            reportBytes = try Base64.decode(try json.string("hcl_report", maxBytes: 96 << 10), field: "hcl_report")
            tpm = try json.object("tpm_quote")
        } else {
            reportBytes = try Self.byteArray(try json.value("report"), max: 64 << 10, json.path("report"))
            tpm = try json.object("quote")
        }
        report = try HCLReport(parsing: reportBytes)
        let message: [UInt8]
        let signatureBytes: [UInt8]
        var registers: [[UInt8]] = []
        if isVersioned {
            message = try Hex.decode(try tpm.string("message"), field: tpm.path("message"))
            signatureBytes = try Hex.decode(try tpm.string("signature"), field: tpm.path("signature"))
        } else {
            message = try Self.byteArray(try tpm.value("message"), max: 2048, tpm.path("message"))
            signatureBytes = try Self.byteArray(try tpm.value("signature"), max: 1024, tpm.path("signature"))
        }
        for (index, item) in try tpm.array("pcrs", max: 24).enumerated() {
            let path = tpm.path("pcrs[\(index)]")
            if case .string(let text) = item {
                registers.append(try Hex.decode(text, count: 32, field: path))
            } else {
                registers.append(try Self.byteArray(item, max: 32, path))
            }
        }
        try tpm.finish()
        quote = try TPMQuote(parsing: message)
        signature = try TPMSignature(bareRSASSA: signatureBytes)
        values = try PCRValues(registers, bank: .sha256, field: tpm.path("pcrs"))
        switch report.kind {
        case .tdx:
            tdQuote = try Base64.decode(try json.string("td_quote", maxBytes: 64 << 10), field: json.path("td_quote"))
            vcek = nil
        case .sevSNP:
            tdQuote = nil
            vcek = try json.optionalString("vcek", maxBytes: 16 << 10).map { (text) throws(ParseError) -> [UInt8] in
                try Self.certificate(text, json.path("vcek"))
            }
        }
        try json.finish()
    }

    /// A certificate as PEM or as base64url of its DER.
    private static func certificate(_ text: String, _ field: String) throws(ParseError) -> [UInt8] {
        guard text.hasPrefix("-----BEGIN") else { return try Base64.decode(text, field: field) }
        let blocks = try PEM.decode(Array(text.utf8)[...], max: 1, field: field)
        guard let der = blocks.first else {
            throw ParseError(field: field, expected: "a certificate", actual: "none")
        }
        return der
    }

    private static func byteArray(_ value: JSONValue, max: Int, _ field: String) throws(ParseError) -> [UInt8] {
        guard case .array(let elements) = value, elements.count <= max else {
            throw ParseError(field: field, expected: "an array of at most \(max) bytes", actual: value.typeName)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(elements.count)
        for element in elements {
            guard case .number(let number) = element, let integer = number.integer, (0...255).contains(integer) else {
                throw ParseError(field: field, expected: "numbers from 0 to 255", actual: "another value")
            }
            bytes.append(UInt8(integer))
        }
        return bytes
    }
}

extension AzureEvidence {
    static let source = "Azure confidential VM guest attestation; TCG TPM 2.0 Library Part 2 §10.12"

    /// Checks the vTPM's part: the quote under the report's attestation key, and the registers.
    ///
    /// The attestation key is only as good as the hardware evidence that commits to it: `verifyBinding` checks that for
    /// the user data of evidence that its own family has found genuine.
    public func verifyQuote(into findings: inout Findings) {
        quote.verify(
            id: "azure.vtpm",
            signature: signature,
            key: report.attestationKey,
            values: values,
            into: &findings
        )
    }

    /// Checks that `reportData`, the 64 bytes of user data of the hardware evidence, commits to the report's JSON: its hash
    /// first, zero bytes after it.
    public func verifyBinding(reportData: some Collection<UInt8>, into findings: inout Findings) {
        findings.requireEqual(
            "azure.binding",
            expected: report.expectedReportData,
            actual: reportData,
            source: Self.source
        )
    }
}
