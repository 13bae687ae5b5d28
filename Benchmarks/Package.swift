// swift-tools-version: 6.1
// Measurements, in a package of their own so that building Assay never compiles them.
import PackageDescription

let package = Package(
    name: "AssayBenchmarks",
    dependencies: [.package(name: "assay", path: "..")],
    targets: [
        .systemLibrary(name: "COpenSSLPeer", path: "Sources/System/COpenSSLPeer", pkgConfig: "libcrypto"),
        .executableTarget(
            name: "commitment-bench",
            dependencies: [
                .product(name: "Assay", package: "assay"), .product(name: "AssayLogKeeping", package: "assay"),
                "COpenSSLPeer",
            ],
            path: "Sources/CommitmentBenchmarks"
        ),
        .executableTarget(
            name: "pool-bench",
            dependencies: [.product(name: "Assay", package: "assay")],
            path: "Sources/PoolBenchmarks"
        ),
        .executableTarget(
            name: "algebra-bench",
            dependencies: [.product(name: "Assay", package: "assay")],
            path: "Sources/AlgebraBenchmarks"
        ),
        .executableTarget(
            name: "attestation-bench",
            dependencies: [.product(name: "Assay", package: "assay")],
            path: "Sources/AttestationBenchmarks"
        ),
    ],
    swiftLanguageModes: [.v6]
)
