// Commitments and the log against their bars. Each ratio compares two things in one run of this program.
//
//   commitment-bench               everything but the file
//   commitment-bench file PATH     a whole commit of a file against `openssl dgst -sha256`
//   commitment-bench scan PATH [THREADS] [flat]   one commit, for the line above
import AssayTesting
import COpenSSLPeer
import Commitments
import Foundation
import LogKeeping
import Receipts
import Signatures
import TransparencyLog

func gigabytes(_ bytes: Int, _ seconds: Double) -> String { format(Double(bytes) / seconds / 1e9) + " GB/s" }

func pseudoRandom(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        UnsafeMutableRawBufferPointer(buffer).withMemoryRebound(to: UInt64.self) { words in
            for index in words.indices {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                words[index] = state
            }
        }
        initialized = count
    }
}

/// Runs a program and gives its output and the seconds that it took on the wall.
func run(_ program: String, _ arguments: [String]) throws -> (output: String, wall: Double) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    var text = ""
    let time = try Clock.measure {
        try process.run()
        text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
    }
    return (text, time.wall)
}

func tree(_ mebibytes: Int) throws {
    let bytes = pseudoRandom(mebibytes << 20)
    let flat = Clock.median {
        let context = EVP_MD_CTX_new()
        EVP_DigestInit_ex(context, EVP_sha256(), nil)
        bytes.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
                EVP_DigestUpdate(context, bytes.baseAddress! + start, 1 << 20)
            }
        }
        var digest = [UInt8](repeating: 0, count: 32)
        EVP_DigestFinal_ex(context, &digest, nil)
        EVP_MD_CTX_free(context)
    }
    var roots: Set<Digest> = []
    func scan(_ threads: Int) throws {
        let options = ScanOptions(flatSHA256: false, threads: threads)
        roots.insert(try ArtefactScan.bytes(bytes, options: options).commitment.commitment)
    }
    // In turns, so that a change of clock or of neighbours meets both alike.
    let runs = try Clock.inTurns(9, { try scan(1) }, { try scan(2) })
    let (one, two) = (runs.first, runs.second)
    precondition(roots.count == 1)
    print("SHA-256, OpenSSL EVP, \(mebibytes) MiB: \(gigabytes(bytes.count, flat.processor)) per processor-second")
    let ratio = format(flat.processor / one.processor)
    print("assay-tree-1, one thread: \(gigabytes(bytes.count, one.processor)), \(ratio)x EVP")
    // What two processors lose to each other (clock, cache, a shared core) shows in their processor time; the rest is
    // the code's.
    let (gain, cost) = (format(one.wall / two.wall), format(two.processor / one.processor, 3))
    print("assay-tree-1, two threads: \(gain)x one thread on the wall, \(cost)x its processor time")

    var digest = Digest.zero
    let blake3 = Clock.median {
        var hash = BLAKE3()
        hash.update(bytes)
        digest = hash.finalized()
    }
    let peer = """
        import blake3, time
        # Not zeros: untouched zero pages would all be one page in the cache.
        d = b"\\x01" * \(bytes.count)
        t = []
        for _ in range(4):
            a = time.process_time(); blake3.blake3(d).digest(); t.append(time.process_time() - a)
        print(sorted(t[1:])[1])
        """
    let ones = [UInt8](repeating: 1, count: bytes.count)
    let same = Clock.median { digest = BLAKE3.hash(ones) }
    print("BLAKE3, one thread: \(gigabytes(bytes.count, blake3.processor)) (\(digest.hex.prefix(8)))")
    if let seconds = Double(try run("python3", ["-c", peer]).output.trimmingCharacters(in: .whitespacesAndNewlines)) {
        let ratio = format(seconds / same.processor)
        print("BLAKE3, PyPI package: \(gigabytes(bytes.count, seconds)); Assay is \(ratio)x of it")
    } else {
        print("BLAKE3, PyPI package: not installed")
    }
    let piece = Clock.measure {
        var hasher = PieceHasher()
        bytes.prefix(128 << 20).withUnsafeBytes { hasher.update($0) }
        _ = hasher.finalized()
    }
    print("CommP: \(gigabytes(min(bytes.count, 128 << 20), piece.processor))")
}

