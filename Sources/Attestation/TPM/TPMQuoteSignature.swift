// The cryptographic part of TPM appraisal: the quote's signature, and that the given register values are the quoted ones.
public import Codecs

/// Register values by bank (TCG algorithm id) and index, as they come with a quote. Worth nothing until the quote's digest
/// has been compared.
public struct PCRValues: Sendable, Equatable {
    /// The values.
    public var banks: [UInt16: [Int: [UInt8]]]

    /// Takes the values of several banks.
    public init(banks: [UInt16: [Int: [UInt8]]]) {
        self.banks = banks
    }

    /// Takes the values of one bank, the first of which is PCR 0.
    /// - Throws: `ParseError` for more than 32 registers and for a value of another length than the bank's digests.
    public init(_ values: [[UInt8]], bank: HashAlgorithm, field: String = "pcrs") throws(ParseError) {
        guard values.count <= 32 else {
            throw ParseError(field: field, expected: "at most 32 registers", actual: "\(values.count)")
        }
        var registers: [Int: [UInt8]] = [:]
        for (index, value) in values.enumerated() {
            guard value.count == bank.digestCount else {
                let expected = "\(bank.digestCount) bytes"
                throw ParseError(field: "\(field)[\(index)]", expected: expected, actual: "\(value.count) bytes")
            }
            registers[index] = value
        }
        banks = [bank.tcgIdentifier: registers]
    }

    /// The value of one register.
    public subscript(bank: HashAlgorithm, index: Int) -> [UInt8]? {
        banks[bank.tcgIdentifier]?[index]
    }
}

extension TPMQuote {
    static let source = "TCG TPM 2.0 Library Part 2 §10.12"

    /// Checks that `key` signed the quote and that the quoted digest is the digest of `values`.
    ///
    /// Whether `key` is an attestation key of a genuine TPM is another question: see the caller.
    public func verify(
        id: String,
        signature: TPMSignature,
        key: PublicKey,
        values: PCRValues,
        into findings: inout Findings
    ) {
        guard let hash = HashAlgorithm(tcg: signature.hash), hash != .sha1 else {
            findings.require(
                id + ".signature",
                false,
                expected: "a signature over SHA-256, SHA-384 or SHA-512",
                actual: "hash \(String(signature.hash, radix: 16))",
                source: Self.source
            )
            return
        }
        findings.require(
            id + ".signature",
            Self.isSigned(signedBytes, signature, hash, key),
            expected: "signed by the attestation key",
            actual: "\(signature.scheme) with \(hash.rawValue), key \(key.kind)",
            source: "TCG TPM 2.0 Library Part 2 §11.3"
        )
        verifyDigest(id: id, hash: hash, values: values, into: &findings)
    }

    private static func isSigned(
        _ message: [UInt8],
        _ signature: TPMSignature,
        _ hash: HashAlgorithm,
        _ key: PublicKey
    ) -> Bool {
        switch (signature.scheme, key.kind) {
        case (.rsassa, .rsa):
            return key.isValid(rsa: signature.value[...], padding: .pkcs1, hash: hash, message: message[...])
        case (.rsapss, .rsa):
            return key.isValid(rsa: signature.value[...], padding: .pss, hash: hash, message: message[...])
        case (.ecdsa, .ellipticCurve):
            let half = signature.value.count / 2
            let pair = ECDSASignature(r: signature.value.prefix(half), s: signature.value.dropFirst(half))
            return key.isValid(pair, digest: hash.digest(message))
        default: return false
        }
    }

    /// Compares the quoted digest with the concatenation of the selected registers, in the order of the selection
    /// (Part 1 §17.6). A register that was quoted but is not given fails: its place in the concatenation is unknown.
    private func verifyDigest(id: String, hash: HashAlgorithm, values: PCRValues, into findings: inout Findings) {
        var concatenation: [UInt8] = []
        for selection in selections {
            for register in selection.registers {
                guard let value = values.banks[selection.bank]?[register] else {
                    findings.require(
                        id + ".pcrDigest",
                        false,
                        expected: "a value for each quoted register",
                        actual: "none for PCR \(register) of bank \(String(selection.bank, radix: 16))",
                        source: Self.source
                    )
                    return
                }
                concatenation.append(contentsOf: value)
            }
        }
        findings.requireEqual(
            id + ".pcrDigest",
            expected: pcrDigest,
            actual: hash.digest(concatenation),
            source: Self.source
        )
        let quoted = Dictionary(selections.map { ($0.bank, Set($0.registers)) }) { $0.union($1) }
        let unquoted = values.banks.sorted { $0.key < $1.key }.flatMap { bank, registers in
            registers.keys.filter { quoted[bank]?.contains($0) != true }.sorted()
        }
        if !unquoted.isEmpty {
            let names = unquoted.map(String.init).joined(separator: ", ")
            findings.notApplicable(id + ".unquoted", why: "given but not quoted: PCR \(names)", source: Self.source)
        }
    }

    /// The given values of the registers that the quote covers; the only ones that a policy or a replay may use.
    public func quotedValues(_ values: PCRValues, bank: HashAlgorithm) -> [Int: [UInt8]] {
        guard let selection = selections.first(where: { $0.bank == bank.tcgIdentifier }) else { return [:] }
        let registers = Set(selection.registers)
        return (values.banks[bank.tcgIdentifier] ?? [:]).filter { registers.contains($0.key) }
    }
}
