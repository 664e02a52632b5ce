/// What distance means in a collection; the raw value is what the store writes.
///
/// Distances are the smaller the nearer: 1 - cosine, minus the inner product, or the Euclidean
/// distance.
package enum Metric: UInt8, Sendable, CaseIterable {
  case cosine = 0
  case dot = 1
  case l2 = 2
}
