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
                for query in 0..<queries.count {
                    let x = base + query * queries.dimension
                    var nearest = entryPoint
                    var key = HNSWGraph.key(graph, x, nearest)
                    fk_graph_descend_f32(&nearest, &key, &graph, x, Int32(maximumLevel), 1)
                    scratch.begin()
                    fk_graph_walk_f32(
                        &scratch.walk, &graph, x, 0, nearest, key,
                        settings.checksRelativeDistance ? settings.efSearch : .max,
                        settings.checksRelativeDistance ? .max : settings.efSearch + 1)
                    store(scratch.walk, query: query, in: &neighbors, settings.isSimilarity)
                }
            }
        }
        try vectors.codes.checkIntact()
        return neighbors
    }

    /// Nearness of a query and a node, as walks measure it.
    static func key(
        _ graph: fk_graph, _ query: UnsafePointer<Float>, _ node: Int32
    ) -> Float {
        var key: Float = 0
        var node = node
        if graph.by_product != 0 {
            fk_row_products_f32(&key, query, graph.rows, &node, 1, graph.width)
            return -key
        }
        fk_row_distances_f32(&key, query, graph.rows, &node, 1, graph.width)
        return key
    }

    private func store(
        _ walk: fk_walk, query: Int, in neighbors: inout Neighbors, _ isSimilarity: Bool
    ) {
        for place in 0..<min(neighbors.k, walk.count) {
            let key = walk.keys[place]
            guard key < .greatestFiniteMagnitude else { break }
            neighbors.distances[query * neighbors.k + place] = isSimilarity ? -key : key
            neighbors.labels[query * neighbors.k + place] = Int64(walk.nodes[place] & ~FK_WALKED)
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
