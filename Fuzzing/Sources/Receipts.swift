// Fuzzers of `Receipts`: every signed document and every file of a user's that decides about money or trust.
import AssayTesting
import Codecs
import Receipts
import Verdicts

extension Registry {
    static let receipts: [FuzzTarget] = [
        FuzzTarget("receipts.envelope", maxBytes: 16384, seeds: [documents]) { bytes throws(ParseError) in
            let envelope = try Envelope(parsing: bytes)
            let again = reread("an envelope reads what it wrote") { () throws(ParseError) in
                try Envelope(parsing: envelope.bytes)
            }
            require(again == envelope, "an envelope keeps its parts")
        },
        document(Order.self, "order"), document(Lease.self, "lease"), document(ExecutionStatement.self, "execution"),
        document(VerdictStatement.self, "verdict"), document(Receipt.self, "receipt"),
        FuzzTarget("receipts.job-spec", maxBytes: 16384, seeds: [.own("Examples", ".json"), members("spec.json")]) {
            bytes throws(ParseError) in
            let spec = try JobSpec(parsing: bytes)
            let again = reread("a spec reads what it wrote") { () throws(ParseError) in try JobSpec(spec.json) }
            require(again == spec, "a spec keeps what it says")
        },
        FuzzTarget("receipts.ruleset", seeds: [members("ruleset.json")]) { bytes throws(ParseError) in
            let ruleset = try Ruleset(parsing: bytes)
            for gross: UInt64 in [0, 1, 99, 10_000, UInt64(Int64.max)] {
                require(ruleset.parts(ofGross: gross).reduce(0) { $0 + $1.amount } == gross, "a split loses nothing")
                require(ruleset.parts(ofSlashed: gross).reduce(0) { $0 + $1.amount } == gross, "a slash loses nothing")
                _ = ruleset.stake(forHold: gross)
            }
        },
        FuzzTarget("receipts.trust-file", seeds: [.own("Vectors/receipts/bundles/trust.json", "")]) {
            bytes throws(ParseError) in
            let trust = try TrustFile(parsing: bytes)
            let again = reread("a trust file reads what it wrote") { () throws(ParseError) in
                try TrustFile(parsing: trust.bytes)
            }
            require(again == trust, "a trust file keeps what it says")
        },
        FuzzTarget("receipts.verdict-value", maxBytes: 16384, seeds: [.made { try bundles().flatMap(verdictValues) }]) {
            bytes throws(ParseError) in
            let verdict = try Verdict(try JSONValue(parsing: bytes), "verdict")
            let again = reread("a verdict reads what it wrote") { () throws(ParseError) in
                try Verdict(verdict.json, "verdict")
            }
            require(again == verdict, "a verdict keeps what it says")
        },
        FuzzTarget(
            "receipts.cose-document",
            maxBytes: 16384,
            seeds: [.strings(in: .own("Vectors/receipts/cose-document.json", ""), atLeast: 100)],
            throwing: DocumentError.self
        ) { bytes throws(DocumentError) in
            let document = try COSEDocument<Receipt>(verifying: bytes)
            require(document.signer == document.predicate.author, "a document is its author's")
        },
        FuzzTarget(
            "receipts.bundle",
            maxBytes: 32768,
            seeds: [.own("Vectors/receipts/bundles", ".assay")],
            throwing: BundleError.self
        ) { bytes throws(BundleError) in
            let bundle = try Bundle(parsing: bytes)
            require(Set(bundle.names).count == bundle.names.count, "each member once")
            for name in bundle.names { require((try? bundle.member(name)) != nil, "what is listed is there") }
        },
        FuzzTarget("receipts.typed-data", maxBytes: 16384, seeds: [.shared("commitments/eip712"), .texts(mail)]) {
            bytes throws(ParseError) in
            let data = try TypedData(try JSONValue(parsing: bytes))
            let digest = try data.digest()
            require((try? data.digest()) == digest, "a document has one digest")
        },
        FuzzTarget("receipts.run-log", seeds: [.texts("line one\n/home/x/y\n")], throwing: Never.self) { bytes in
            let log = RunLog(bytes, hiding: ["/home/x"])
            require(RunLog.isWellFormed(log.bytes), "what is kept is text")
            require(RunLog(log.bytes).bytes == log.bytes, "what is clean stays as it is")
        },
    ]

    /// A small document of EIP-712 with nested types and arrays.
    private static let mail = """
        {"types":{"EIP712Domain":[{"name":"name","type":"string"},{"name":"chainId","type":"uint256"}],\
        "P":[{"name":"w","type":"address"}],"M":[{"name":"f","type":"P"},{"name":"t","type":"P[]"},\
        {"name":"n","type":"int8"},{"name":"b","type":"bytes4"}]},"primaryType":"M",\
        "domain":{"name":"x","chainId":"1"},"message":{"f":{"w":"0x00000000000000000000000000000000000000aa"},\
        "t":[{"w":"0x00000000000000000000000000000000000000bb"}],"n":"-1","b":"0x01020304"}}
        """

    /// A document's payload in an envelope that nobody signed: what stands before and behind the signature check.
    private static func document<Predicate: DocumentPredicate>(_ type: Predicate.Type, _ name: String) -> FuzzTarget {
        FuzzTarget("receipts.\(name)", maxBytes: 16384, seeds: [predicates(type.predicateType)]) {
            bytes throws(ParseError) in
            let predicate = try Predicate(try JSONValue(parsing: bytes), "predicate")
            let again = reread("a document reads what it wrote") { () throws(ParseError) in
                try Predicate(predicate.json, "predicate")
            }
            require(again == predicate, "a document keeps what it says")
        }
    }

    // MARK: Valid inputs

    private static func bundles() -> [Bundle] {
        Seeds.own("Vectors/receipts/bundles", ".assay").inputs().compactMap { try? Bundle(parsing: $0) }
    }

    private static func members(_ name: String) -> Seeds {
        .made { bundles().compactMap { $0.members[name] } }
    }

    private static let documents = Seeds.made {
        bundles().prefix(4).flatMap { bundle in
            bundle.names.filter { $0.hasSuffix(".json") && !$0.contains("/") }.compactMap { bundle.members[$0] }
        }
    }

    private static func predicates(_ type: String) -> Seeds {
        .made {
            documents.inputs().compactMap { try? Envelope(parsing: $0) }
                .compactMap { try? JSONValue(parsing: $0.payload) }
                .filter { $0["predicateType"].text == type }
                .map { $0["predicate"].serialized() }
        }
    }

    private static func verdictValues(_ bundle: Bundle) -> [[UInt8]] {
        bundle.names.filter { $0.hasPrefix("verdict-") }.compactMap { bundle.members[$0] }
            .compactMap { try? Envelope(parsing: $0) }
            .compactMap { try? JSONValue(parsing: $0.payload) }
            .map { $0["predicate"]["verdict"].serialized() }
    }
}
