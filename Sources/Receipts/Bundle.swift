// The bundle (`*.assay`): everything that an auditor needs about one job in one file. A CARv1 whose root block is a manifest,
// signed by the engine, that lists every other block; so neither adding nor leaving out a document goes unseen.
public import Codecs
public import Commitments
public import Signatures

/// Why a bundle cannot be read.
public enum BundleError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It does not have a bundle's form.
    case malformed(ParseError)
    /// It has a bundle's form, and a block does not hash to its name.
    case corrupt(block: CID)

    public var description: String {
        switch self {
        case .malformed(let error): error.description
        case .corrupt(let block): "block \(block): expected the bytes of that name, found others"
        }
    }
}

/// A bundle whose form is right and whose blocks hash to their names. Its signature has not been looked at.
public struct Bundle: Sendable {
    /// The schema of the manifest.
    public static let schema = "assay.bundle/1"
    /// The DSSE payload type of the manifest.
    public static let payloadType = "application/vnd.assay.bundle.v1+json"
    /// The most members of a bundle.
    public static let maxMembers = 2048
    /// The longest member in bytes: 64 MiB.
    public static let maxMemberBytes = 64 << 20
    /// The most bytes of a bundle: 256 MiB.
    public static let maxBytes = 256 << 20
    /// The most verdicts in a bundle.
    public static let maxVerdicts = 64

    /// A file that belongs to the job and is too large for the bundle.
    public struct Absent: Sendable, Equatable {
        /// `input/<path>` or `output/<slot>`.
        public var name: String
        /// The identity of the file as the spec or the execution statement has it.
        public var identity: ArtefactIdentity

        /// Names an absent file.
        public init(name: String, identity: ArtefactIdentity) {
            self.name = name
            self.identity = identity
        }
    }

    /// The job.
    public let jobID: JobID
    /// The bytes of every member by its name.
    public let members: [String: [UInt8]]
    /// The members' names in order.
    public let names: [String]
    /// The files that were left out, in order of their names.
    public let absent: [Absent]
    /// The signed manifest.
    public let manifest: Envelope
    /// The offline proof (c2sp.org/tlog-proof) that the receipt is in a log, if one was attached. It is made after the bundle, so
    /// the manifest does not cover it: it stands or falls by its own signatures.
    public let logProof: [UInt8]?

    /// How every such proof begins.
    private static let logProofHead = Array("c2sp.org/tlog-proof@v1\n".utf8)
    /// The longest proof in bytes.
    public static let maxLogProofBytes = 2 << 20

    /// Writes a bundle and signs its manifest.
    ///
    /// The same members give the same bytes. What was written is read back before it is returned.
    /// - Throws: `DocumentError` when a name, a count or a length is out of bounds, or the key cannot sign.
    public static func seal(
        jobID: JobID,
        members: [String: [UInt8]],
        absent: [Absent] = [],
        with key: SigningKey
    ) throws(DocumentError) -> [UInt8] {
        let names = members.keys.sorted(by: Self.precedes)
        var blocks: [(cid: CID, bytes: [UInt8])] = []
        var seen: Set<CID> = []
        var entries: [JSONValue] = []
        for name in names {
            guard let bytes = members[name] else { continue }
            let cid = CID.raw(bytes)
            if seen.insert(cid).inserted { blocks.append((cid, bytes)) }
            entries.append(Self.entry(name, ArtefactIdentity(cid: cid, byteCount: UInt64(bytes.count))))
        }
        let left = absent.sorted { Self.precedes($0.name, $1.name) }
        let payload = JSONValue.object([
            "schema": .string(schema),
            "jobId": .string(jobID.text),
            "members": .array(entries),
            "absent": .array(left.map { Self.entry($0.name, $0.identity) }),
        ]).serialized()
        let root: [UInt8]
        do throws(KeyError) {
            root = try Envelope.sign(payload, type: payloadType, with: key).bytes
        } catch {
            throw .key(error)
        }
        let rootCID = CID.raw(root)
        let archive = CAR(root: rootCID, blocks: [(rootCID, root)] + blocks)
        let bytes = archive.bytes
        do throws(BundleError) {
            _ = try Bundle(parsing: bytes)
        } catch {
            switch error {
            case .malformed(let error): throw .malformed(error)
            case .corrupt:
                throw .malformed(ParseError(field: "blocks", expected: "hashed blocks", actual: error.description))
            }
        }
        return bytes
    }

