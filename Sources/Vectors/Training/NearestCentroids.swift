import FathomKernels

/// Finds the nearest of some centroids for many vectors at once, a panel at a time.
///
/// For L2, ‖x − c‖² = ‖x‖² + ‖c‖² − 2 ⟨x, c⟩, where ‖x‖² does not matter to the choice; the
/// distance of the chosen centroid is then taken directly.
struct NearestCentroids: Sendable {
    private let centroids: VectorRows
    private let isSimilarity: Bool
    /// ‖c‖² / 2.
    private let halfNorms: [Float]

    init(_ centroids: VectorRows, isSimilarity: Bool) {
        self.centroids = centroids
        self.isSimilarity = isSimilarity
        var norms = [Float](repeating: 0, count: centroids.count)
        fk_row_norms_f32(&norms, centroids.values, centroids.count, centroids.dimension)
        halfNorms = norms.map { $0 / 2 }
    }

    /// The number of each row's nearest centroid, and the distance (or inner product) to it.
    func assign(_ rows: VectorRows, threads: Int = 1) -> (numbers: [Int], distances: [Float]) {
        precondition(rows.dimension == centroids.dimension, "rows of another dimension")
        let panelCount = (rows.count + QueryPanel.width - 1) / QueryPanel.width
        let parts = QueryThreads.map(panelCount, threads: threads, pieces: 8) { panels in
            let first = panels.lowerBound * QueryPanel.width
            return assign(rows, first..<min(panels.upperBound * QueryPanel.width, rows.count))
        }
        return (parts.flatMap(\.numbers), parts.flatMap(\.distances))
    }

    private func assign(
        _ rows: VectorRows, _ range: Range<Int>
    ) -> (numbers: [Int], distances: [Float]) {
        var numbers: [Int] = []
        var distances: [Float] = []
        numbers.reserveCapacity(range.count)
        distances.reserveCapacity(range.count)
        var best = [Int32](repeating: 0, count: QueryPanel.width)
        for first in stride(from: range.lowerBound, to: range.upperBound, by: QueryPanel.width) {
            let size = min(QueryPanel.width, range.upperBound - first)
            let panel = QueryPanel(rows, Array(first..<first + size))
            if isSimilarity {
                fk_nearest_rows_f32(
                    &best, panel.values, size, centroids.values, nil, centroids.count,
                    rows.dimension)
            } else {
                fk_nearest_rows_f32(
                    &best, panel.values, size, centroids.values, halfNorms, centroids.count,
                    rows.dimension)
            }
            for place in 0..<size {
                numbers.append(Int(best[place]))
                distances.append(distance(rows, first + place, to: Int(best[place])))
            }
        }
        return (numbers, distances)
    }

    private func distance(_ rows: VectorRows, _ row: Int, to number: Int) -> Float {
        let dimension = rows.dimension
        return rows.values.withUnsafeBufferPointer { values in
            centroids.values.withUnsafeBufferPointer { centroids in
                guard let x = values.baseAddress, let c = centroids.baseAddress else { return 0 }
                let centroid = UnsafeRawPointer(c + number * dimension)
                return isSimilarity
                    ? RowDistances.innerProduct(x + row * dimension, centroid, dimension)
                    : RowDistances.squaredDistance(x + row * dimension, centroid, dimension)
            }
        }
    }
}
