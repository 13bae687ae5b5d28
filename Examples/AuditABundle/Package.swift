// swift-tools-version: 6.1
// A package of its own that uses the library product `Assay`, as another project would.
import PackageDescription

let package = Package(
    name: "audit-a-bundle",
    dependencies: [.package(name: "assay", path: "../..")],
    targets: [
        .executableTarget(
            name: "audit-a-bundle",
            dependencies: [.product(name: "Assay", package: "assay")],
            path: "Sources"
        )
    ],
    swiftLanguageModes: [.v6]
)
