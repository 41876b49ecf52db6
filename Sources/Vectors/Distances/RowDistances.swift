import FathomKernels

/// Distances from one vector to rows of floats.
enum RowDistances {
    /// Writes the distance of each of `count` rows of `dimension` floats that follow each other.
    ///
    /// Sums are taken in an order that depends on the dimension alone.
    static func fill(
        _ distances: UnsafeMutablePointer<Float>, query: UnsafePointer<Float>,
        rows: UnsafeRawPointer, count: Int, dimension: Int, metric: Metric, argument: Float = 0
    ) {
        let stride = dimension * MemoryLayout<Float>.size
        let isAligned = UInt(bitPattern: rows).isMultiple(of: UInt(MemoryLayout<Float>.alignment))
        switch metric {
        case .innerProduct where isAligned:
            fk_row_products_f32(
                distances, query, rows.assumingMemoryBound(to: Float.self), nil, count, dimension)
        case .l2 where isAligned:
            fk_row_distances_f32(
                distances, query, rows.assumingMemoryBound(to: Float.self), nil, count, dimension)
        case _ where !isAligned:
            // Rows in files may begin at any byte; some at a time are copied to where floats can be.
            let step = max(1, min(count, (1 << 16) / stride))
            withUnsafeTemporaryAllocation(of: Float.self, capacity: step * dimension) { copy in
                guard let base = copy.baseAddress else { return }
                for first in Swift.stride(from: 0, to: count, by: step) {
                    let size = min(step, count - first)
                    UnsafeMutableRawPointer(base).copyMemory(
                        from: rows + first * stride, byteCount: size * stride)
                    fill(
                        distances + first, query: query, rows: base, count: size,
                        dimension: dimension, metric: metric, argument: argument)
                }
            }
        default:
            let distance = Self.distance(metric, argument)
            for row in 0..<count {
                distances[row] = distance(
                    query, (rows + row * stride).assumingMemoryBound(to: Float.self), dimension)
            }
        }
    }

    static func innerProduct(
        _ query: UnsafePointer<Float>, _ row: UnsafeRawPointer, _ dimension: Int
    ) -> Float {
        var product: Float = 0
        fill(
            &product, query: query, rows: row, count: 1, dimension: dimension,
            metric: .innerProduct)
        return product
    }

    static func squaredDistance(
        _ query: UnsafePointer<Float>, _ row: UnsafeRawPointer, _ dimension: Int
    ) -> Float {
        var distance: Float = 0
        fill(&distance, query: query, rows: row, count: 1, dimension: dimension, metric: .l2)
        return distance
    }

    static func squaredNorm(_ vector: UnsafePointer<Float>, _ dimension: Int) -> Float {
        innerProduct(vector, vector, dimension)
    }
}
