import FathomKernels

/// Finds the nearest of some centroids for many vectors at once, by matrix products.
///
/// For L2, ‖x − c‖² = ‖x‖² + ‖c‖² − 2 ⟨x, c⟩, where ‖x‖² does not matter to the choice; the
/// distance of the chosen centroid is then taken directly.
struct NearestCentroids {
    private let centroids: VectorRows
    private let isSimilarity: Bool
    /// `[dimension, K]`.
    private let transposed: [Float]
    /// ‖c‖² / 2.
    private let halfNorms: [Float]

    init(_ centroids: VectorRows, isSimilarity: Bool) {
        self.centroids = centroids
        self.isSimilarity = isSimilarity
        let (count, dimension) = (centroids.count, centroids.dimension)
        var transposed = [Float](repeating: 0, count: count * dimension)
        var halfNorms = [Float](repeating: 0, count: count)
        centroids.values.withUnsafeBufferPointer { values in
            for row in 0..<count {
                var sum: Float = 0
                for column in 0..<dimension {
                    let value = values[row * dimension + column]
                    transposed[column * count + row] = value
                    sum += value * value
                }
                halfNorms[row] = sum / 2
            }
        }
        self.transposed = transposed
        self.halfNorms = halfNorms
    }

    /// The number of each row's nearest centroid, and the distance (or inner product) to it.
    func assign(_ rows: VectorRows) -> (numbers: [Int], distances: [Float]) {
        precondition(rows.dimension == centroids.dimension, "rows of another dimension")
        let (count, dimension) = (centroids.count, centroids.dimension)
        var numbers = [Int](repeating: 0, count: rows.count)
        var distances = [Float](repeating: 0, count: rows.count)
        // As many rows at once as give products that stay in the cache.
        let step = max(1, min(256, (1 << 18) / max(1, count)))
        var products = [Float](repeating: 0, count: step * count)
        rows.values.withUnsafeBufferPointer { values in
            centroids.values.withUnsafeBufferPointer { centroidValues in
                transposed.withUnsafeBufferPointer { transposed in
                    guard let values = values.baseAddress, let transposed = transposed.baseAddress,
                        let centroidValues = centroidValues.baseAddress
                    else { return }
                    for first in stride(from: 0, to: rows.count, by: step) {
                        let size = min(step, rows.count - first)
                        fk_matmul_f32_nn(
                            &products, count, values + first * dimension, dimension, transposed,
                            count, 0, Int64(size), Int64(count), Int64(dimension), 0)
                        for i in 0..<size {
                            let nearest = largest(products, row: i)
                            let x = values + (first + i) * dimension
                            let c = UnsafeRawPointer(centroidValues + nearest * dimension)
                            numbers[first + i] = nearest
                            distances[first + i] =
                                isSimilarity
                                ? RowDistances.innerProduct(x, c, dimension)
                                : RowDistances.squaredDistance(x, c, dimension)
                        }
                    }
                }
            }
        }
        return (numbers, distances)
    }

    /// Where ⟨x, c⟩, for L2 less ‖c‖² / 2, is largest; the first such place.
    private func largest(_ products: [Float], row: Int) -> Int {
        products.withUnsafeBufferPointer { products in
            halfNorms.withUnsafeBufferPointer { halfNorms in
                let start = row * halfNorms.count
                var (best, place) = (-Float.infinity, 0)
                for j in 0..<halfNorms.count {
                    let value =
                        isSimilarity ? products[start + j] : products[start + j] - halfNorms[j]
                    if value > best { (best, place) = (value, j) }
                }
                return place
            }
        }
    }
}
