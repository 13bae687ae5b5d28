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
        .library(name: "Assay", targets: ["Codecs", "Verdicts", "Signatures", "Commitments", "Attestation"])
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

        // Floor 1: bytes and words.
        .target(name: "Codecs", swiftSettings: swiftSettings),
        .target(name: "Verdicts", dependencies: ["Codecs"], swiftSettings: swiftSettings),

        // Floor 2: hashes, trees, keys.
        .target(name: "Commitments", dependencies: ["Codecs", "COpenSSL"], swiftSettings: swiftSettings),
        .target(name: "Signatures", dependencies: ["Codecs", "COpenSSL"], swiftSettings: swiftSettings),

        // Floor 3: what makes a result believable.
        .target(
            name: "Attestation",
            dependencies: ["Codecs", "Verdicts", "Commitments", "Signatures", "COpenSSL"],
            swiftSettings: swiftSettings
        ),

        // Fakes and fixtures that users of the library want in their own tests.
        .target(
            name: "AssayTesting",
            dependencies: ["Attestation", "Codecs", "Commitments", "Signatures", "COpenSSL"],
            swiftSettings: swiftSettings
        ),

        // Tests.
        .testTarget(name: "CodecsTests", dependencies: ["Codecs"], swiftSettings: swiftSettings),
        .testTarget(
            name: "AttestationTests",
            dependencies: [
                "Attestation", "AssayTesting", "Codecs", "Verdicts", "Commitments", "Signatures", "COpenSSL",
            ],
            swiftSettings: swiftSettings
        ),
    ],
    swiftLanguageModes: [.v6]
)
