/// What the candidates compared so far tell of those that are left: a straight line through the orders
/// (see `Coding.order`) that were found over those that codes had told.
///
/// A line, since candidates were chosen for what their codes told: where codes cannot tell rows apart,
/// the first of them are no nearer than the others, the line is flat, and all are compared.
struct OrderPrediction {
  private var count = 0.0
  private var meanEstimate = 0.0
  private var meanOrder = 0.0
  private var estimates = 0.0
  private var orders = 0.0
  private var products = 0.0

  /// Takes up one candidate (Welford's recurrence, in both variables).
  mutating func add(estimate: Float, order: Float) {
    count += 1
    let fromEstimate = Double(estimate) - meanEstimate
    let fromOrder = Double(order) - meanOrder
    meanEstimate += fromEstimate / count
    meanOrder += fromOrder / count
    estimates += fromEstimate * (Double(estimate) - meanEstimate)
    orders += fromOrder * (Double(order) - meanOrder)
    products += fromEstimate * (Double(order) - meanOrder)
  }

  /// The least order that a row of this estimate is likely to have.
  ///
  /// Three standard errors of a prediction below the line. Nothing is known from less than three
  /// candidates, or from equal ones.
  func least(_ estimate: Float) -> Float {
    guard count > 2, estimates > 0 else { return -.infinity }
    let slope = min(1, max(0, products / estimates))
    let rest = max(0, orders - 2 * slope * products + slope * slope * estimates) / (count - 2)
    let away = Double(estimate) - meanEstimate
    let spread = (rest * (1 + 1 / count + away * away / estimates)).squareRoot()
    return Float(meanOrder + slope * away - 3 * spread)
  }
}
