// The message by which an engine lets a contract pay: it refers to a receipt by digest and says nothing twice that the receipt
// says. This engine settles in its own ledger and signs no such message; it checks those of engines that settle on a chain.
public import Codecs
public import Commitments
public import Signatures

/// An account on an EVM chain: the last 20 bytes of Keccak-256 of a secp256k1 point.
public struct ChainAddress: Hashable, Sendable, CustomStringConvertible {
    /// The 20 bytes.
    public let bytes: [UInt8]

    /// The address of a key.
    public init(of key: Secp256k1Key) {
        bytes = Array(Keccak.hash(Array(key.uncompressed.dropFirst()), .keccak256).bytes.dropFirst(12))
    }

    /// Reads 0x and 40 hexadecimal digits; digits of both cases must have the checksum of EIP-55.
    public init(text: String, field: String = "address") throws(ParseError) {
        guard text.hasPrefix("0x"), text.utf8.count == 42 else {
            throw ParseError(field: field, expected: "0x and 40 hexadecimal digits", actual: text)
        }
        bytes = try Hex.decode(text.dropFirst(2), allowsUpperCase: true, field: field)
        let digits = text.dropFirst(2)
        guard digits == digits.lowercased() || digits == digits.uppercased() || text == self.text else {
            throw ParseError(field: field, expected: self.text, actual: text)
        }
    }

    /// 0x and 40 hexadecimal digits with the checksum of EIP-55.
    public var text: String {
        let digits = Array(Hex.encode(bytes).utf8)
        let hash = Keccak.hash(digits, .keccak256).bytes
        let mixed = digits.enumerated().map { index, digit in
            let nibble = hash[index / 2] >> (index.isMultiple(of: 2) ? 4 : 0) & 15
            return digit >= 0x61 && nibble >= 8 ? digit - 0x20 : digit
        }
        return "0x" + String(decoding: mixed, as: UTF8.self)
    }

    public var description: String { text }
}

/// `JobSettlement(bytes32 receiptDigest,bytes32 jobId,address payee,uint256 amount,uint64 deadline,uint256 nonce)` under a
/// domain with chain and escrow contract (EIP-712). The deadline and the nonce are there because EIP-712 itself does not keep
/// a signature from being used twice.
public struct ChainSettlement: Sendable, Equatable {
    /// The chain.
    public var chainID: UInt64
    /// The contract that holds the money.
    public var escrow: ChainAddress
    /// The digest of the receipt's signed payload.
    public var receiptDigest: Digest
    /// The job.
    public var jobID: JobID
    /// Who is paid.
    public var payee: ChainAddress
    /// The amount in the token's smallest unit.
    public var amount: UInt64
    /// Until when the contract takes the message, in seconds since 1970.
    public var deadline: UInt64
    /// A number that the contract takes once.
    public var nonce: UInt64

    /// Describes a payment.
    public init(
        chainID: UInt64,
        escrow: ChainAddress,
        receiptDigest: Digest,
        jobID: JobID,
        payee: ChainAddress,
        amount: UInt64,
        deadline: UInt64,
        nonce: UInt64
    ) {
        self.chainID = chainID
        self.escrow = escrow
        self.receiptDigest = receiptDigest
        self.jobID = jobID
        self.payee = payee
        self.amount = amount
        self.deadline = deadline
        self.nonce = nonce
    }

    /// The message for wallets and contracts.
    public var typedData: TypedData {
        func member(_ type: String, _ name: String) -> TypedData.Member { TypedData.Member(name: name, type: type) }
        return TypedData(
            types: [
                "EIP712Domain": [
                    member("string", "name"), member("string", "version"), member("uint256", "chainId"),
                    member("address", "verifyingContract"),
                ],
                "JobSettlement": [
                    member("bytes32", "receiptDigest"), member("bytes32", "jobId"), member("address", "payee"),
                    member("uint256", "amount"), member("uint64", "deadline"), member("uint256", "nonce"),
                ],
            ],
            primaryType: "JobSettlement",
            domain: [
                "name": .string("Assay"),
                "version": .string("1"),
                "chainId": .string(String(chainID)),
                "verifyingContract": .string(escrow.text),
            ],
            message: [
                "receiptDigest": .string("0x" + receiptDigest.hex),
                "jobId": .string("0x" + jobID.digest.hex),
                "payee": .string(payee.text),
                "amount": .string(String(amount)),
                "deadline": .string(String(deadline)),
                "nonce": .string(String(nonce)),
            ]
        )
    }

    /// Whether `signer` signed exactly this payment.
    /// - Parameter signature: r ‖ s ‖ v, 65 bytes, v being 27 or 28; s must be the lower one (EIP-2).
    public func isSigned(by signer: ChainAddress, signature: [UInt8]) -> Bool {
        guard signature.count == 65, signature[64] == 27 || signature[64] == 28,
            let digest = try? typedData.digest(), let pair = try? Secp256k1Key.Signature(Array(signature.prefix(64))),
            pair.hasLowS,
            let key = Secp256k1Key(recoveringFrom: pair, recovery: signature[64] - 27, digest: digest.bytes)
        else { return false }
        return ChainAddress(of: key) == signer
    }
}
