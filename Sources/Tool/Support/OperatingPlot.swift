import FathomModels
import FathomVectors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Draws what settings of search parameters find against how fast they are.
///
/// Recall goes to the right from the least that was seen to 1, queries a second upward by powers of
/// ten. The settings that no other beats are joined.
struct OperatingPlot {
    private let points: OperatingPoints
    private let k: Int

    private static let (left, top, plotWidth, plotHeight) = (90, 70, 640, 400)

    init(_ points: OperatingPoints, k: Int) {
        self.points = points
        self.k = k
    }

    /// The drawing as an SVG document.
    func svg(title: String) -> String {
        var canvas = SVGCanvas(width: Self.left + Self.plotWidth + 40)
        canvas.text(title, x: 24, y: 34, .title)
        drawAxes(on: &canvas)
        let front = points.front
        canvas.line(front.map { (x($0), y($0)) }, class: "front")
        let best = Set(front.map(\.key))
        for point in points.points {
            canvas.dot(
                x: x(point), y: y(point), class: best.contains(point.key) ? "bar" : "other",
                saying: "\(point.key.isEmpty ? "the only setting" : point.key): recall "
                    + "\(Format.fixed(point.recall, 4)), "
                    + "\(Format.number(point.queriesPerSecond)) queries a second")
        }
        return canvas.document(
            height: Self.top + Self.plotHeight + 80, title: title,
            description: "Recall at \(k) against queries a second of \(points.points.count) "
                + "settings; those that no other beats are joined.")
    }

    private func drawAxes(on canvas: inout SVGCanvas) {
        let (right, bottom) = (Self.left + Self.plotWidth, Self.top + Self.plotHeight)
        let (low, steps) = (recallRange.lowerBound, 5)
        for step in 0...steps {
            let recall = low + (1 - low) * Double(step) / Double(steps)
            let place = x(recall: recall)
            canvas.line([(place, Self.top), (place, bottom)], class: "grid")
            canvas.text(
                Format.fixed(recall, low > 0.9 ? 3 : 2), x: place + 14, y: bottom + 20, .number,
                isFlushRight: true)
        }
        for power in powers {
            let place = y(rate: pow(10, Double(power)))
            canvas.line([(Self.left, place), (right, place)], class: "grid")
            canvas.text(
                Self.label(power: power), x: Self.left - 8, y: place + 5, .number,
                isFlushRight: true)
        }
        canvas.line(
            [(Self.left, Self.top), (Self.left, bottom), (right, bottom)], class: "axis")
        canvas.text("queries a second", x: 24, y: Self.top - 12, .plain)
        canvas.text("recall at \(k)", x: right, y: bottom + 44, .plain, isFlushRight: true)
    }

    private static func label(power: Int) -> String {
        power >= 0 && power < 7
            ? Format.parameters(Int(pow(10, Double(power)))) : "1e\(power)"
    }

    /// From the tenth below the least recall to 1.
    private var recallRange: ClosedRange<Double> {
        let least = points.points.map(\.recall).min() ?? 0
        return (min(0.99, least) * 10).rounded(.down) / 10...1
    }

    /// The powers of ten between which all rates are.
    private var powers: ClosedRange<Int> {
        let rates = points.points.map(\.queriesPerSecond).filter { $0 > 0 && $0.isFinite }
        let low = Int(log10(rates.min() ?? 1).rounded(.down))
        return low...max(low + 1, Int(log10(rates.max() ?? 1).rounded(.up)))
    }

    private func x(recall: Double) -> Int {
        let low = recallRange.lowerBound
        return Self.left + Int(Double(Self.plotWidth) * (recall - low) / (1 - low))
    }

    private func y(rate: Double) -> Int {
        let (low, high) = (Double(powers.lowerBound), Double(powers.upperBound))
        let share = min(1, max(0, (log10(rate) - low) / (high - low)))
        return Self.top + Int(Double(Self.plotHeight) * (1 - share))
    }

    private func x(_ point: OperatingPoint) -> Int { x(recall: point.recall) }
    private func y(_ point: OperatingPoint) -> Int { y(rate: point.queriesPerSecond) }
}
