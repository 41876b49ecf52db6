/// Tries the search parameters of an index to see what each setting finds, and how fast.
///
/// ```swift
/// let truth = ParameterSweep.groundTruth(base, queries, k: 10, metric: .l2)
/// let sweep = try ParameterSweep(index, queries: queries, truth: truth, k: 10)
/// let points = try sweep.run()
/// let chosen = points.cheapest(reaching: 0.95)
/// ```
///
/// Settings that cannot be better than one that was tried are left out: a dearer value of every
/// parameter is never faster and a cheaper one never finds more (Faiss's `explore`).
public struct ParameterSweep: Sendable {
    public let ranges: [ParameterRange]
    private let index: any VectorIndex
    private let queries: VectorRows
    private let k: Int
    /// The true nearest of each query.
    private let truth: [Set<Int64>]

    /// At most so many settings are tried.
    public var experimentLimit = 500
    /// How long each setting is measured at least; the fastest search counts.
    public var duration: Duration = .milliseconds(100)
    /// Threads that share the queries of a search.
    public var threads = 1

    /// - Parameters:
    ///   - truth: labels of the true nearest vectors, `[queries, k or more]`.
    ///   - k: how many are looked for.
    /// - Throws: `TuningError` where the truth does not fit the queries.
    public init(
        _ index: any VectorIndex, queries: VectorRows, truth: [Int64], k: Int
    ) throws {
        guard k > 0, queries.count > 0 else { throw TuningError.nothingToSearch }
        guard queries.dimension == index.dimension else {
            throw VectorSearchError.wrongDimension(
                found: queries.dimension, expected: index.dimension)
        }
        let width = truth.count / queries.count
        guard truth.count.isMultiple(of: queries.count), width >= k else {
            throw TuningError.wrongTruth(labels: truth.count, queries: queries.count, k: k)
        }
        self.index = index
        self.queries = queries
        self.k = k
        self.truth = (0..<queries.count).map { query in
            Set(truth[query * width..<query * width + k].filter { $0 >= 0 })
        }
        ranges = index.parameterRanges
    }

    /// The labels of the true nearest among base vectors, `[queries, k]`.
    public static func groundTruth(
        _ base: VectorRows, _ queries: VectorRows, k: Int, metric: Metric, threads: Int = 1
    ) throws -> [Int64] {
        try FlatIndex(base, metric: metric).search(queries, k: k, threads: threads).labels
    }

    /// How many settings there are; `Int.max` where there are more.
    public var settingCount: Int {
        ranges.reduce(1) { count, range in
            let product = count.multipliedReportingOverflow(by: range.values.count)
            return product.overflow ? .max : product.partialValue
        }
    }

    /// Tries settings, first the cheapest and the dearest, then others in a drawn order.
    ///
    /// - Parameter progress: called after each setting with the number done and to do.
    public func run(
        progress: ((_ completed: Int, _ total: Int) -> Void)? = nil
    ) throws -> OperatingPoints {
        try run(progress: progress, measure)
    }

    /// - Parameter measure: what a setting finds, and the seconds a query takes.
    package func run(
        progress: ((_ completed: Int, _ total: Int) -> Void)? = nil,
        _ measure: (SearchParameters) throws -> (recall: Double, seconds: Double)
    ) throws -> OperatingPoints {
        var points = OperatingPoints()
        let total = min(settingCount, max(1, experimentLimit))
        for (done, combination) in combinations(total).enumerated() {
            let numbers = numbers(combination)
            let most = points.points.reduce(Double.infinity) {
                $1.isAtLeast(numbers) ? min($0, $1.recall) : $0
            }
            let least = points.points.reduce(0.0) {
                $1.isAtMost(numbers) ? max($0, $1.secondsPerQuery) : $0
            }
            if done > 0, points.leastSeconds(reaching: most) <= least {
                points.skippedCount += 1
            } else {
                var parameters = SearchParameters()
                for (range, number) in zip(ranges, numbers) {
                    range.set(range.values[number], in: &parameters)
                }
                let found = try measure(parameters)
                points.append(
                    OperatingPoint(
                        settings: zip(ranges, numbers).map { .init(range: $0, number: $1) },
                        parameters: parameters, recall: found.recall,
                        secondsPerQuery: found.seconds))
            }
            progress?(done + 1, total)
        }
        return points
    }

    /// Numbers of settings: the first, the last, then others.
    private func combinations(_ total: Int) -> [Int] {
        let count = settingCount
        guard total > 2 else { return Array([0, count - 1].prefix(total)) }
        if count <= 1 << 20 {
            let middle = FaissRandom.permutation(count - 2, seed: 1234).prefix(total - 2)
            return [0, count - 1] + middle.map { $0 + 1 }
        }
        // Too many to shuffle: as many at equal distances.
        let step = (count - 2) / (total - 2)
        return [0, count - 1] + (0..<total - 2).map { 1 + $0 * step }
    }

    /// Which value of each range, the first range changing fastest.
    private func numbers(_ combination: Int) -> [Int] {
        var rest = combination
        return ranges.map { range in
            defer { rest /= range.values.count }
            return rest % range.values.count
        }
    }

    private func measure(_ parameters: SearchParameters) throws -> (Double, Double) {
        let clock = ContinuousClock()
        var (best, spent) = (Duration.seconds(Int64.max >> 1), Duration.zero)
        var found = Neighbors(queryCount: 0, k: k, metric: index.metric)
        repeat {
            let taken = try clock.measure {
                found = try index.search(
                    queries, k: k, parameters: parameters, threads: threads)
            }
            best = min(best, taken)
            spent += taken
        } while spent < duration
        let (seconds, attoseconds) = best.components
        return (
            recall(of: found.labels),
            (Double(seconds) + Double(attoseconds) * 1e-18) / Double(queries.count)
        )
    }

    /// Share of the true nearest among the labels found: intersection at k.
    package func recall(of labels: [Int64]) -> Double {
        var found = 0
        var wanted = 0
        for (query, nearest) in truth.enumerated() {
            found += Set(labels[query * k..<(query + 1) * k]).intersection(nearest).count
            wanted += nearest.count
        }
        return wanted > 0 ? Double(found) / Double(wanted) : 1
    }
}

/// Why parameters could not be tried.
public enum TuningError: Error, Sendable, Hashable, CustomStringConvertible {
    case nothingToSearch
    case wrongTruth(labels: Int, queries: Int, k: Int)

    public var description: String {
        switch self {
        case .nothingToSearch:
            "there are no queries, or none of their nearest is wanted; give queries and a k of at "
                + "least 1"
        case .wrongTruth(let labels, let queries, let k):
            "\(labels) true labels for \(queries) queries; give the same number, at least \(k), for "
                + "each"
        }
    }
}
