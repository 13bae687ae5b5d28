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
        .library(name: "Assay", targets: ["Codecs", "Verdicts", "Signatures", "Commitments"]),
        .library(name: "AssayTesting", targets: ["AssayTesting"]),
    ],
    dependencies: [],
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

        // Floor 5: decisions.
        .target(
            name: "Appraisal",
            dependencies: ["Codecs", "Verdicts", "Signatures", "Commitments", "Replay", "Receipts"],
            swiftSettings: swiftSettings
        ),

        // Floor 6 and above.
        .target(
            name: "AssayTesting",
            dependencies: ["Codecs", "Verdicts", "Signatures", "Commitments", "Replay", "Receipts", "Appraisal"],
            swiftSettings: swiftSettings
        ),

        .target(
            name: "Conformance",
            dependencies: ["Codecs", "Verdicts", "Signatures", "Commitments", "Receipts", "Appraisal", "COpenSSL"],
            swiftSettings: swiftSettings
        ),
        .executableTarget(name: "make-vectors", dependencies: ["AssayTesting"], swiftSettings: swiftSettings),

        // Tests.
        .testTarget(
            name: "CodecsTests",
            dependencies: ["Codecs", "AssayTesting"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "VerdictsTests",
            dependencies: ["Codecs", "Verdicts", "AssayTesting"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "SignaturesTests",
            dependencies: ["Codecs", "Signatures", "AssayTesting"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "CommitmentsTests",
            dependencies: ["Codecs", "Commitments", "AssayTesting"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ReplayTests",
            dependencies: ["Codecs", "Commitments", "Replay", "assay-replay"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ReceiptsTests",
            dependencies: ["Codecs", "Verdicts", "Signatures", "Commitments", "Replay", "Receipts", "AssayTesting"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "AppraisalTests",
            dependencies: [
                "Codecs", "Verdicts", "Signatures", "Commitments", "Replay", "Receipts", "Appraisal", "AssayTesting",
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ConformanceTests",
            dependencies: ["Codecs", "Verdicts", "Conformance", "AssayTesting"],
            swiftSettings: swiftSettings
        ),
    ],
    swiftLanguageModes: [.v6]
)
