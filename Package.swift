// swift-tools-version: 6.2
import PackageDescription

/// Settings shared by every Swift target, tests included.
let common: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
/// Shipped code also marks each unsafe expression.
let strict = common + [.strictMemorySafety()]
/// Needed only where a function returns a `Span` that borrows from its owner.
let lifetimes: SwiftSetting = .enableExperimentalFeature("Lifetimes")

/// Only with the trait is the HTTP client part of the graph: it brings SwiftNIO and BoringSSL along.
let http: TargetDependencyCondition? = .when(traits: ["HTTPEmbedding"])

// Arrows point one way: vdbtool → VDBHTTPEmbedding → VDBIngest → VDB
// → { HNSW → VectorKernels → CVectorKernels, LMDB → CLMDB }.
// CBuiltinModel is the built-in embedding table as bytes of the program.
let package = Package(
  name: "vdb",
  platforms: [.macOS(.v15), .iOS(.v18)],
  products: [
    .library(name: "VDB", targets: ["VDB"]),
    .library(name: "VDBIngest", targets: ["VDBIngest"]),
    .library(name: "VDBHTTPEmbedding", targets: ["VDBHTTPEmbedding"]),
    .executable(name: "vdbtool", targets: ["vdbtool"]),
  ],
  traits: [
    .default(enabledTraits: []),
    .trait(
      name: "HTTPEmbedding",
      description:
        "Embedding by services over HTTP: VDBHTTPEmbedding, and vdbtool's --embed openai."
    ),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CLMDB",
      pkgConfig: "lmdb",
      providers: [.apt(["liblmdb-dev", "pkg-config"]), .brew(["lmdb", "pkg-config"])]
    ),
    .target(name: "CVectorKernels"),
    .target(name: "LMDB", dependencies: ["CLMDB"], swiftSettings: strict + [lifetimes]),
    .target(
      name: "VectorKernels",
      dependencies: ["CVectorKernels"],
      swiftSettings: strict + [lifetimes]
    ),
    .target(
      name: "HNSW",
      dependencies: ["VectorKernels", "CVectorKernels"],
      exclude: ["HNSW.md"],
      swiftSettings: strict + [lifetimes]
    ),
    .target(
      name: "VDB",
      dependencies: [
        "HNSW", "LMDB", "VectorKernels", "CVectorKernels",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict + [lifetimes]
    ),
    .target(name: "CBuiltinModel", exclude: ["static-en-256"]),
    .target(
      name: "VDBIngest",
      dependencies: ["VDB", "VectorKernels", "CBuiltinModel"],
      swiftSettings: strict
    ),
    .target(
      name: "VDBHTTPEmbedding",
      dependencies: [
        "VDB", "VDBIngest",
        .product(name: "AsyncHTTPClient", package: "async-http-client", condition: http),
        .product(name: "NIOCore", package: "swift-nio", condition: http),
        .product(name: "NIOHTTP1", package: "swift-nio", condition: http),
        .product(name: "NIOPosix", package: "swift-nio", condition: http),
      ],
      swiftSettings: strict
    ),
    .executableTarget(
      name: "vdbtool",
      dependencies: [
        "VDB", "VDBIngest", "VectorKernels", "CVectorKernels",
        .target(name: "VDBHTTPEmbedding", condition: http),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict
    ),
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: common),
    .target(
      name: "HTTPTestSupport",
      dependencies: [
        "TestSupport",
        .product(name: "NIOCore", package: "swift-nio", condition: http),
        .product(name: "NIOHTTP1", package: "swift-nio", condition: http),
        .product(name: "NIOPosix", package: "swift-nio", condition: http),
      ],
      path: "Tests/HTTPTestSupport",
      swiftSettings: common
    ),
    .executableTarget(
      name: "vdb-crashlab",
      dependencies: ["VDB", "TestSupport"],
      path: "Tests/CrashLab",
      swiftSettings: common
    ),
    .testTarget(
      name: "VectorKernelsTests",
      dependencies: ["VectorKernels", "CVectorKernels", "TestSupport"],
      swiftSettings: common
    ),
    .testTarget(
      name: "LMDBTests",
      dependencies: ["LMDB", "TestSupport"],
      swiftSettings: common + [lifetimes]
    ),
    .testTarget(
      name: "HNSWTests",
      dependencies: ["HNSW", "VectorKernels", "CVectorKernels", "TestSupport"],
      swiftSettings: common
    ),
    .testTarget(
      name: "VDBTests",
      dependencies: ["VDB", "LMDB", "HNSW", "VectorKernels", "TestSupport"],
      swiftSettings: common
    ),
    .testTarget(
      name: "VDBIngestTests",
      dependencies: ["VDBIngest", "TestSupport"],
      swiftSettings: common
    ),
    .testTarget(
      name: "VDBHTTPEmbeddingTests",
      dependencies: ["VDBHTTPEmbedding", "VDBIngest", "VDB", "TestSupport", "HTTPTestSupport"],
      swiftSettings: common
    ),
    .testTarget(
      name: "RecoveryTests",
      dependencies: ["VDB", "TestSupport", "vdb-crashlab"],
      swiftSettings: common
    ),
    .testTarget(
      name: "VDBToolTests",
      dependencies: ["VDB", "VDBIngest", "TestSupport", "HTTPTestSupport", "vdbtool"],
      swiftSettings: common
    ),
  ]
)
