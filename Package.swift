// swift-tools-version: 6.1
// Targets stand floor by floor, as in Documentation/architecture.md: a target depends only on targets above it.
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func system(_ name: String, pkgConfig: String, debian: String) -> Target {
    .systemLibrary(name: name, path: "Sources/System/\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])])
}

func module(_ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: swiftSettings)
}

/// Whether arithmetic is optimised in debug builds too, which makes their tests ten times quicker. It takes compiler flags
/// that SwiftPM forbids in a package that others depend on by version, so only this project's own scripts ask for it.
let isOptimised = Context.environment["ASSAY_OPTIMISED"] == "1"

/// A target of arithmetic, compiled across its files.
func arithmetic(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    let flags = SwiftSetting.unsafeFlags(["-O", "-whole-module-optimization", "-num-threads", "2"])
    let settings = swiftSettings + (isOptimised ? [flags] : [])
    return .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A target of C kernels.
func kernels(_ name: String, exclude: [String] = []) -> Target {
    .target(name: name, exclude: exclude, cSettings: isOptimised ? [.unsafeFlags(["-O3"])] : [])
}

func program(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: swiftSettings)
}

func tests(of name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: dependencies, swiftSettings: swiftSettings)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let hummingbird: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"),
    .product(name: "HummingbirdCore", package: "hummingbird"),
    .product(name: "HTTPTypes", package: "swift-http-types"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    logging,
]

/// The offline half: no network, no database, no OpenCL, no clock unless given one.
let library = [
    "Codecs", "Verdicts", "Signatures", "Commitments", "Algebra", "Attestation", "Proofs", "Replay", "ExactOps",
    "Receipts",
    "TransparencyLog", "Appraisal",
]

