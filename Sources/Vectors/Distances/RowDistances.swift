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
        switch metric {
        case .innerProduct:
            for row in 0..<count {
                distances[row] = innerProduct(query, rows + row * stride, dimension)
            }
        case .l2:
            for row in 0..<count {
                distances[row] = squaredDistance(query, rows + row * stride, dimension)
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
        var sums = SIMD16<Float>.zero
        let raw = UnsafeRawPointer(query)
        var place = 0
        while place + 16 <= dimension {
            let x = raw.loadUnaligned(fromByteOffset: place * 4, as: SIMD16<Float>.self)
            let y = row.loadUnaligned(fromByteOffset: place * 4, as: SIMD16<Float>.self)
            sums += x * y
            place += 16
        }
        var sum = sums.sum()
        while place < dimension {
            sum += query[place] * row.loadUnaligned(fromByteOffset: place * 4, as: Float.self)
            place += 1
        }
        return sum
    }

    static func squaredDistance(
        _ query: UnsafePointer<Float>, _ row: UnsafeRawPointer, _ dimension: Int
    ) -> Float {
        var sums = SIMD16<Float>.zero
        let raw = UnsafeRawPointer(query)
        var place = 0
        while place + 16 <= dimension {
            let x = raw.loadUnaligned(fromByteOffset: place * 4, as: SIMD16<Float>.self)
            let y = row.loadUnaligned(fromByteOffset: place * 4, as: SIMD16<Float>.self)
            let difference = x - y
            sums += difference * difference
            place += 16
        }
        var sum = sums.sum()
        while place < dimension {
            let difference =
                query[place] - row.loadUnaligned(fromByteOffset: place * 4, as: Float.self)
            sum += difference * difference
            place += 1
        }
        return sum
    }

    static func squaredNorm(_ vector: UnsafePointer<Float>, _ dimension: Int) -> Float {
        innerProduct(vector, UnsafeRawPointer(vector), dimension)
    }
}
