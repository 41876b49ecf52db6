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

/// The faster variants of an operation that this machine can run, by name of their level.
///
/// `all` names every variant; a level which the operation lists and `all` lacks fails the test,
/// so that no variant can be added untested.
func fasterVariants<Function>(
    _ levels: (UnsafeMutablePointer<fk_level>?) -> Int32, _ all: KeyValuePairs<String, Function>,
    sourceLocation: SourceLocation = #_sourceLocation
) -> [(level: String, run: Function)] {
    var listed = [fk_level](repeating: FK_LEVEL_REFERENCE, count: 8)
    let count = Int(levels(&listed))
    let names = listed.prefix(count).map { String(cString: fk_level_name($0)) }
    #expect(
        Set(names) == Set(all.map(\.key) + ["reference"]),
        "the operation lists \(names)", sourceLocation: sourceLocation)
    let runnable = Set(
        listed.prefix(count).filter { $0.rawValue <= fk_detected_level().rawValue }
            .map { String(cString: fk_level_name($0)) })
    return all.filter { runnable.contains($0.key) }.map { (level: $0.key, run: $0.value) }
}

/// Whether two rows hold the same bits, any NaN being equal to any other.
func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count
        && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
}

/// The largest difference of two rows, infinite if a number meets a NaN.
func largestDifference(_ a: [Float], _ b: [Double]) -> Double {
    var largest = 0.0
    for (x, y) in zip(a, b) {
        if x.isNaN != y.isNaN { return .infinity }
        if x.isNaN || Double(x) == y { continue }
        largest = max(largest, abs(Double(x) - y))
    }
    return a.count == b.count ? largest : .infinity
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