func proofs() {
    let count = 1 << 20
    let leaves = (0..<count).map { index in
        MerkleTree.leafHash((0..<8).map { UInt8(truncatingIfNeeded: index >> (8 * $0)) })
    }
    var levels = MerkleLevels(leafHashes: [])
    let build = Clock.measure { levels = MerkleLevels(leafHashes: leaves) }
    print("tree of 2^20 leaves: \(format(Double(count) / build.processor / 1e6)) M nodes/s")
    let sample = stride(from: 0, to: count, by: 13).map(UInt64.init)
    var paths: [[Digest]] = []
    let prove = Clock.measure { paths = sample.compactMap { levels.inclusionProof(index: $0) } }
    print("inclusion proofs, 2^20 leaves: \(format(Double(sample.count) / prove.processor / 1e3, 0)) k/s")
    var valid = 0
    let verify = Clock.median {
        valid = 0
        for (index, path) in zip(sample, paths) {
            let isValid = MerkleTree.verifyInclusion(
                leaf: leaves[Int(index)],
                index: index,
                size: UInt64(count),
                proof: path,
                root: levels.root
            )
            if isValid { valid += 1 }
        }
    }
    precondition(valid == sample.count)
    print("inclusion verify, 2^20 leaves: \(format(Double(valid) / verify.processor / 1e3, 0)) k/s on one core")
}

func log() async throws {
    let folder = NSTemporaryDirectory() + "commitment-bench-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let keeper = try LogKeeper(
        path: folder + "/log",
        queue: folder + "/queue.sqlite",
        origin: "log.example/bench",
        signingKey: SigningKey(seed: [UInt8](repeating: 1, count: 32))
    )
    let (rounds, batch) = (40, 2500)
    var slowest = 0.0
    var proofs = 0
    let time = try await Clock.measure {
        for round in 0..<rounds {
            let entries = (0..<batch).map { index in Array("entry \(round) \(index) with a digest of 32 bytes".utf8) }
            let step = try await Clock.measure {
                // Requests of fifty entries each, as many clients would send them.
                for start in stride(from: 0, to: batch, by: 50) {
                    _ = try await keeper.append(Array(entries[start..<start + 50]))
                }
                let signed = try await keeper.integrate()
                let tree = TileTree(size: signed.checkpoint.size, source: keeper.folder)
                for index in 0..<batch {
                    let place = UInt64(round * batch + index)
                    guard let path = try tree.inclusionProof(index: place) else { continue }
                    proofs += LogProof(index: place, path: path, checkpoint: signed).path.count > 0 ? 1 : 0
                }
            }
            slowest = max(slowest, step.wall)
        }
    }
    let entries = Double(rounds * batch)
    print(
        "log: \(format(entries / time.wall, 0)) entries/s with \(proofs) proofs, SQLite FULL, 50 entries a transaction; "
            + "the slowest entry waited \(format(slowest)) s"
    )
}

let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case nil:
    try tree(1024)
    proofs()
    try await receipts()
    try await log()
case "receipts": try await receipts()
case "log": try await log()
case "proofs": proofs()
case "tree": try tree(arguments.count > 1 ? Int(arguments[1]) ?? 1024 : 1024)
case "scan" where arguments.count >= 2:
    let threads = arguments.count > 2 ? Int(arguments[2]) : nil
    let options = ScanOptions(flatSHA256: arguments.last == "flat", threads: threads)
    let names = try ArtefactScan.file(arguments[1], options: options)
    print("\(names.commitment.commitment) \(names.cid) \(peakMebibytes())")
case "file" where arguments.count >= 2:
    let own = CommandLine.arguments[0]
    _ = try run("openssl", ["dgst", "-sha256", arguments[1]])
    for _ in 0..<2 {
        let peer = try run("openssl", ["dgst", "-sha256", arguments[1]])
        for (label, extra) in [
            ("one thread", ["1"]), ("two threads", ["2"]), ("one thread, flat SHA-256 too", ["1", "flat"]),
            ("two threads, flat SHA-256 too", ["2", "flat"]),
        ] {
            let scan = try run(own, ["scan", arguments[1]] + extra)
            let memory = scan.output.split(separator: " ").last ?? "?"
            print(
                "commit, \(label): \(format(scan.wall)) s, \(format(peer.wall / scan.wall))x openssl dgst "
                    + "(\(format(peer.wall)) s), \(memory.trimmingCharacters(in: .whitespacesAndNewlines)) MiB"
            )
        }
    }
default:
    print("usage: commitment-bench [tree MIB | proofs | receipts | log | file PATH | scan PATH [THREADS] [flat]]")
    exit(64)
}
