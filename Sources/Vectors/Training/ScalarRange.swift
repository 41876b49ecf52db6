/// Finds the range of values that a scalar quantizer divides into levels.
///
/// Statistics: Faiss, `RangeStat`; sums are taken in its order and precision.
struct ScalarRange {
    private let statistic: ScalarQuantizer.RangeStatistic
    private let argument: Float
    /// 2^b.
    private let levels: Int

    init(_ statistic: ScalarQuantizer.RangeStatistic, argument: Float, levels: Int) {
        self.statistic = statistic
        self.argument = argument
        self.levels = levels
    }

    /// The lower end and the width.
    func of(_ values: [Float]) -> (low: Float, width: Float) {
        let (low, high) =
            switch statistic {
            case .minmax: widened(values)
            case .meanstd: aroundMean(values)
            case .quantiles: quantiles(values)
            case .optim: leastSquares(values)
            }
        return (low, high - low)
    }

    private func ends(_ values: [Float]) -> (low: Float, high: Float) {
        var (low, high) = (Float.infinity, -Float.infinity)
        for value in values {
            if value < low { low = value }
            if value > high { high = value }
        }
        return (low, high)
    }

    private func widened(_ values: [Float]) -> (Float, Float) {
        let (low, high) = ends(values)
        let margin = (high - low) * argument
        return (low - margin, high + margin)
    }

    private func aroundMean(_ values: [Float]) -> (Float, Float) {
        var (sum, squares) = (0.0, 0.0)
        for value in values {
            sum += Double(value)
            squares += Double(value * value)
        }
        let count = Double(values.count)
        let mean = Float(sum / count)
        let variance = Float(squares / count - Double(mean * mean))
        let deviation = variance <= 0 ? 1 : variance.squareRoot()
        return (mean - deviation * argument, mean + deviation * argument)
    }

    private func quantiles(_ values: [Float]) -> (Float, Float) {
        let sorted = values.sorted()
        var place = max(0, Int(argument * Float(sorted.count)))
        if place > sorted.count - place { place = sorted.count / 2 }
        return (sorted[place], sorted[max(0, sorted.count - 1 - place)])
    }

    /// The levels b + a·n that are nearest to the values, by fitting a and b and choosing n in turn.
    private func leastSquares(_ values: [Float]) -> (Float, Float) {
        let (low, high) = ends(values)
        let total = values.reduce(0, +)
        let count = Float(values.count)
        let top = Float(levels - 1)
        var b = low
        var a = (high - low) / top
        var lastError: Float = -1
        var repetitions = 0
        for _ in 0..<2000 {
            var (sum, squares, products, error) = (Float(0), Float(0), Float(0), Float(0))
            for value in values {
                let level = min(top, max(0, ((value - b) / a + 0.5).rounded(.down)))
                let difference = value - (level * a + b)
                error += difference * difference
                sum += level
                squares += level * level
                products += level * value
            }
            if error == lastError {
                repetitions += 1
                if repetitions == 16 { break }
            } else {
                lastError = error
                repetitions = 0
            }
            let determinant = sum * sum - squares * count
            // All values on one level: nothing is left to fit.
            guard determinant != 0 else { break }
            b = (sum * products - squares * total) / determinant
            a = (sum * total - count * products) / determinant
        }
        return (b, b + a * top)
    }
}
