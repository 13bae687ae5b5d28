// Content identifiers and archives of the IPFS projects: IPIP-0499 profiles, CAR fixtures, blocks named by their CID.
internal import COpenSSL
public import Codecs
internal import Commitments
public import Verdicts

/// Family `ipfs`.
public struct IPFSVectors: VectorFamily {
    public let name = "ipfs"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        switch file.path.split(separator: "/").first {
        case "cid-profiles.json": return try profiles(file)
        case "car" where file.path.hasSuffix(".car"): return [archive(file)]
        case "codec": return [try block(file)]
        case "negative": return [file.skip("", "dag-cbor and dag-pb are not encoded from a data model here")]
        default: return [file.skip("", "a table for reading DAGs, which are not walked here")]
        }
    }

    // MARK: Profiles

    private func profiles(_ file: VectorFile) throws(ParseError) -> [Check] {
        guard case .array(let rows) = try JSONValue(parsing: file.bytes) else {
            throw ParseError(field: "", expected: "an array", actual: "another value")
        }
        var checks: [Check] = []
        for (index, row) in rows.enumerated() {
            var reader = try JSONReader(row, "[\(index)]")
            let profile = try reader.string("profile")
            let size = Int(try reader.integer("size", in: 0...1 << 32))
            let expected = try reader.string("cid")
            let id = "\(profile)/\(size)"
            guard profile == "unixfs-v1-2025" else {
                checks.append(file.skip(id, "profile \(profile) is not one that Assay writes"))
                continue
            }
            var builder = ArtefactBuilder()
            let input = try reader.value("input")
            if case .object = input {
                var rule = try JSONReader(input)
                guard var stream = ChaCha20Stream(seed: try rule.string("seed")) else {
                    checks.append(file.skip(id, "OpenSSL has no ChaCha20 here"))
                    continue
                }
                var left = size
                while left > 0 {
                    let count = min(left, 1 << 20)
                    builder.update(stream.next(count)[...])
                    left -= count
                }
            } else {
                builder.update(Array("hello world".utf8)[...])
            }
            let actual = builder.finalized().cid?.text ?? "none"
            checks.append(file.check(id, actual == expected, expected: expected, actual: actual))
        }
        return checks
    }

    // MARK: Archives

    private func archive(_ file: VectorFile) -> Check {
        let expectsRefusal = file.expected.hasPrefix("reject")
        do throws(ParseError) {
            let archive = try CAR(parsing: file.bytes, maxBlocks: 10_000, maxBlockBytes: 16 << 20)
            if expectsRefusal {
                return file.check("", false, expected: "reject", actual: "\(archive.blocks.count) blocks")
            }
            let expected = "blocks ok=\(archive.blocks.count) "
            let namesRoot = file.expected.contains("'\(archive.root.text)'")
            return file.check(
                "",
                file.expected.contains(expected) && namesRoot,
                expected: file.expected,
                actual: "root \(archive.root), \(expected)"
            )
        } catch {
            if expectsRefusal { return file.check("", true, expected: "reject", actual: "reject") }
            // Assay's archives have one root and CIDv1 names with SHA-256; a well-formed file of another profile is refused
            // with one of these reasons, and only with them.
            let isOtherProfile =
                error.field == "header" || error.field.hasPrefix("header.roots") || error.field.hasSuffix(".cid")
                || error.expected == "each block once"
            return isOtherProfile
                ? file.skip("", "an archive of another profile than one root, CIDv1, SHA-256, raw or dag-pb")
                : file.check("", false, expected: file.expected, actual: error.description)
        }
    }

    // MARK: Blocks

    private func block(_ file: VectorFile) throws(ParseError) -> Check {
        guard file.path.hasSuffix(".dag-pb"), let name = file.path.split(separator: "/").last?.dropLast(7) else {
            return file.skip("", "codec dag-cbor is not one that Assay names blocks with")
        }
        let cid = try CID(text: String(name))
        let actual = CID(codec: .dagPB, digest: SHA256.hash(file.bytes))
        return file.check("", cid == actual, expected: cid.text, actual: actual.text)
    }
}

/// The ChaCha20 keystream (RFC 8439 §2.4) with which IPIP-0499 defines its inputs: key = SHA-256(seed), zero nonce, counter 0.
private struct ChaCha20Stream: ~Copyable {
    private let context: OpaquePointer

    init?(seed: String) {
        guard let context = EVP_CIPHER_CTX_new() else { return nil }
        let nonce = [UInt8](repeating: 0, count: 16)
        let key = SHA256.hash(Array(seed.utf8)).bytes
        guard EVP_EncryptInit_ex(context, EVP_chacha20(), nil, key, nonce) == 1 else {
            EVP_CIPHER_CTX_free(context)
            return nil
        }
        self.context = context
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
    }

    /// The next `count` bytes.
    mutating func next(_ count: Int) -> [UInt8] {
        let zeros = [UInt8](repeating: 0, count: count)
        var output = [UInt8](repeating: 0, count: count)
        var written: Int32 = 0
        EVP_EncryptUpdate(context, &output, &written, zeros, Int32(count))
        return output
    }
}
