import FathomKernels

/// Searches parts by their plans, and gathers the nearest of each query.
struct PartSearch: Sendable {
    let plans: [PartPlan]
    let metric: Metric
    /// How many of a query are kept.
    let limit: Int

    func run(_ queries: VectorRows) throws -> [TopK] {
        var tops = (0..<queries.count).map { _ in TopK(limit, metric) }
        for plan in plans {
            switch plan.way {
            case .scan: scan(plan.part, plan.rows, queries, into: &tops)
            case .index(let index, let segment, let parameters, let wanted, let isExact):
                let found = try index.search(queries, k: wanted, parameters: parameters)
                for query in 0..<queries.count {
                    // Labels are those of a file, and so may be anything.
                    let places = query * wanted..<(query + 1) * wanted
                    if isExact {
                        for place in places where passes(found.labels[place], plan) {
                            tops[query].offer(
                                found.distances[place],
                                plan.part.id(of: Int(found.labels[place])))
                        }
                    } else {
                        let picks = found.labels[places].filter { passes($0, plan) }
                        compare(
                            segment, picks.map { Int32(truncatingIfNeeded: $0) },
                            queries.row(query), into: &tops[query])
                    }
                }
            }
        }
        return tops
    }

    private func passes(_ label: Int64, _ plan: PartPlan) -> Bool {
        label >= 0 && label < plan.part.count && plan.rows?.contains(Int(label)) ?? true
    }

    /// Compares a query with candidates by their vectors.
    private func compare(
        _ segment: Segment, _ picks: [Int32], _ query: [Float], into top: inout TopK
    ) {
        var distances = [Float](repeating: 0, count: picks.count)
        segment.withVectors { values in
            measure(query, values, picks, picks.count, query.count, &distances)
        }
        for (row, distance) in zip(picks, distances) {
            top.offer(distance, segment.ids[Int(row)])
        }
    }

    /// Rows that all queries meet before the next ones are looked at.
    private static let blockRows = 256

    /// Compares queries with all rows, or with some.
    private func scan(
        _ part: any CollectionPart, _ rows: RowSet?, _ queries: VectorRows,
        into tops: inout [TopK]
    ) {
        let dimension = queries.dimension
        var picks: [Int32] = []
        picks.reserveCapacity(Self.blockRows)
        var distances = [Float](repeating: 0, count: Self.blockRows)
        part.forEachRun { first, count, values in
            for begin in stride(from: 0, to: count, by: Self.blockRows) {
                var size = min(Self.blockRows, count - begin)
                if let rows {
                    picks.removeAll(keepingCapacity: true)
                    rows.appendMembers(
                        in: first + begin..<first + begin + size, lessBase: first, to: &picks)
                    size = picks.count
                    guard size > 0 else { continue }
                }
                for query in 0..<queries.count {
                    queries.values.withUnsafeBufferPointer { all in
                        guard let base = all.baseAddress else { return }
                        measure(
                            base + query * dimension,
                            rows == nil ? values + begin * dimension : values,
                            rows == nil ? nil : picks, size, dimension, &distances)
                    }
                    var bound = tops[query].bound
                    for i in 0..<size {
                        let distance = distances[i]
                        guard metric.isSimilarity ? distance >= bound : distance <= bound else {
                            continue
                        }
                        let row = rows == nil ? begin + i : Int(picks[i])
                        tops[query].offer(distance, part.id(of: first + row))
                        bound = tops[query].bound
                    }
                }
            }
        }
    }

    /// Distances from a query to rows that follow each other, or to picked ones.
    private func measure(
        _ query: UnsafePointer<Float>, _ rows: UnsafePointer<Float>, _ picks: [Int32]?,
        _ count: Int, _ dimension: Int, _ distances: inout [Float]
    ) {
        if metric == .innerProduct {
            fk_row_products_f32(&distances, query, rows, picks, count, dimension)
        } else {
            fk_row_distances_f32(&distances, query, rows, picks, count, dimension)
        }
    }
}
