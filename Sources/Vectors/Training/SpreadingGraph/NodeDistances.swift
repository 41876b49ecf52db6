import FathomKernels

/// Distances between the vectors of a graph; smaller keys are nearer whatever the metric.
package struct NodeDistances: Sendable {
    let rows: VectorRows
    let metric: Metric

    package init(rows: VectorRows, metric: Metric) {
        self.rows = rows
        self.metric = metric
    }

    var count: Int { rows.count }

    /// The keys of some nodes seen from a vector.
    ///
    /// - Parameter vector: of the dimension of the rows.
    func fill(_ keys: inout [Float], from vector: UnsafePointer<Float>, to nodes: [Int32]) {
        keys.removeAll(keepingCapacity: true)
        keys += repeatElement(0, count: nodes.count)
        let dimension = rows.dimension
        rows.values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { return }
            switch metric {
            case .l2:
                fk_row_distances_f32(&keys, vector, base, nodes, nodes.count, dimension)
            case .innerProduct:
                fk_row_products_f32(&keys, vector, base, nodes, nodes.count, dimension)
            default:
                for (place, node) in nodes.enumerated() {
                    RowDistances.fill(
                        &keys[place], query: vector, rows: base + Int(node) * dimension, count: 1,
                        dimension: dimension, metric: metric)
                }
            }
        }
        if metric.isSimilarity { for i in keys.indices { keys[i] = -keys[i] } }
    }

    /// The keys of some nodes seen from one of them.
    func fill(_ keys: inout [Float], from node: Int32, to nodes: [Int32]) {
        rows.values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { return }
            fill(&keys, from: base + Int(node) * rows.dimension, to: nodes)
        }
    }
}

/// A node and how far it is from the one that it was looked for.
struct NodeDistance: Sendable {
    let node: Int32
    let key: Float

    /// Nearer first; of nodes that are equally near the lower number.
    static func isBefore(_ a: NodeDistance, _ b: NodeDistance) -> Bool {
        a.key < b.key || a.key == b.key && a.node < b.node
    }
}
