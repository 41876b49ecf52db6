// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "compare-faiss",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "Fathom", path: "../..")],
    targets: [
        .executableTarget(
            name: "Engine", dependencies: [.product(name: "FathomVectors", package: "Fathom")],
            swiftSettings: [.swiftLanguageMode(.v6)])
    ])
