// swift-tools-version: 6.1
// Fuzzers for everything that reads bytes from outside, in a package of their own: they need every library compiled for
// coverage, so a plain build never sees them. `Fuzzing/run` builds and runs them.
import PackageDescription

let package = Package(
    name: "AssayFuzzing",
    dependencies: [.package(name: "assay", path: "..")],
    targets: [
        .executableTarget(
            name: "assay-fuzz",
            dependencies: [
                .product(name: "Assay", package: "assay"), .product(name: "AssayTesting", package: "assay"),
            ],
            path: "Sources"
        )
    ],
    swiftLanguageModes: [.v6]
)
