extension CollectionSnapshot {
    /// Finds the `k` nearest vectors of each query, nearest first.
    ///
    /// Distances are those of the vectors themselves, whatever index led to them. Equal ones are
    /// ordered by id; id −1 stands where fewer than `k` were found, and for a query that is not a
    /// number, or without length where the metric is the cosine.
    ///
    /// - Parameters:
    ///   - predicate: only rows that meet it are found. Where few do they are compared one by one,
    ///     exactly; else the indexes pass over the others.
    ///   - threads: how many share the queries; results do not depend on it.
    /// - Throws: `VectorSearchError`, `PredicateError`, and `CollectionError` if a file vanished.
    public func search(
        _ queries: VectorRows, k: Int, where predicate: FieldPredicate? = nil,
        options: CollectionSearchOptions = CollectionSearchOptions(), threads: Int = 1
    ) throws -> Neighbors {
        guard queries.dimension == settings.dimension else {
            throw VectorSearchError.wrongDimension(
                found: queries.dimension, expected: settings.dimension)
        }
        try SearchLimits.check(k: k, queryCount: queries.count)
        try options.check(settings.description().kind)
        let bound = try predicate.map { try BoundPredicate($0, settings.columns) }
        let metric = settings.metric.metric
        guard k > 0, queries.count > 0 else {
            return Neighbors(queryCount: queries.count, k: k, metric: metric)
        }
        let plans = state.parts.compactMap { PartPlan($0, bound, k: k, options) }
        let limit = min(k, state.count)
        let search = PartSearch(plans: plans, metric: metric, limit: limit)
        let isCosine = settings.metric == .cosine
        let results = try QueryThreads.map(queries.count, threads: threads) { range in
            var values = queries.rows(range).values
            if isCosine {
                for row in 0..<range.count {
                    let place = row * queries.dimension..<(row + 1) * queries.dimension
                    guard !UnitVector.scale(&values, place) else { continue }
                    for i in place { values[i] = .nan }
                }
            }
            let tops = try search.run(
                VectorRows(checked: values, dimension: queries.dimension))
            var neighbors = Neighbors(queryCount: range.count, k: k, metric: metric)
            for (query, top) in tops.enumerated() { neighbors.store(top, query: query) }
            return neighbors
        }
        for plan in plans { try plan.part.checkIntact() }
        return Neighbors(joining: results, k: k)
    }
}