let package = Package(
    name: "assay",
    products: [
        .library(name: "Assay", targets: library),
        .library(name: "AssayTesting", targets: ["AssayTesting"]),
        // Keeping a log needs a database, which the library itself never does.
        .library(name: "AssayLogKeeping", targets: ["LogKeeping"]),
        // The ledger with its databases and the market over it, for engines of one's own and for measurements.
        .library(name: "AssayLedger", targets: ["Ledger", "Market"]),
        .executable(name: "assay-replay", targets: ["assay-replay"]),
        .executable(name: "assay", targets: ["assay"]),
        .executable(name: "assayd", targets: ["assayd"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        // Hummingbird's own dependencies whose types its interface shows.
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // Floor 0: C.
        system("COpenSSL", pkgConfig: "libcrypto", debian: "libssl-dev"),
        system("COpenCL", pkgConfig: "OpenCL", debian: "ocl-icd-opencl-dev"),
        system("CCurl", pkgConfig: "libcurl", debian: "libcurl4-openssl-dev"),
        system("CGMP", pkgConfig: "gmp", debian: "libgmp-dev"),
        system("CPostgres", pkgConfig: "libpq", debian: "libpq-dev"),
        kernels("CFieldKernels", exclude: ["tower.inc", "tower_types.inc"]),
        kernels("CHashKernels"),
        kernels("CEdwards25519"),
        kernels("CExactOps", exclude: ["kernels", "oracle.inc"]),
        .target(name: "CSpawn"),
        .target(name: "CFaultyDisk", linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(name: "CSandbox", linkerSettings: [.linkedLibrary("seccomp")]),

        // Floor 1: bytes and words.
        module("Codecs"),
        module("Verdicts", ["Codecs"]),
        module("PostgreSQL", ["CPostgres"]),

        // Floor 2: hashes, trees, keys.
        module("Commitments", ["Codecs", "CHashKernels", "COpenSSL"]),
        module("Signatures", ["Codecs", "CEdwards25519", "COpenSSL"]),

        arithmetic("Algebra", ["Codecs", "CFieldKernels", "CGMP", "COpenSSL"]),

        // Floor 3: kinds of evidence. `Replay` starts the worker `assay-replay`, which alone links OpenCL.
        arithmetic("Proofs", ["Algebra", "Codecs", "Commitments", "Verdicts"]),
        module("Attestation", ["Codecs", "Commitments", "Signatures", "Verdicts", "COpenSSL"]),
        module("Replay", ["Codecs", "Commitments", "CSpawn"]),
        program("assay-replay", ["Codecs", "Replay", "COpenCL", "CSandbox"]),
        arithmetic("ExactOps", ["Codecs", "Commitments", "Replay", "CExactOps"]),

        // Floor 4: what is signed, and where it is made public.
        module("Receipts", ["Codecs", "Commitments", "Replay", "Signatures", "Verdicts"]),
        module("TransparencyLog", ["Codecs", "Commitments", "Signatures"]),

        // Floor 5: what is believed, and what is owned.
        module(
            "Appraisal",
            [
                "Attestation", "Codecs", "Commitments", "Proofs", "Receipts", "Replay", "Signatures",
                "TransparencyLog", "Verdicts",
            ]
        ),
        module("Ledger", ["Codecs", "Commitments", "PostgreSQL", grdb, sqlite]),
        module("LogKeeping", ["Codecs", "Commitments", "Signatures", "TransparencyLog", grdb]),

        // Floor 6: who does what for how much, and how an engine is spoken to.
        module("Market", ["Codecs", "Commitments", "Ledger", "Receipts", "Replay", "Signatures", "Verdicts"]),
        module("EngineAPI", ["Codecs", "Commitments", "Receipts", "Signatures"]),

        // Floor 7: the long-running loops, and the engine from afar over libcurl.
        module(
            "Validator",
            [
                "Appraisal", "Attestation", "Codecs", "Commitments", "EngineAPI", "Ledger", "LogKeeping", "Market",
                "Receipts", "Replay", "Signatures", "TransparencyLog", "Verdicts", logging,
            ]
        ),
        module("Transfer", ["Codecs", "CCurl"]),
        module("EngineClient", ["Codecs", "Commitments", "EngineAPI", "Receipts", "Transfer"]),
        module("CollateralClient", ["Attestation", "Codecs", "Transfer"]),

        // Floor 8: HTTP.
        module(
            "HTTPAPI",
            ["Codecs", "Commitments", "EngineAPI", "Receipts", "Replay", "Signatures", "Verdicts"] + hummingbird
        ),

        // Beside the floors: what tests and users' tests build on.
        module(
            "AssayTesting",
            [
                "Algebra", "Appraisal", "Attestation", "Codecs", "Commitments", "Receipts", "Replay", "Signatures",
                "TransparencyLog", "Verdicts", "COpenSSL", "CSpawn",
            ]
        ),
        module(
            "Conformance",
            [
                "Algebra", "Appraisal", "Attestation", "Codecs", "Commitments", "Receipts", "Signatures",
                "TransparencyLog", "Verdicts", "COpenSSL",
            ]
        ),
        program("make-vectors", ["AssayTesting"]),
        program(
            "cheating-provider",
            [
                "AssayTesting", "Codecs", "Commitments", "EngineAPI", "EngineClient", "Replay", "Signatures",
                "Validator",
                argumentParser, logging,
            ],
            path: "Examples/CheatingProvider"
        ),

        program(
            "digits-accuracy",
            ["Codecs", "Receipts", "Replay", "Validator", argumentParser],
            path: "Examples/DigitsAccuracy"
        ),

        module("MiniLM", ["Codecs", "ExactOps", "Replay"], path: "Examples/minilm/Model"),
        program(
            "minilm-job",
            ["Codecs", "ExactOps", "MiniLM", "Receipts", argumentParser],
            path: "Examples/minilm/Tool"
        ),

        // Floor 9: programs. `AssayCommands` holds what of the command line is worth testing; it has neither NIO nor OpenCL.
        module(
            "AssayCommands",
            [
                "Algebra", "Appraisal", "Attestation", "Codecs", "CollateralClient", "Commitments", "Conformance",
                "EngineAPI", "EngineClient", "ExactOps", "Ledger", "LogKeeping", "Proofs", "Receipts", "Replay",
                "Signatures",
                "TransparencyLog", "Validator", "Verdicts",
                argumentParser,
            ]
        ),
        program("assay", ["AssayCommands"]),
        program(
            "assayd",
            [
                "Attestation", "Codecs", "Commitments", "EngineAPI", "EngineClient", "ExactOps", "HTTPAPI", "Ledger",
                "LogKeeping", "Market", "Receipts", "Replay", "Signatures", "TransparencyLog", "Validator",
                argumentParser,
                logging,
            ]
        ),

        // Tests.
        tests(of: "Architecture", []),
        tests(of: "Codecs", ["Codecs", "AssayTesting"]),
        tests(of: "Verdicts", ["Codecs", "Verdicts", "AssayTesting"]),
        tests(of: "Algebra", ["Algebra", "AssayTesting", "CFieldKernels", "Codecs"]),
        tests(of: "Proofs", ["Algebra", "AssayTesting", "Codecs", "Commitments", "Proofs", "Verdicts"]),
        tests(of: "Signatures", ["Algebra", "AssayTesting", "CEdwards25519", "COpenSSL", "Codecs", "Signatures"]),
        tests(of: "Commitments", ["CHashKernels", "COpenSSL", "Codecs", "Commitments", "AssayTesting"]),
        tests(
            of: "Attestation",
            ["Attestation", "AssayTesting", "Codecs", "Commitments", "Signatures", "Verdicts", "COpenSSL"]
        ),
        tests(
            of: "CollateralClient",
            ["AssayTesting", "Attestation", "Codecs", "CollateralClient", "Transfer", "Verdicts"]
        ),
        tests(of: "TransparencyLog", ["AssayTesting", "Codecs", "Commitments", "Signatures", "TransparencyLog"]),
        program(
            "LogCrashProbe",
            ["Commitments", "LogKeeping", "Signatures", "TransparencyLog"],
            path: "Tests/LogCrashProbe"
        ),
        tests(
            of: "LogKeeping",
            ["Codecs", "Commitments", "LogCrashProbe", "LogKeeping", "Signatures", "TransparencyLog"]
        ),
        tests(
            of: "Receipts",
            ["Codecs", "Verdicts", "Signatures", "Commitments", "Replay", "Receipts", "AssayTesting"]
        ),
        tests(
            of: "Appraisal",
            [
                "Attestation", "Codecs", "Verdicts", "Signatures", "Commitments", "Replay", "Receipts", "Appraisal",
                "AssayTesting", "TransparencyLog",
            ]
        ),
        tests(of: "Conformance", ["Codecs", "Verdicts", "Conformance", "AssayTesting"]),
        tests(of: "ExactOps", ["Codecs", "Commitments", "ExactOps", "Replay", "assay-replay"]),
        tests(of: "MiniLM", ["AssayTesting", "Codecs", "ExactOps", "MiniLM", "Receipts", "Replay", "assay-replay"]),
        tests(of: "Replay", ["Codecs", "Commitments", "Replay", "assay-replay"]),
        program("LedgerCrashProbe", ["Ledger", "Commitments"], path: "Tests/LedgerCrashProbe"),
        tests(
            of: "Ledger",
            [
                "AssayTesting", "CFaultyDisk", "Ledger", "Codecs", "Commitments", "PostgreSQL", "LedgerCrashProbe",
                grdb,
            ]
        ),
        tests(
            of: "Market",
            [
                "AssayTesting", "Codecs", "Commitments", "Ledger", "Market", "Receipts", "Replay", "Signatures",
                "Verdicts",
            ]
        ),
        tests(
            of: "Validator",
            [
                "Algebra", "Appraisal", "AssayTesting", "Attestation", "Codecs", "Commitments", "EngineAPI",
                "EngineClient", "Ledger",
                "LogKeeping", "Market", "PostgreSQL",
                "Proofs", "Receipts", "Replay", "Signatures", "TransparencyLog", "Validator", "Verdicts", logging,
            ]
        ),
        program(
            "EvidenceProbe",
            ["Algebra", "AssayTesting", "Attestation", "Codecs", "Commitments", "Receipts"],
            path: "Tests/EvidenceProbe"
        ),
        tests(
            of: "Daemon",
            [
                "Algebra", "Appraisal", "AssayTesting", "Attestation", "Codecs", "Commitments", "EngineAPI",
                "EngineClient",
                "EvidenceProbe", "Ledger", "Receipts",
                "Replay", "Signatures", "Transfer", "TransparencyLog", "Validator", "Verdicts",
                "assay", "assayd", "assay-replay", grdb,
            ]
        ),
        module(
            "EngineTesting",
            ["Codecs", "Commitments", "EngineAPI", "Receipts", "Signatures"],
            path: "Tests/EngineTesting"
        ),
        tests(of: "EngineAPI", ["Codecs", "Commitments", "EngineAPI", "Receipts", "Signatures"]),
        tests(
            of: "HTTPAPI",
            [
                "Codecs", "Commitments", "EngineAPI", "EngineClient", "EngineTesting", "HTTPAPI", "LogKeeping",
                "Receipts",
                "Signatures", "TransparencyLog", "Verdicts",
            ]
        ),
        tests(
            of: "AssayCommands",
            [
                "Algebra", "AssayCommands", "AssayTesting", "Attestation", "Codecs", "Commitments", "EngineAPI",
                "EngineTesting", "ExactOps", "Ledger", "PostgreSQL", "Proofs", "Receipts", "Replay", "Signatures",
                "TransparencyLog", "Verdicts", "assay",
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
