// swift-tools-version: 6.1
// Targets stand floor by floor, as in Documentation/architecture.md: a target depends only on targets above it.
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "assay",
    products: [
        .library(name: "Assay", targets: ["Codecs", "Verdicts", "Signatures", "Commitments"])
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        // Hummingbird's own dependencies whose types its interface shows.
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // Floor 0: C.
        .systemLibrary(
            name: "COpenSSL",
            path: "Sources/System/COpenSSL",
            pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"])]
        ),
        .systemLibrary(
            name: "COpenCL",
            path: "Sources/System/COpenCL",
            pkgConfig: "OpenCL",
            providers: [.apt(["ocl-icd-opencl-dev"])]
        ),
        .systemLibrary(
            name: "CCurl",
            path: "Sources/System/CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]
        ),
        .target(name: "CSpawn"),
        .target(name: "CSandbox", linkerSettings: [.linkedLibrary("seccomp")]),

        // Floor 1: bytes and words.
        .target(name: "Codecs", swiftSettings: swiftSettings),
        .target(name: "Verdicts", dependencies: ["Codecs"], swiftSettings: swiftSettings),

        // Floor 2: hashes, trees, keys.
        .target(name: "Commitments", dependencies: ["Codecs", "COpenSSL"], swiftSettings: swiftSettings),
        .target(name: "Signatures", dependencies: ["Codecs", "COpenSSL"], swiftSettings: swiftSettings),

        // Floor 3: kinds of evidence. `Replay` starts the worker `assay-replay`, which alone links OpenCL.
        .target(name: "Replay", dependencies: ["Codecs", "Commitments", "CSpawn"], swiftSettings: swiftSettings),
        .executableTarget(
            name: "assay-replay",
            dependencies: ["Codecs", "Replay", "COpenCL", "CSandbox"],
            swiftSettings: swiftSettings
        ),

// Floor 4: documents.
        .target(
            name: "Receipts",
            dependencies: ["Codecs", "Verdicts", "Signatures", "Commitments", "Replay"],
            swiftSettings: swiftSettings
        ),

        // Floor 5: money.
        .target(
            name: "Ledger",
            dependencies: ["Codecs", "Commitments", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: swiftSettings
        ),

        // Floor 6: what an engine does.
        .target(
            name: "EngineAPI",
            dependencies: ["Codecs", "Commitments", "Signatures", "Receipts"],
            swiftSettings: swiftSettings
        ),

        // Floor 7: the engine from afar, over libcurl.
        .target(
            name: "EngineClient",
            dependencies: ["Codecs", "Commitments", "EngineAPI", "Receipts", "CCurl"],
            swiftSettings: swiftSettings
        ),

        // Floor 8: HTTP.
        .target(
            name: "HTTPAPI",
            dependencies: [
                "Codecs", "Commitments", "EngineAPI", "Receipts", "Replay", "Signatures", "Verdicts",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: swiftSettings
        ),

        // Floor 9: the command line. `AssayCommands` holds what is worth testing; it has neither NIO nor OpenCL.
        .target(
            name: "AssayCommands",
            dependencies: [
                "Codecs", "Commitments", "EngineAPI", "EngineClient", "Ledger", "Receipts", "Replay", "Signatures",
                "Verdicts",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings
        ),
        .executableTarget(name: "assay", dependencies: ["AssayCommands"], swiftSettings: swiftSettings),

        // Tests.
        .testTarget(
            name: "ReplayTests",
            dependencies: ["Codecs", "Commitments", "Replay", "assay-replay"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "EngineTesting",
            dependencies: ["Codecs", "Commitments", "EngineAPI", "Receipts", "Signatures"],
            path: "Tests/EngineTesting",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "EngineAPITests",
            dependencies: ["Codecs", "Commitments", "EngineAPI", "Receipts", "Signatures"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "HTTPAPITests",
            dependencies: [
                "Codecs", "Commitments", "EngineAPI", "EngineClient", "EngineTesting", "HTTPAPI", "Receipts",
                "Signatures", "Verdicts",
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "AssayCommandsTests",
            dependencies: [
                "AssayCommands", "Codecs", "Commitments", "EngineAPI", "EngineTesting", "Receipts", "Signatures",
                "Verdicts",
            ],
            swiftSettings: swiftSettings
        ),
    ],
    swiftLanguageModes: [.v6]
)
