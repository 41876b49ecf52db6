#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension RowDistances {
    typealias Function = (UnsafePointer<Float>, UnsafePointer<Float>, Int) -> Float

    /// The distance of two vectors by a metric, one component after the other.
    ///
    /// Formulas: Faiss, `extra_distances`.
    static func distance(_ metric: Metric, _ argument: Float) -> Function {
        switch metric {
        case .innerProduct: { innerProduct($0, $1, $2) }
        case .l2: { squaredDistance($0, $1, $2) }
        case .l1: { x, y, n in sum(n) { abs(x[$0] - y[$0]) } }
        case .linf:
            { x, y, n in
                var largest: Float = 0
                for i in 0..<n {
                    let difference = abs(x[i] - y[i])
                    if difference.isNaN { return difference }
                    largest = max(largest, difference)
                }
                return largest
            }
        case .lp: { x, y, n in sum(n) { powf(abs(x[$0] - y[$0]), argument) } }
        case .canberra:
            { x, y, n in sum(n) { abs(x[$0] - y[$0]) / (abs(x[$0]) + abs(y[$0])) } }
        case .brayCurtis:
            { x, y, n in sum(n) { abs(x[$0] - y[$0]) } / sum(n) { abs(x[$0] + y[$0]) } }
        case .jensenShannon:
            { x, y, n in
                0.5
                    * sum(n) { i in
                        let mean = 0.5 * (x[i] + y[i])
                        return -x[i] * logf(mean / x[i]) - y[i] * logf(mean / y[i])
                    }
            }
        case .jaccard:
            { x, y, n in sum(n) { min(x[$0], y[$0]) } / sum(n) { max(x[$0], y[$0]) } }
        case .nanEuclidean: { x, y, n in nanEuclidean(x, y, n) }
        case .gower: { x, y, n in gower(x, y, n) }
        }
    }

    private static func sum(_ count: Int, _ term: (Int) -> Float) -> Float {
        var sum: Float = 0
        for i in 0..<count { sum += term(i) }
        return sum
    }

    private static func nanEuclidean(
        _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int
    ) -> Float {
        var sum: Float = 0
        var present = 0
        for i in 0..<count where !x[i].isNaN && !y[i].isNaN {
            sum += (x[i] - y[i]) * (x[i] - y[i])
            present += 1
        }
        return present == 0 ? .nan : Float(count) / Float(present) * sum
    }

    private static func gower(
        _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int
    ) -> Float {
        var sum: Float = 0
        var valid = 0
        for i in 0..<count where !x[i].isNaN && !y[i].isNaN {
            if x[i] >= 0, y[i] >= 0 {
                // Numbers are expected in [0, 1].
                guard x[i] <= 1, y[i] <= 1 else { return .nan }
                sum += abs(x[i] - y[i])
            } else if x[i] < 0, y[i] < 0 {
                sum += x[i] == y[i] ? 0 : 1
            } else {
                return .nan
            }
            valid += 1
        }
        return valid == 0 ? .nan : sum / Float(valid)
    }
}
