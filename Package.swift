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

// Arrows point one way: vdbtool → VDBIngest → VDB → { HNSW → VectorKernels → CVectorKernels, LMDB → CLMDB }.
// CBuiltinModel is the built-in embedding table as bytes of the program.
let package = Package(
  name: "vdb",
  platforms: [.macOS(.v15), .iOS(.v18)],
  products: [
    .library(name: "VDB", targets: ["VDB"]),
    .library(name: "VDBIngest", targets: ["VDBIngest"]),
    .executable(name: "vdbtool", targets: ["vdbtool"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
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
    .executableTarget(
      name: "vdbtool",
      dependencies: [
        "VDB", "VDBIngest", "VectorKernels", "CVectorKernels",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict
    ),
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: common),
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
      name: "RecoveryTests",
      dependencies: ["VDB", "TestSupport", "vdb-crashlab"],
      swiftSettings: common
    ),
    .testTarget(
      name: "VDBToolTests",
      dependencies: ["VDB", "VDBIngest", "TestSupport", "vdbtool"],
      swiftSettings: common
    ),
  ]
)
