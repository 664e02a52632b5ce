// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the store's depends on nothing that only measuring needs.
let package = Package(
  name: "vdb-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "vdb", path: ".."),
    // Without its allocation counters, which take the place of malloc.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    .executableTarget(
      name: "Store",
      dependencies: [
        .product(name: "VDB", package: "vdb"),
        .product(name: "VDBIngest", package: "vdb"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/Store",
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)],
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
    )
  ]
)
