public import Logging

/// How a store is opened; the defaults need no thought.
public struct StoreOptions: Sendable {
  /// Who may write.
  public enum Mode: Sendable, Hashable {
    /// This process writes; the store is created when the path is free.
    case readWrite
    /// This process writes to a store that must exist.
    case readWriteExisting
    /// This process only reads, beside a writer or without one.
    case readOnly
  }

  /// Who may write.
  public var mode: Mode
  /// Address space to reserve, in bytes; `nil` takes 1 TiB, less where many stores are open.
  ///
  /// The file grows up to it. It costs neither memory nor disk.
  public var mapSizeBytes: Int?
  /// Threads that build graphs; `nil` takes one a core.
  public var indexingThreads: Int?
  /// Bytes of batches that may wait for the writer before `insertBatch` waits.
  public var queueBytes: Int
  /// Where events are logged; silent by default.
  public var logger: Logger

  /// Takes the values as they are.
  public init(
    mode: Mode = .readWrite,
    mapSizeBytes: Int? = nil,
    indexingThreads: Int? = nil,
    queueBytes: Int = 64 << 20,
    logger: Logger = Logger(label: "vdb", factory: { _ in SwiftLogNoOpLogHandler() })
  ) {
    self.mode = mode
    self.mapSizeBytes = mapSizeBytes
    self.indexingThreads = indexingThreads
    self.queueBytes = queueBytes
    self.logger = logger
  }
}