    private static func entry(_ name: String, _ identity: ArtefactIdentity) -> JSONValue {
        .object([
            "name": .string(name),
            "cid": .string(identity.cid.text),
            "bytes": .string(String(identity.byteCount)),
        ])
    }

    /// Reads a bundle.
    ///
    /// Refused: everything that `CAR` refuses, blocks that the manifest does not list or lists with another length, listed
    /// blocks that are missing, blocks in another order than the manifest's, and names out of order or twice.
    public init(parsing bytes: [UInt8]) throws(BundleError) {
        let archive: CAR
        let corrupt: CID?
        do throws(ParseError) {
            guard bytes.count <= Self.maxBytes else {
                throw ParseError(field: "", expected: "at most \(Self.maxBytes) bytes", actual: "\(bytes.count) bytes")
            }
            (archive, corrupt) = try CAR.scan(
                bytes,
                maxBlocks: Self.maxMembers + 2,
                maxBlockBytes: Self.maxMemberBytes
            )
        } catch {
            throw .malformed(error)
        }
        if let corrupt { throw .corrupt(block: corrupt) }
        do throws(ParseError) {
            try self.init(archive)
        } catch {
            throw .malformed(error)
        }
    }

    private init(_ archive: CAR) throws(ParseError) {
        guard let first = archive.blocks.first, first.cid == archive.root else {
            throw ParseError(field: "blocks[0]", expected: "the root block first", actual: "another block")
        }
        for (index, block) in archive.blocks.enumerated() where block.cid.codec != .raw {
            throw ParseError(field: "blocks[\(index)].cid", expected: "codec raw", actual: block.cid.text)
        }
        let manifest: Envelope
        do throws(ParseError) {
            manifest = try Envelope(parsing: first.bytes)
        } catch {
            throw error.within("manifest")
        }
        guard manifest.payloadType == Self.payloadType else {
            let field = "manifest.payloadType"
            throw ParseError(field: field, expected: Self.payloadType, actual: manifest.payloadType)
        }
        var reader = try JSONReader(try JSONValue(parsing: manifest.payload), "manifest")
        try reader.constant("schema", Self.schema)
        jobID = JobID(try reader.digest("jobId"))
        let listed = try Self.entries("members", &reader)
        let absent = try Self.entries("absent", &reader)
        try reader.finish()

        var rest = archive.blocks.dropFirst()
        var bytesByCID: [CID: [UInt8]] = [:]
        var members: [String: [UInt8]] = [:]
        for (name, identity) in listed {
            let field = "manifest.members.\(name)"
            // Blocks stand in the order in which the manifest first names them, so that one bundle has one byte string.
            if bytesByCID[identity.cid] == nil {
                guard let block = rest.popFirst(), block.cid == identity.cid else {
                    throw ParseError(field: field, expected: "block \(identity.cid) next", actual: "another or none")
                }
                bytesByCID[block.cid] = block.bytes
            }
            guard let bytes = bytesByCID[identity.cid], UInt64(bytes.count) == identity.byteCount else {
                let actual = "\(bytesByCID[identity.cid]?.count ?? 0)"
                throw ParseError(field: field + ".bytes", expected: "\(identity.byteCount)", actual: actual)
            }
            members[name] = bytes
        }
        var logProof: [UInt8]?
        if rest.count == 1, let last = rest.first, Self.isLogProof(last.bytes) {
            logProof = last.bytes
            rest = []
        }
        guard rest.isEmpty else {
            throw ParseError(
                field: "blocks",
                expected: "only blocks that the manifest lists, and a proof of a log",
                actual: "\(rest.count) more"
            )
        }
        for (index, entry) in absent.enumerated() where members[entry.name] != nil {
            throw ParseError(
                field: "manifest.absent[\(index)]",
                expected: "a file that is not in the bundle",
                actual: entry.name
            )
        }
        self.members = members
        self.names = listed.map(\.name)
        self.absent = absent.map { Absent(name: $0.name, identity: $0.identity) }
        self.manifest = manifest
        self.logProof = logProof
    }

