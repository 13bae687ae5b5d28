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
        case "car": return [try table(file)]
        case "negative" where file.path.contains("dag-pb-encode"): return try forms(file)
        case "negative" where file.path.contains("dag-cbor-decode"): return try refusals(file)
        default: return [file.skip("", "no rule for this file")]
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
            guard profile == "unixfs-v1-2025" || profile == "unixfs-v0-2015" else {
                checks.append(file.skip(id, "profile \(profile) is not known"))
                continue
            }
            let isOld = profile == "unixfs-v0-2015"
            // The old profile's leaves are blocks around the chunks, so that it needs the bytes and not just their digests.
            var bytes: [UInt8] = []
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
                    let part = stream.next(count)
                    if isOld { bytes += part } else { builder.update(part[...]) }
                    left -= count
                }
            } else {
                bytes = Array("hello world".utf8)
                builder.update(bytes[...])
            }
            let actual =
                isOld
                ? UnixFS.fileID(of: bytes, profile: .v0_2015).text : builder.finalized().cid?.text ?? "none"
            checks.append(file.check(id, actual == expected, expected: expected, actual: actual))
        }
        return checks
    }

    // MARK: Archives

    /// The manifest states roots and number of blocks of each archive, or that it is to be refused.
    private func archive(_ file: VectorFile) -> Check {
        let archive: CARArchive
        do throws(ParseError) {
            archive = try CARArchive(parsing: file.bytes)
        } catch {
            let expectsRefusal = file.expected.hasPrefix("reject")
            return file.check("", expectsRefusal, expected: file.expected, actual: error.description)
        }
        let roots = "roots=[" + archive.roots.map { "'\($0.text)'" }.joined(separator: ", ") + "]"
        let blocks = "blocks ok=\(archive.blocks.count) "
        var isAsStated = file.expected.contains(roots) && file.expected.contains(blocks)
        if file.expected.contains("extraction must refuse"), let root = archive.roots.first {
            // A path that leaves its root must not come out as an entry.
            isAsStated = isAsStated && (try? UnixFSReader(archive).entries(root: root)) == nil
        }
        return file.check("", isAsStated, expected: file.expected, actual: "\(roots) \(blocks)")
    }

    /// The table beside an archive: its blocks in order, or the logical form of its root.
    private func table(_ file: VectorFile) throws(ParseError) -> Check {
        let value = try JSONValue(parsing: file.bytes)
        let path = String(file.path.dropLast("json".count)) + "car"
        let archive = try CARArchive(parsing: try file.sibling(path))
        guard case .object(let object) = value, case .array(let rows)? = object["blocks"] else {
            let root = archive.blocks.first { $0.id == archive.roots.first }
            let form = try root.map { root throws(ParseError) in try DagPBNode(parsing: root.bytes).dagJSON }
            return file.check("", form == value, expected: "the root's logical form", actual: "another form")
        }
        var expected: [String] = []
        for (index, row) in rows.enumerated() {
            var reader = try JSONReader(row, "blocks[\(index)]")
            var link = try reader.object("cid")
            expected.append(try link.string("/"))
        }
        let actual = archive.blocks.map(\.id.text)
        return file.check("", actual == expected, expected: "\(expected.count) blocks in order", actual: "\(actual)")
    }

    // MARK: Blocks

    private func block(_ file: VectorFile) throws(ParseError) -> Check {
        let name = file.path.split(separator: "/").last?.split(separator: ".").first.map(String.init) ?? ""
        let id = try BlockIdentifier(text: name)
        guard id.matches(file.bytes[...]) == true else {
            return file.check("", false, expected: id.text, actual: "bytes of another block")
        }
        guard file.path.hasSuffix(".dag-pb") else {
            let item = try DagCBOR.item(parsing: file.bytes[...])
            let again = item.value.encoded(floats: .double)
            return file.check("", again == file.bytes, expected: "the same bytes again", actual: Hex.encode(again))
        }
        let node = try DagPBNode(parsing: file.bytes[...])
        return file.check("", node.bytes == file.bytes, expected: "the same bytes again", actual: "other bytes")
    }

    /// Bytes that no DAG-CBOR reader takes.
    private func refusals(_ file: VectorFile) throws(ParseError) -> [Check] {
        guard case .array(let rows) = try JSONValue(parsing: file.bytes) else {
            throw ParseError(field: "", expected: "an array", actual: "another value")
        }
        var checks: [Check] = []
        for (index, row) in rows.enumerated() {
            var reader = try JSONReader(row, "[\(index)]")
            let bytes = try Hex.decode(try reader.string("hex"))
            let isRefused = (try? DagCBOR.item(parsing: bytes[...])) == nil
            let actual = isRefused ? "reject" : "accept"
            checks.append(file.check(try reader.string("name"), isRefused, expected: "reject", actual: actual))
        }
        return checks
    }

    /// Logical forms that no dag-pb node has.
    private func forms(_ file: VectorFile) throws(ParseError) -> [Check] {
        guard case .array(let rows) = try JSONValue(parsing: file.bytes, limits: JSONLimits(allowsFractions: true))
        else {
            throw ParseError(field: "", expected: "an array", actual: "another value")
        }
        var checks: [Check] = []
        for (index, row) in rows.enumerated() {
            var reader = try JSONReader(row, "[\(index)]")
            let form = try reader.value("dag-json")
            let isRefused = (try? DagPBNode(dagJSON: form)) == nil
            let actual = isRefused ? "reject" : "accept"
            checks.append(file.check(try reader.string("name"), isRefused, expected: "reject", actual: actual))
        }
        return checks
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
