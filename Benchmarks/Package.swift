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
                .product(name: "AssayTesting", package: "assay"), "COpenSSLPeer",
            ],
            path: "Sources/CommitmentBenchmarks"
        ),
        .systemLibrary(name: "COpenCLHost", path: "Sources/System/COpenCLHost", pkgConfig: "OpenCL"),
        .target(
            name: "CMatmulPeer",
            path: "Sources/CMatmulPeer",
            cSettings: [.unsafeFlags(["-O3", "-march=native"])]
        ),
        .executableTarget(
            name: "replay-bench",
            dependencies: [.product(name: "Assay", package: "assay"), "COpenCLHost", "CMatmulPeer"],
            path: "Sources/ReplayBenchmarks"
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
            name: "ledger-bench",
            dependencies: [.product(name: "AssayLedger", package: "assay")],
            path: "Sources/LedgerBenchmarks"
        ),
        .executableTarget(
            name: "attestation-bench",
            dependencies: [.product(name: "Assay", package: "assay")],
            path: "Sources/AttestationBenchmarks"
        ),
    ],
    swiftLanguageModes: [.v6]
)
