// Artefacts: the parallel scan against the sequential builder, range reads, Bao, pieces and the public vectors for them.
import COpenSSL
import Codecs
import Commitments
import Foundation
import Testing

/// A folder that goes with its last reference.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "assay-commitments-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true
        )
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }
}

/// Bytes that are cheap to make and differ from chunk to chunk.
func patterned(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBytes { buffer in
        var state: UInt64 = 0x1234_5678_9abc_def1
        var offset = 0
        while offset + 8 <= count {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            buffer.storeBytes(of: state, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
    }
    return bytes
}

@Suite struct ArtefactScanTests {
    static let mebibyte = 1 << 20

    @Test(arguments: [
        0, 1, 65, 1 << 14, 1 << 14 + 1, 1 << 20, 1 << 20 + 1, 3 << 20, 4 << 20, 4 << 20 + 5, 13 << 20 + 12345, 16 << 20,
    ])
    func `A scan gives the same names on every number of threads, from file and memory`(size: Int) throws {
        let bytes = patterned(size)
        let folder = try ScratchFolder()
        let file = try folder.write("data", bytes)
        var builder = ArtefactBuilder()
        var offset = 0
        while offset < size {
            let end = min(size, offset + 777_777)
            builder.update(bytes[offset..<end])
            offset = end
        }
        let expected = builder.finalized()
        let outboard = Bao.groups.outboard(bytes)
        var piece = PieceHasher()
        piece.update(bytes)
        for threads in [1, 2, 5] {
            let options = ScanOptions(outboardPath: folder.path + "/outboard", piece: true, threads: threads)
            let scans = [
                try ArtefactScan.file(file, options: options), try ArtefactScan.bytes(bytes, options: options),
            ]
            for names in scans {
                #expect(names.commitment == expected)
                #expect(names.cid == expected.cid)
                #expect(names.sha256 == SHA256.hash(bytes))
                #expect(names.blake3 == BLAKE3.hash(bytes))
                #expect(names.piece == piece.finalized())
            }
            let written = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/outboard"))
            #expect([UInt8](written) == outboard.encoding, "outboard of \(size) bytes on \(threads) threads")
        }
        #expect(outboard.root == BLAKE3.hash(bytes))
        #expect(UnixFS.fileID(of: bytes, profile: .v1_2025) == BlockIdentifier(expected.cid ?? .raw([1])))
    }

    @Test func `A scan says how far it is and leaves out what was not asked for`() throws {
        final class Seen: @unchecked Sendable { var last: (UInt64, UInt64) = (0, 0) }
        let seen = Seen()
        let bytes = patterned(9 << 20)
        let folder = try ScratchFolder()
        let file = try folder.write("data", bytes)
        let names = try ArtefactScan.file(file, options: ScanOptions(flatSHA256: false)) { seen.last = ($0, $1) }
        #expect(seen.last == (UInt64(bytes.count), UInt64(bytes.count)))
        #expect(names.sha256 == nil && names.blake3 == nil && names.piece == nil)
        #expect(throws: FileError.self) { try ArtefactScan.file(folder.path) }
        #expect(throws: FileError.self) { try ArtefactScan.file(folder.path + "/missing") }
        #expect(throws: FileError.self) { try ArtefactScan.file("/dev/zero") }
    }

    @Test func `A range read verifies its chunks and nothing else`() throws {
        let bytes = patterned(10_500)
        let names = ArtefactTree.commit(bytes, chunkSize: 1000)
        func verify(_ data: [UInt8], _ first: UInt64, _ proof: [Digest], _ length: UInt64 = 10_500) -> Bool {
            ArtefactTree.verifyRange(
                data,
                firstChunk: first,
                length: length,
                chunkSize: 1000,
                proof: proof,
                commitment: names.commitment
            )
        }
        for range in [0..<1, 999..<1001, 2500..<7000, 10_400..<10_500, 0..<10_500] as [Range<UInt64>] {
            let chunks = try #require(names.chunks(holding: range))
            let proof = try #require(names.rangeProof(chunks))
            let data = Array(bytes[Int(chunks.lowerBound) * 1000..<min(10_500, Int(chunks.upperBound) * 1000)])
            #expect(verify(data, chunks.lowerBound, proof))
            #expect(!verify(data, chunks.lowerBound + 1, proof))
            #expect(!verify(data, chunks.lowerBound, proof, 10_501))
            #expect(!verify(data.dropLast(), chunks.lowerBound, proof))
            #expect(!verify(data + [0], chunks.lowerBound, proof))
            #expect(!verify(data, chunks.lowerBound, proof + [.zero]))
            #expect(proof.isEmpty || !verify(data, chunks.lowerBound, proof.dropLast()))
            for position in stride(from: 0, to: data.count, by: 97) {
                var changed = data
                changed[position] ^= 0x80
                #expect(!verify(changed, chunks.lowerBound, proof))
            }
        }
        #expect(names.chunks(holding: 0..<0) == nil)
        #expect(names.chunks(holding: 10_499..<10_501) == nil)
    }

    @Test func `A Bao slice with 16 KiB groups shows its range and nothing else`() throws {
        let bytes = patterned(200_000)
        let (root, encoding) = Bao.groups.encode(bytes)
        #expect(root == BLAKE3.hash(bytes))
        #expect(try Bao.groups.decode(encoding, root: root, maxBytes: bytes.count) == bytes)
        #expect(throws: BaoError.self) { try Bao.groups.decode(encoding, root: root, maxBytes: bytes.count - 1) }
        let slice = Bao.groups.slice(bytes, start: 100_000, count: 5000)
        #expect(slice.count < 40_000)
        func decode(_ slice: [UInt8]) throws -> [UInt8] {
            try Bao.groups.decodeSlice(slice, root: root, start: 100_000, count: 5000, maxBytes: 1 << 20)
        }
        #expect(try decode(slice) == Array(bytes[100_000..<105_000]))
        for position in stride(from: 8, to: slice.count, by: 101) {
            var changed = slice
            changed[position] ^= 1
            #expect(throws: BaoError.self, "byte \(position)") { try decode(changed) }
        }
        for count in [0, 7, 8, 71, 72, slice.count - 1] {
            #expect(throws: BaoError.self) { try decode(Array(slice.prefix(count))) }
        }
        #expect(throws: BaoError.self) { try decode(slice + [0]) }
    }

    @Test func `A folder is named by its content, and links and odd names are kept out`() throws {
        let folder = try ScratchFolder()
        let root = folder.path + "/tree"
        try folder.write("tree/b.txt", Array("second".utf8))
        try folder.write("tree/a/deep.txt", Array("first".utf8))
        try FileManager.default.createDirectory(atPath: root + "/empty", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: root + "/link", withDestinationPath: "/etc/passwd")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: root + "/b.txt")
        let names = try FolderScan.folder(root)
        #expect(names.totalBytes == 11)
        #expect(names.manifest.entries.map(\.path) == ["a", "a/deep.txt", "b.txt", "empty", "link"])
        let manifest = String(decoding: names.manifest.bytes, as: UTF8.self)
        #expect(manifest.contains(#"{"path":"b.txt","type":"file","executable":true,"bytes":"6""#))
        #expect(try FolderManifest(parsing: names.manifest.bytes) == names.manifest)

        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: root + "/b.txt")
        let changed = try FolderScan.folder(root)
        #expect(changed.cid == names.cid && changed.manifest.digest != names.manifest.digest)
        try folder.write("tree/a/deep.txt", Array("First".utf8))
        #expect(try FolderScan.folder(root).cid != names.cid)

        try folder.write("tree/back\\slash", [])
        #expect(throws: FileError.self) { try FolderScan.folder(root) }
        try FileManager.default.removeItem(atPath: root + "/back\\slash")
        #expect(mkfifo(root + "/pipe", 0o600) == 0)
        #expect(throws: FileError.self) { try FolderScan.folder(root) }
    }

    @Test func `A manifest that leaves its folder or is not canonical is refused`() throws {
        let zero = String(repeating: "0", count: 64)
        func file(_ path: String) -> String {
            #"{"path":"\#(path)","type":"file","executable":false,"bytes":"1","sha256":"\#(zero)"}"# + "\n"
        }
        func parse(_ text: String) throws { _ = try FolderManifest(parsing: Array(text.utf8)) }
        try parse(file("a") + file("b"))
        try parse(#"{"path":"a","type":"directory"}"# + "\n" + file("a/b"))
        let bad: [String] = [
            [file("b"), file("a")].joined(), [file("a"), file("a")].joined(), file("../a"), file("/a"), file(""),
            file("a//b"), file("."),
            file("a/b"), [file("a"), file("a/b")].joined(), file("a\\\\b"), file("a\\u0000"),
            String(file("a").dropLast()),
            [" ", file("a")].joined(), [file("a"), "\n"].joined(), file("\\u0061"),
            "{\"type\":\"directory\",\"path\":\"a\"}\n", "{\"path\":\"a\",\"type\":\"device\"}\n",
            "{\"path\":\"a\",\"type\":\"directory\",\"mode\":\"1\"}\n", "{}\n", "x\n",
        ]
        for text in bad { #expect(throws: ParseError.self, "\(text)") { try parse(text) } }
    }
}

@Suite(.enabled(if: CommitmentVectors.isPresent, CommitmentVectors.missing))
struct ArtefactVectorTests {
    /// The input of the Bao vectors: a counter of four little-endian bytes, from 1.
    private func input(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for counter in 0..<UInt32(count / 4 + 1) { bytes.appendLittleEndian(counter + 1) }
        return Array(bytes.prefix(count))
    }

    @Test func `Bao vectors: encoding, outboard, seeking and slices, with every corruption refused`() throws {
        let vectors = try CommitmentVectors.json("bao/test_vectors.json")
        for vector in try vectors["hash"].elements {
            #expect(BLAKE3.hash(input(try vector["input_len"].number)).hex == (try vector["bao_hash"].text))
        }
        for kind in ["encode", "outboard"] {
            for vector in try vectors[kind].elements {
                let input = input(try vector["input_len"].number)
                let (root, encoding) = kind == "encode" ? Bao.chunks.encode(input) : Bao.chunks.outboard(input)
                #expect(root.hex == (try vector["bao_hash"].text))
                #expect(encoding.count == (try vector["output_len"].number))
                #expect(BLAKE3.hash(encoding).hex == (try vector["encoded_blake3"].text))
                func decode(_ encoding: [UInt8], _ data: [UInt8]) throws(BaoError) {
                    if kind == "encode" {
                        let decoded = try Bao.chunks.decode(encoding, root: root, maxBytes: 1 << 20)
                        #expect(decoded == input)
                    } else {
                        try Bao.chunks.verify(data, outboard: encoding, root: root)
                    }
                }
                try decode(encoding, input)
                for offset in try vector[kind == "encode" ? "corruptions" : "outboard_corruptions"].elements {
                    var changed = encoding
                    changed[try offset.number] ^= 1
                    #expect(throws: BaoError.self, "\(kind), byte \(offset)") { try decode(changed, input) }
                }
                if kind == "outboard" {
                    for offset in try vector["input_corruptions"].elements {
                        var changed = input
                        changed[try offset.number] ^= 1
                        #expect(throws: BaoError.self) { try decode(encoding, changed) }
                    }
                }
            }
        }
        for vector in try vectors["seek"].elements {
            let input = input(try vector["input_len"].number)
            for offset in try vector["seek_offsets"].elements {
                let start = try offset.number
                let slice = Bao.chunks.slice(input, start: UInt64(start), count: .max)
                let decoded = try Bao.chunks.decodeSlice(
                    slice,
                    root: BLAKE3.hash(input),
                    start: UInt64(start),
                    count: .max,
                    maxBytes: 1 << 20
                )
                #expect(decoded == Array(input.dropFirst(start)))
            }
        }
        var slices = 0
        for vector in try vectors["slice"].elements {
            let input = input(try vector["input_len"].number)
            let root = try Digest(hex: vector["bao_hash"].text)
            for vector in try vector["slices"].elements {
                let (start, count) = (UInt64(try vector["start"].number), UInt64(try vector["len"].number))
                let slice = Bao.chunks.slice(input, start: start, count: count)
                #expect(slice.count == (try vector["output_len"].number))
                #expect(BLAKE3.hash(slice).hex == (try vector["output_blake3"].text))
                func decode(_ slice: [UInt8]) throws -> [UInt8] {
                    try Bao.chunks.decodeSlice(slice, root: root, start: start, count: count, maxBytes: 1 << 20)
                }
                #expect(try decode(slice) == Array(input.dropFirst(Int(start)).prefix(Int(count))))
                for offset in try vector["corruptions"].elements {
                    var changed = slice
                    changed[try offset.number] ^= 1
                    #expect(throws: BaoError.self, "slice \(start)+\(count), byte \(offset)") { try decode(changed) }
                }
                slices += 1
            }
        }
        #expect(slices > 100)
    }

    /// The payloads of `vector.csv` are named by their CIDs and not published, so that its rows cannot be recomputed.
    @Test func `Piece commitments of constant payloads`() throws {
        for (file, byte) in [("zero.txt", UInt8(0)), ("0xCC.txt", 0xcc)] {
            let text = String(decoding: try CommitmentVectors.bytes("filecoin/" + file), as: UTF8.self)
            var rows = 0
            for line in text.split(whereSeparator: \.isNewline) {
                let parts = line.split(separator: ",")
                let (size, padded) = try (#require(Int(parts[0])), #require(UInt64(parts[1])))
                let payload = [UInt8](repeating: byte, count: size)
                for step in [1, 100, size] {
                    var hasher = PieceHasher()
                    for start in stride(from: 0, to: size, by: step) {
                        hasher.update(Array(payload[start..<min(size, start + step)]))
                    }
                    let piece = try #require(hasher.finalized())
                    #expect(piece.paddedSize == padded && piece.id.text == String(parts[2]), "\(size) bytes of \(byte)")
                }
                rows += 1
            }
            #expect(rows == 18)
        }
        var short = PieceHasher()
        short.update([UInt8](repeating: 0, count: 64))
        #expect(short.finalized() == nil)
    }

    /// ChaCha20 keystream under SHA-256 of the seed: the generator that the profile vectors name.
    private func keystream(_ seed: String, _ count: Int, _ use: (UnsafeRawBufferPointer) -> Void) throws {
        let context = try #require(EVP_CIPHER_CTX_new())
        defer { EVP_CIPHER_CTX_free(context) }
        let nonce = [UInt8](repeating: 0, count: 16)
        #expect(EVP_EncryptInit_ex(context, EVP_chacha20(), nil, SHA256.hash(Array(seed.utf8)).bytes, nonce) == 1)
        let zeros = [UInt8](repeating: 0, count: 4 << 20)
        var output = zeros
        var left = count
        while left > 0 {
            let part = min(left, zeros.count)
            var written: Int32 = 0
            #expect(EVP_EncryptUpdate(context, &output, &written, zeros, Int32(part)) == 1)
            output.withUnsafeBytes { use(UnsafeRawBufferPointer(rebasing: $0[..<part])) }
            left -= part
        }
    }

    @Test func `File identifiers of both IPFS profiles`() throws {
        for vector in try CommitmentVectors.json("ipfs/cid-profiles.json").elements {
            let size = try vector["size"].number
            let expected = try vector["cid"].text
            if case .string(let text) = try vector["input"] {
                #expect(text == "the 11 bytes \"hello world\"")
                let bytes = Array("hello world".utf8)
                let isOld = try vector["profile"].text == "unixfs-v0-2015"
                #expect(UnixFS.fileID(of: bytes, profile: isOld ? .v0_2015 : .v1_2025).text == expected)
                continue
            }
            let seed = try vector["input"]["seed"].text
            if try vector["profile"].text == "unixfs-v0-2015" {
                var bytes: [UInt8] = []
                try keystream(seed, size) { bytes += $0 }
                #expect(UnixFS.fileID(of: bytes, profile: .v0_2015).text == expected, "\(size) bytes")
            } else {
                // A GiB passes through the builder in pieces: nothing but digests is kept.
                var builder = ArtefactBuilder()
                try keystream(seed, size) { builder.update($0) }
                #expect(builder.finalized().cid?.text == expected, "\(size) bytes")
            }
        }
    }
}
