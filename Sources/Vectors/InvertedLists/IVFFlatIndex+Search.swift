extension IVFFlatIndex {
    public func nearest(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        guard queries.count >= PanelSearch.leastQueries, PanelSearch.serves(metric),
            parameters.maxCodes ?? 0 == 0
        else { return try nearestOneByOne(queries, k: k, parameters: parameters) }
        return try nearestByList(queries, k: k, parameters: parameters)
    }

    /// Goes through the lists, each with all queries that look at it.
    private func nearestByList(
        _ queries: VectorRows, k: Int, parameters: SearchParameters
    ) throws -> Neighbors {
        let probes = try file.probes(queries, parameters)
        var search = PanelSearch(
            queries, k: min(k, count), metric, selector: parameters.selector)
        // First the list that a query most likely finds its nearest in, which rules out much of
        // the others.
        for query in 0..<queries.count {
            guard let list = probes.list(query, rank: 0) else { continue }
            withRows(list) { search.measure($0, query) }
        }
        for (list, visitors) in probes.visitors(fromRank: 1) {
            try parameters.limit?.check()
            withRows(list) { rows in
                // Lists in files may begin at any byte.
                let isAligned = UInt(bitPattern: rows.values).isMultiple(of: 4)
                if visitors.count < PanelSearch.leastQueries || !isAligned {
                    for query in visitors { search.measure(rows, query) }
                } else {
                    search.scan(rows, QueryPanel.panels(queries, visitors))
                }
            }
        }
        try file.lists.checkIntact()
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: metric)
        for (query, top) in search.nearest.enumerated() { neighbors.store(top, query: query) }
        return neighbors
    }

    private func withRows(_ list: Int, _ body: (PanelSearch.Rows) -> Void) {
        file.lists.withList(list) { contents in
            guard contents.count > 0, let codes = contents.codes else { return }
            body(
                PanelSearch.Rows(
                    values: codes.assumingMemoryBound(to: Float.self), count: contents.count,
                    labels: contents.ids))
        }
    }
}