    private static func isLogProof(_ bytes: [UInt8]) -> Bool {
        bytes.count <= maxLogProofBytes && bytes.starts(with: logProofHead)
    }

    /// A bundle's bytes with this proof of a log as their last block, in place of any other, or without one for `nil`.
    /// - Throws: `BundleError` when `bytes` are no bundle, or the proof does not begin as one.
    public static func attaching(logProof: [UInt8]?, to bytes: [UInt8]) throws(BundleError) -> [UInt8] {
        let hasProof = try Bundle(parsing: bytes).logProof != nil
        let attached: [UInt8]
        do throws(ParseError) {
            let archive = try CAR(parsing: bytes, maxBlocks: maxMembers + 2, maxBlockBytes: maxMemberBytes)
            var blocks = hasProof ? Array(archive.blocks.dropLast()) : archive.blocks
            if let logProof {
                guard isLogProof(logProof) else {
                    throw ParseError(
                        field: "logProof",
                        expected: "a tlog-proof",
                        actual: "\(logProof.count) other bytes"
                    )
                }
                blocks.append((CID.raw(logProof), logProof))
            }
            attached = CAR(root: archive.root, blocks: blocks).bytes
        } catch {
            throw .malformed(error)
        }
        _ = try Bundle(parsing: attached)
        return attached
    }

    private static func entries(
        _ list: String,
        _ reader: inout JSONReader
    ) throws(ParseError) -> [(name: String, identity: ArtefactIdentity)] {
        var previous: String?
        return try reader.array(list, max: maxMembers) {
            (value, path) throws(ParseError) -> (name: String, identity: ArtefactIdentity) in
            var entry = try JSONReader(value, path)
            let name = try entry.string("name", maxBytes: 512)
            let identity = ArtefactIdentity(cid: try entry.cid("cid"), byteCount: try entry.decimal("bytes"))
            try entry.finish()
            guard previous.map({ Self.precedes($0, name) }) ?? true else {
                throw ParseError(field: path + ".name", expected: "names in ascending order", actual: name)
            }
            previous = name
            return (name, identity)
        }
    }

    /// The order of names: by their bytes, so that it does not depend on a locale or on Unicode's version.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// Whether `engine` has signed the manifest.
    public func isSigned(by engine: VerifyingKey) -> Bool {
        manifest.isSigned(by: engine)
    }

    /// A member's bytes.
    /// - Throws: `ParseError` when there is none of this name.
    public func member(_ name: String) throws(ParseError) -> [UInt8] {
        guard let bytes = members[name] else {
            throw ParseError(field: name, expected: "a member of this name", actual: "none")
        }
        return bytes
    }
}

/// The names of a bundle's members.
public enum BundleMember {
    /// The engine's receipt.
    public static let receipt = "receipt.json"
    /// The requester's order.
    public static let order = "order.json"
    /// The sealed spec.
    public static let spec = "spec.json"
    /// The rules of the settlement.
    public static let ruleset = "ruleset.json"
    /// The deciding lease.
    public static let lease = "lease.json"
    /// The execution statement under that lease.
    public static let execution = "execution.json"
    /// The trace that the statement commits to.
    public static let trace = "trace.json"
    /// The engine's note of when the statement came, for a drawn replay.
    public static let commitment = "commitment.json"
    /// The log of the deciding run.
    public static let log = "run.log"
    /// The last meter reading under the deciding lease.
    public static let reading = "reading.json"

    /// The top-up of this number, from 1.
    public static func topUp(_ number: Int) -> String { "topup-\(number).json" }

    /// The verdict of this number, from 0.
    public static func verdict(_ index: Int) -> String { "verdict-\(index).json" }
    /// The file at `path` in the job folder.
    public static func input(_ path: String) -> String { "input/" + path }
    /// The bytes of an output slot.
    public static func output(_ slot: String) -> String { "output/" + slot }
    /// A part of the evidence.
    public static func evidence(_ part: EvidencePart) -> String { "evidence/" + part.path }
}
