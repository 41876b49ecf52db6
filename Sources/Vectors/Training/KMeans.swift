/// Groups vectors around centroids that are the means of their groups (Lloyd's algorithm).
///
/// Samples, first centroids and the splitting of empty groups follow Faiss's random numbers, so
/// equal settings give equal centroids up to rounding.
///
/// ```swift
/// let clusters = try KMeans(centroidCount: 256).train(vectors)
/// print(clusters.centroids.count, clusters.iterations.last?.objective ?? 0)
/// ```
public struct KMeans: Sendable {
    /// How the centroids are found.
    public struct Settings: Sendable, Hashable {
        /// Rounds of assigning vectors and taking means.
        public var iterationCount = 25
        /// How often to begin anew with other first centroids; the best outcome is kept.
        public var attemptCount = 1
        /// Whether centroids are scaled to length 1.
        public var isSpherical = false
        /// Whether the components of centroids are rounded to integers.
        public var hasIntegerCentroids = false
        /// `.l2` or `.innerProduct`: what vectors are assigned by.
        public var metric = Metric.l2
        /// Of more vectors than this a centroid, a random sample is taken.
        public var maximumPointsPerCentroid = 256
        public var seed: UInt32 = 1234
        /// Stops when the objective changes by no more than this share of itself.
        public var stoppingThreshold: Float = 0

        public init() {}
    }

    /// What one iteration saw.
    public struct Iteration: Sendable, Hashable {
        /// Sum of the squared distances (or inner products) at the assignment.
        public let objective: Float
        /// Groups that were empty and got half of another one.
        public let splitCount: Int
        /// K Σ n² / (Σ n)² over the sizes of the groups; 1 when all are equal.
        public let imbalance: Double
    }

    /// Centroids and how they came about.
    public struct Clusters: Sendable, Hashable {
        public let centroids: VectorRows
        /// Of all attempts up to the one that was kept.
        public let iterations: [Iteration]
    }

    public let centroidCount: Int
    public let settings: Settings

    public init(centroidCount: Int, settings: Settings = Settings()) {
        self.centroidCount = centroidCount
        self.settings = settings
    }

    /// Finds the centroids of some vectors.
    ///
    /// - Parameters:
    ///   - weights: how much each vector counts in the means; nil for 1.
    ///   - first: centroids to begin with; those that are missing are drawn from the vectors.
    ///   - threads: how many share the vectors; the outcome does not depend on it.
    ///   - progress: called after each iteration.
    /// - Throws: `TrainingError` if there are fewer vectors than centroids, a component is not
    ///   finite, or a setting has no valid value.
    public func train(
        _ vectors: VectorRows, weights: [Float]? = nil, startingFrom first: VectorRows? = nil,
        threads: Int = 1, progress: ((Iteration) -> Void)? = nil
    ) throws(TrainingError) -> Clusters {
        try check(vectors, weights, first)
        let limit = centroidCount.multipliedReportingOverflow(
            by: settings.maximumPointsPerCentroid)
        var (points, weights) = (vectors, weights)
        if !limit.overflow, points.count > limit.partialValue {
            let chosen = FaissRandom.permutation(points.count, seed: settings.seed)
                .prefix(limit.partialValue)
            points = points.gathering(chosen)
            weights = weights.map { weights in chosen.map { weights[$0] } }
        }
        guard points.count > centroidCount else {
            return Clusters(
                centroids: points,
                iterations: [Iteration(objective: 0, splitCount: 0, imbalance: 1)])
        }
        let isSimilarity = settings.metric.isSimilarity
        var iterations: [Iteration] = []
        var best: (objective: Float, clusters: Clusters)?
        for attempt in 0..<settings.attemptCount {
            var centroids = firstCentroids(points, first, attempt: attempt)
            var objective: Float = 0
            for iteration in 0..<settings.iterationCount {
                let last = objective
                let done = step(points, weights, &centroids, threads)
                objective = done.objective
                iterations.append(done)
                progress?(done)
                guard iteration > 0, last != 0 else { continue }
                if abs(last - objective) / abs(last) <= settings.stoppingThreshold { break }
            }
            let isBetter =
                best.map { isSimilarity ? objective > $0.objective : objective < $0.objective }
                ?? true
            if isBetter {
                best = (objective, Clusters(centroids: centroids, iterations: iterations))
            }
        }
        return best?.clusters ?? Clusters(centroids: points, iterations: [])
    }

    private func check(
        _ vectors: VectorRows, _ weights: [Float]?, _ first: VectorRows?
    ) throws(TrainingError) {
        func require(
            _ isValid: Bool, _ name: String, _ found: Any, _ expected: String
        ) throws(TrainingError) {
            guard isValid else {
                throw .badSetting(name, found: "\(found)", expected: expected)
            }
        }
        try require(centroidCount > 0, "the number of centroids", centroidCount, "at least 1")
        try require(
            settings.iterationCount >= 0, "iterationCount", settings.iterationCount, "at least 0")
        try require(settings.attemptCount > 0, "attemptCount", settings.attemptCount, "at least 1")
        try require(
            settings.maximumPointsPerCentroid > 0, "maximumPointsPerCentroid",
            settings.maximumPointsPerCentroid, "at least 1")
        try require(
            settings.metric == .l2 || settings.metric == .innerProduct, "metric",
            settings.metric, "l2 or innerProduct")
        try vectors.check(dimension: vectors.dimension)
        guard vectors.count >= centroidCount else {
            throw .tooFewVectors(
                found: vectors.count, needed: centroidCount,
                purpose: "\(centroidCount) centroids")
        }
        if let weights {
            try require(
                weights.count == vectors.count, "the number of weights", weights.count,
                "\(vectors.count), one a vector")
            try require(
                weights.allSatisfy { $0 >= 0 && $0.isFinite }, "weights", "not all valid",
                "finite and not negative")
        }
        if let first {
            try first.check(dimension: vectors.dimension)
            try require(
                first.count <= centroidCount, "the number of first centroids", first.count,
                "at most \(centroidCount)")
        }
    }

