extension FlatIndex {
    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        try nearest(queries, k: k, parameters: parameters, threads: 1)
    }

    /// Many queries are shared out over threads, and the rows where queries are few.
    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters, threads: Int
    ) throws -> Neighbors {
        let selector = parameters.selector
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        if let limit = parameters.limit {
            let tops = try nearest(
                queries, k: min(k, count), selector, threads: threads, within: limit)
            for (query, top) in tops.enumerated() { neighbors.store(top, query: query) }
            return neighbors
        }
        guard queries.count < threads * QueryPanel.width else {
            let parts = QueryThreads.map(queries.count, threads: threads) { part in
                nearest(queries.rows(part), k: min(k, count), among: 0..<count, selector)
            }
            try codes.checkIntact()
            for (query, top) in parts.joined().enumerated() { neighbors.store(top, query: query) }
            return neighbors
        }
        // A thread takes longer to start than some thousand rows to look at.
        let rowThreads = min(threads, 1 + count / 8192)
        var parts = QueryThreads.map(count, threads: rowThreads) { rows in
            nearest(queries, k: min(k, count), among: rows, selector)
        }
        try codes.checkIntact()
        for query in 0..<queries.count {
            for part in 1..<parts.count { parts[0][query].merge(parts[part][query]) }
            neighbors.store(parts[0][query], query: query)
        }
        return neighbors
    }

    /// The nearest of each query, some rows at a time, between which a limit is looked at.
    private func nearest(
        _ queries: VectorRows, k: Int, _ selector: IDSelector?, threads: Int,
        within limit: SearchLimit
    ) throws -> [TopK] {
        var tops = Array(repeating: TopK(k, metric), count: queries.count)
        for first in stride(from: 0, to: count, by: SearchLimit.codesAtOnce) {
            try limit.check()
            let size = min(SearchLimit.codesAtOnce, count - first)
            let parts = QueryThreads.map(size, threads: min(threads, 1 + size / 8192)) { rows in
                nearest(
                    queries, k: k, among: first + rows.lowerBound..<first + rows.upperBound,
                    selector)
            }
            for part in parts {
                for query in tops.indices { tops[query].merge(part[query]) }
            }
        }
        try codes.checkIntact()
        return tops
    }

    /// The nearest of each query among some of the rows.
    private func nearest(
        _ queries: VectorRows, k: Int, among rows: Range<Int>, _ selector: IDSelector?
    ) -> [TopK] {
        codes.withUnsafeBytes { bytes in
            let tops = Array(repeating: TopK(k, metric), count: queries.count)
            guard let base = bytes.baseAddress, !rows.isEmpty else { return tops }
            let start = base + rows.lowerBound * codeSize
            let isServed = PanelSearch.serves(metric) && codes.isAligned(to: Float.self)
            guard isServed, queries.count >= PanelSearch.leastQueries else {
                return tops.enumerated().map { query, empty in
                    var top = empty
                    CodeRun(
                        codes: start, codeSize: codeSize, count: rows.count,
                        firstPosition: Int64(rows.lowerBound)
                    ).scan(
                        with: FloatScanner(
                            queries.row(query), metric: metric, argument: header.metricArgument),
                        selector: selector, into: &top)
                    return top
                }
            }
            var search = PanelSearch(queries, k: k, metric, selector: selector)
            search.scan(
                PanelSearch.Rows(
                    values: start.assumingMemoryBound(to: Float.self), count: rows.count,
                    firstLabel: Int64(rows.lowerBound)),
                QueryPanel.panels(queries))
            return search.nearest
        }
    }
}
