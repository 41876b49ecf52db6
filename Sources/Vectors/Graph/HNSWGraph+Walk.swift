import FathomKernels

extension HNSWGraph {
    /// The nearest of each query among vectors as they are, by the kernels of walks.
    ///
    /// - Returns: nil where the kernels do not serve, for other metrics and odd addresses.
    func nearest(
        _ queries: VectorRows, k: Int, _ settings: Settings, of vectors: FlatIndex,
        _ scratches: WalkScratches
    ) throws -> Neighbors? {
        guard PanelSearch.serves(vectors.metric), vectors.codes.isAligned(to: Float.self) else {
            return nil
        }
        var neighbors = Neighbors(queryCount: queries.count, k: k, metric: vectors.metric)
        guard entryPoint >= 0 else { return neighbors }
        let size = min(max(settings.efSearch, k), count)
        let scratch = scratches.take(
            nodeCount: count, capacity: size, widestList: widestList)
        defer { scratches.give(scratch) }
        withKernelGraph(vectors) { graph in
            queries.values.withUnsafeBufferPointer { values in
                guard let base = values.baseAddress else { return }
                let route = WalkRoute(
                    entry: entryPoint, from: Int(maximumLevel), to: 1, level: 0,
                    enough: settings.checksRelativeDistance ? settings.efSearch : .max,
                    steps: settings.checksRelativeDistance ? .max : settings.efSearch + 1)
                let results = scratch.search(
                    &graph, base, count: queries.count, route, k: min(k, size))
                store(results, in: &neighbors, settings.isSimilarity)
            }
        }
        try vectors.codes.checkIntact()
        return neighbors
    }

    private func store(
        _ results: WalkResults, in neighbors: inout Neighbors, _ isSimilarity: Bool
    ) {
        for query in 0..<neighbors.queryCount {
            for (place, source) in results.places(query).enumerated() {
                let key = results.keys[source]
                guard key < .greatestFiniteMagnitude else { break }
                neighbors.distances[query * neighbors.k + place] = isSimilarity ? -key : key
                neighbors.labels[query * neighbors.k + place] = Int64(results.nodes[source])
            }
        }
    }

    /// Lends the graph and its vectors to kernels.
    private func withKernelGraph(_ vectors: FlatIndex, _ body: (inout fk_graph) -> Void) {
        vectors.codes.withUnsafeBytes { codes in
            offsets.withUnsafeBufferPointer { offsets in
                neighbors.withUnsafeBufferPointer { neighbors in
                    levelStarts.withUnsafeBufferPointer { levelStarts in
                        var graph = fk_graph(
                            rows: codes.assumingMemoryBound(to: Float.self).baseAddress,
                            width: vectors.dimension,
                            by_product: vectors.metric.isSimilarity ? 1 : 0,
                            offsets: offsets.baseAddress, neighbors: neighbors.baseAddress,
                            level_starts: levelStarts.baseAddress)
                        body(&graph)
                    }
                }
            }
        }
    }
}