    /// Those that were given, and vectors in random order for the others.
    private func firstCentroids(
        _ points: VectorRows, _ first: VectorRows?, attempt: Int
    ) -> VectorRows {
        let given = first?.count ?? 0
        let seed = UInt32(truncatingIfNeeded: Int(settings.seed) + 1 + attempt * 15_486_557)
        let order = FaissRandom.permutation(points.count, seed: seed)
        let drawn = points.gathering(order[given..<centroidCount])
        return finished((first?.values ?? []) + drawn.values, dimension: points.dimension)
    }

    /// Assigns the points, moves the centroids to the means and splits for empty groups.
    private func step(
        _ points: VectorRows, _ weights: [Float]?, _ centroids: inout VectorRows, _ threads: Int
    ) -> Iteration {
        let dimension = points.dimension
        let (numbers, distances) = NearestCentroids(
            centroids, isSimilarity: settings.metric.isSimilarity
        ).assign(points, threads: threads)
        var sums = [Float](repeating: 0, count: centroidCount * dimension)
        var sizes = [Float](repeating: 0, count: centroidCount)
        var counts = [Int](repeating: 0, count: centroidCount)
        points.values.withUnsafeBufferPointer { values in
            sums.withUnsafeMutableBufferPointer { sums in
                for (point, number) in numbers.enumerated() {
                    let weight = weights?[point] ?? 1
                    sizes[number] += weight
                    counts[number] += 1
                    for i in 0..<dimension {
                        sums[number * dimension + i] += values[point * dimension + i] * weight
                    }
                }
                for number in 0..<centroidCount where sizes[number] != 0 {
                    let scale = 1 / sizes[number]
                    for i in 0..<dimension { sums[number * dimension + i] *= scale }
                }
            }
        }
        let splitCount = split(&sums, &sizes, dimension: dimension, pointCount: points.count)
        centroids = finished(sums, dimension: dimension)
        let squares = counts.reduce(0.0) { $0 + Double($1) * Double($1) }
        let total = Double(points.count)
        return Iteration(
            objective: distances.reduce(0, +), splitCount: splitCount,
            imbalance: squares * Double(centroidCount) / (total * total))
    }

    /// Gives each empty group half of another one, larger ones more likely.
    ///
    /// The two centroids are moved apart by one part in 1,024 of each component.
    private func split(
        _ centroids: inout [Float], _ sizes: inout [Float], dimension: Int, pointCount: Int
    ) -> Int {
        var random = FaissRandom(seed: 1234)
        var splitCount = 0
        for empty in sizes.indices where sizes[empty] == 0 {
            var donor = 0
            var isFound = false
            for attempt in 0..<10 * centroidCount {
                donor = attempt % centroidCount
                let chance = Float(Double(sizes[donor]) - 1) / Float(pointCount - centroidCount)
                if random.float() < chance {
                    isFound = true
                    break
                }
            }
            if !isFound {
                donor = 0
                for j in sizes.indices where sizes[j] > sizes[donor] { donor = j }
            }
            for i in 0..<dimension {
                let value = centroids[donor * dimension + i]
                let (up, down) = (value * (1 + 1 / 1024), value * (1 - 1 / 1024))
                centroids[empty * dimension + i] = i.isMultiple(of: 2) ? up : down
                centroids[donor * dimension + i] = i.isMultiple(of: 2) ? down : up
            }
            sizes[empty] = sizes[donor] / 2
            sizes[donor] -= sizes[empty]
            splitCount += 1
        }
        return splitCount
    }

    /// Centroids scaled or rounded as the settings say.
    private func finished(_ values: [Float], dimension: Int) -> VectorRows {
        var rows = VectorRows(checked: values, dimension: dimension)
        if settings.isSpherical { rows = rows.normalized() }
        if settings.hasIntegerCentroids {
            rows = VectorRows(
                checked: rows.values.map { $0.rounded(.toNearestOrAwayFromZero) },
                dimension: dimension)
        }
        return rows
    }
}

extension VectorRows {
    /// Every row scaled to length 1; rows of zeros stay.
    func normalized() -> VectorRows {
        var values = values
        let dimension = dimension
        values.withUnsafeMutableBufferPointer { values in
            guard let base = values.baseAddress else { return }
            for row in 0..<count {
                let start = base + row * dimension
                let squared = RowDistances.squaredNorm(start, dimension)
                guard squared > 0 else { continue }
                let scale = 1 / squared.squareRoot()
                for i in 0..<dimension { start[i] *= scale }
            }
        }
        return VectorRows(checked: values, dimension: dimension)
    }
}
