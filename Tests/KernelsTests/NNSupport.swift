import FathomKernels
import FathomTestSupport
import Testing

extension SeededGenerator {
    /// `count` numbers between `-scale` and `scale`.
    mutating func row(_ count: Int, scale: Float = 1) -> [Float] {
        floats(count).map { scale * $0 }
    }
}

/// Row lengths around the widths of registers, sums and pages.
let awkwardSizes = [0, 1, 7, 8, 15, 16, 17, 33, 63, 64, 65, 100, 576, 1024]

/// The variants of an operation that this machine can run beside the reference, by name of
/// their level: every level that the operation lists.
func fasterVariants<Function>(
    _ levels: (UnsafeMutablePointer<fk_level>?) -> Int32, _ variant: (fk_level) -> Function?
) -> [(level: String, run: Function)] {
    usableLevels(levels).filter { $0 != FK_LEVEL_REFERENCE }.compactMap { level in
        variant(level).map { (level: String(cString: fk_level_name(level)), run: $0) }
    }
}

/// Whether two rows hold the same bits, any NaN being equal to any other.
func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy(sameBits)
}

private func sameBits(_ a: Float, _ b: Float) -> Bool {
    a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN)
}

/// Expects two rows to hold the same bits; a failure names the first that differ, not all.
func expectSameBits(
    _ found: [Float], _ expected: [Float], _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    if sameBits(found, expected) { return }
    let place = zip(found, expected).enumerated().first { !sameBits($0.element.0, $0.element.1) }
    let difference =
        place.map { "element \($0.offset) is \($0.element.0), expected \($0.element.1)" }
        ?? "the lengths differ"
    let sizes = "\(found.count) and \(expected.count) elements"
    Issue.record(
        "\(comment?.rawValue ?? ""): \(difference) (\(sizes))", sourceLocation: sourceLocation)
}

/// Expects every element within `bound` of its exact value, a NaN only where one is due.
func expectNear(
    _ found: [Float], _ exact: [Double], within bound: Double, _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    var largest = found.count == exact.count ? 0.0 : .infinity
    var place = 0
    for (i, (x, y)) in zip(found, exact).enumerated() where !(x.isNaN && y.isNaN) {
        let difference = Double(x) == y ? 0 : abs(Double(x) - y)
        // A comparison that a NaN fails counts as the largest difference.
        if difference <= largest { continue }
        largest = difference.isNaN ? .infinity : difference
        place = i
    }
    #expect(
        largest <= bound, "\(comment?.rawValue ?? "") element \(place)",
        sourceLocation: sourceLocation)
}

/// Distance in units in the last place of the correctly rounded result.
func ulps(_ x: Float, from exact: Double) -> Double {
    if x.isNaN || exact.isNaN { return x.isNaN && exact.isNaN ? 0 : .infinity }
    let rounded = Float(exact)
    if rounded.isInfinite { return x == rounded ? 0 : .infinity }
    return abs(Double(x) - exact) / Double(rounded.ulp)
}

/// The slope of `f` at `x` by central differences.
func slope(at x: Double, step: Double = 1e-6, _ f: (Double) -> Double) -> Double {
    (f(x + step) - f(x - step)) / (2 * step)
}
