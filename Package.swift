// swift-tools-version: 6.1
// Targets stand floor by floor, as in Documentation/architecture.md: a target depends only on targets above it.
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Arithmetic is unusable without optimisation, so these targets have it in debug builds too.
let arithmeticSettings: [SwiftSetting] =
    swiftSettings + [.unsafeFlags(["-O", "-whole-module-optimization", "-num-threads", "2"])]

let package = Package(
    name: "assay",
    products: [
        .library(name: "Assay", targets: ["Codecs", "Verdicts", "Signatures", "Commitments", "Algebra", "Proofs"])
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

        .systemLibrary(name: "CGMP", path: "Sources/System/CGMP", providers: [.apt(["libgmp-dev"])]),
        .target(name: "CFieldKernels", exclude: ["tower.inc", "tower_types.inc"], cSettings: [.unsafeFlags(["-O3"])]),

        // Floor 1: bytes and words.
        .target(name: "Codecs", swiftSettings: swiftSettings),
        .target(name: "Verdicts", dependencies: ["Codecs"], swiftSettings: swiftSettings),

        // Floor 2: hashes, trees, keys.
        .target(name: "Commitments", dependencies: ["Codecs", "COpenSSL"], swiftSettings: swiftSettings),
        .target(name: "Signatures", dependencies: ["Codecs", "COpenSSL"], swiftSettings: swiftSettings),

        .target(
            name: "Algebra",
            dependencies: ["Codecs", "CGMP", "CFieldKernels", "COpenSSL"],
            swiftSettings: arithmeticSettings
        ),

        // Floor 3: evidence.
        .target(
            name: "Proofs",
            dependencies: ["Codecs", "Verdicts", "Commitments", "Signatures", "Algebra"],
            swiftSettings: arithmeticSettings
        ),

        // Tests.
        .testTarget(
            name: "AlgebraTests",
            dependencies: ["Algebra", "Codecs", "CFieldKernels"],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ProofsTests",
            dependencies: ["Algebra", "Codecs", "Commitments", "Proofs", "Verdicts"],
            swiftSettings: swiftSettings
        ),
    ],
    swiftLanguageModes: [.v6]
)
