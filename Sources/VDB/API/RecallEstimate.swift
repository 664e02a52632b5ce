public import Foundation

/// What is known of the share of true neighbours that searches of one limit and width find.
///
/// Measured on the collection itself, at the last calibration. Unless queries were given to it, stored
/// rows were the queries, each hidden from its own search; queries unlike the data may find less. See
/// ``VectorStore/calibrateRecall(_:queries:threads:)``.
public struct RecallEstimate: Sendable, Hashable, Codable {
  /// What the queries of a calibration were.
  public enum Source: String, Sendable, Codable {
    /// A sample of the collection's own rows.
    case storedRows
    /// Queries given by the application.
    case queries
    /// Nothing was measured: every record is compared.
    case exact
  }

  /// Results a query asks for.
  public let limit: Int
  /// Candidates kept during the walk of the graph; 0: every record is compared.
  public let efSearch: Int
  /// The mean share of the true `limit` nearest that is found.
  public let recall: Double
  /// What the mean over all such queries reaches, with 95 % confidence, going by the sample's size
  /// and spread.
  public let lowerBound: Double
  /// Queries that were measured.
  public let samples: Int
  /// What they were.
  public let source: Source
  /// Rows of the index when they were measured.
  public let rows: Int
  /// When they were measured; `nil` for `.exact`.
  public let calibrated: Date?
  /// Whether the collection is still nearly what was measured: grown by no more than half, and no more
  /// than a fifth deleted.
  ///
  /// Until the next calibration widths are counted in proportion to the growth.
  public let isCurrent: Bool
}

/// How a search for a recall is carried out.
public struct RecallChoice: Sendable, Hashable, Codable {
  /// The recall asked for.
  public let targetRecall: Double
  /// Results a query asks for.
  public let limit: Int
  /// Candidates kept during the walk of the graph; `nil`: every record is compared.
  public let efSearch: Int?
  /// Whether the recall is promised: the width's lower bound reaches it, by a calibration that is still
  /// current, or every record is compared.
  ///
  /// Otherwise the search is a wider one that probably reaches it.
  public let isPromised: Bool
  /// What is known of the width; `nil` when the collection is not calibrated.
  public let estimate: RecallEstimate?
}
